/**
 * Writing RDB files: header, facts, libraries, entries, end. Entries are read straight off the shards: `entry` wants the
 * shard's lock, does it in one go, and touches no file; what has been written is taken out between locks, and summed
 * then.
 *
 * A caller writes header, `resizeDatabase` for each database, libraries, then entries with `selectDatabase` before those of
 * another database, and `end`; and at any time in between does with `take()` what it likes, before it writes on.
 *
 * What the version of the format cannot say stands in front of the entry in aux fields of our own, which Redis passes
 * over: nothing is lost from our own files, and redis-server 7.0 reads them, without the times of hash fields.
 */
import { Bytes } from '../../base/bytes.ts';
import { Crc64 } from '../../base/crc64.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  expiryAtMs,
  itemClientFlags,
  keyAt,
  keyBytes,
  recordAccess,
  RecordFlag,
  recordFlags,
} from '../../store/record.ts';
import { AUX_CLIENT_FLAGS, CHECKSUM_BYTES, Opcode, RDB_VERSION_FIELD_EXPIRY } from './format.ts';
import { appendChecksum, RdbOutput, type RdbOptions } from './output.ts';
import { writeFieldTimesAux } from './hash-writer.ts';
import { rdbTypeOf, writeValue } from './value-writer.ts';

/** What is said about when, or how often, keys were used: that depends on `maxmemory-policy`. */
export const enum AccessFact {
  None = 0,
  Idle = 1,
  Frequency = 2,
}

export interface RdbFileOptions extends RdbOptions {
  access: AccessFact;
  /** `rdbchecksum`. */
  isSumming: boolean;
}

/** What the header says. */
export interface RdbFacts {
  readonly redisVersion: string;
  readonly createdS: number;
  readonly usedBytes: number;
  /** The file is the base of an append-only file. */
  readonly isAofBase: boolean;
}

export class RdbFileWriter {
  readonly out: RdbOutput;
  private readonly access: AccessFact;
  private readonly isSumming: boolean;
  private readonly crc = new Crc64();
  private database = -1;
  /** Bytes taken so far. */
  takenBytes = 0;

  constructor(options: RdbFileOptions) {
    this.out = new RdbOutput(options);
    this.access = options.access;
    this.isSumming = options.isSumming;
  }

  header(facts: RdbFacts): void {
    const { out } = this;
    out.buffer.buffer(Buffer.from(`REDIS${String(out.version).padStart(4, '0')}`));
    this.aux('redis-ver', facts.redisVersion);
    this.aux('redis-bits', '64');
    this.aux('ctime', String(facts.createdS));
    this.aux('used-mem', String(facts.usedBytes));
    this.aux('aof-base', facts.isAofBase ? '1' : '0');
  }

  /** A fact about the file. Integers are written as such. */
  aux(name: string, value: string): void {
    writeAux(this.out, name, value);
  }

  /** How many keys there are going to be in a logical database, which it selects. */
  resizeDatabase(database: number, keyCount: number, expiryCount: number): void {
    this.selectDatabase(database);
    this.out.byte(Opcode.ResizeDatabase);
    this.out.length(keyCount);
    this.out.length(expiryCount);
  }

  /** What is written from here on may stand anywhere: it is to say again which database it belongs to. */
  forgetDatabase(): void {
    this.database = -1;
  }

  /** What follows belongs to this logical database. */
  selectDatabase(database: number): void {
    if (database === this.database) return;
    this.database = database;
    this.out.byte(Opcode.SelectDatabase);
    this.out.length(database);
  }

  /** A library of functions. */
  library(code: Buffer): void {
    writeLibrary(this.out, code);
  }

  /** A record, whose shard's lock is held; `accessClock` is that of now. Hot. */
  entry(shard: Shard, record: number, accessClock: number): void {
    const { out, access } = this;
    const { buffer } = out;
    const flags = recordFlags(shard, record);
    if ((flags & (RecordFlag.Item | RecordFlag.FieldExpiry)) !== 0) this.ownFacts(shard, record, flags);
    if ((flags & RecordFlag.Expiry) !== 0) {
      buffer.byte(Opcode.ExpiryMs);
      out.time(expiryAtMs(shard, record));
    }
    if (access === AccessFact.Idle) {
      buffer.byte(Opcode.Idle);
      out.length((accessClock - recordAccess(shard, record)) & 0xffffff);
    } else if (access === AccessFact.Frequency) {
      buffer.byte(Opcode.Frequency);
      buffer.byte(recordAccess(shard, record));
    }
    buffer.byte(rdbTypeOf(shard, record, out.version));
    out.text(shard.bytes, keyAt(shard, record), keyBytes(shard, record));
    writeValue(out, shard, record);
  }

  private ownFacts(shard: Shard, record: number, flags: number): void {
    const { out } = this;
    const clientFlags = itemClientFlags(shard, record);
    if (clientFlags !== 0) this.aux(AUX_CLIENT_FLAGS, String(clientFlags));
    if ((flags & RecordFlag.FieldExpiry) !== 0 && out.version < RDB_VERSION_FIELD_EXPIRY) {
      writeFieldTimesAux(out, shard, record);
    }
  }

  /** The end of the file; only `take` may follow. */
  end(): void {
    const { out } = this;
    out.byte(Opcode.End);
    if (this.isSumming) return appendChecksum(out.buffer, this.crc, 0);
    for (let i = 0; i < CHECKSUM_BYTES; i++) out.byte(0);
  }

  /** What has been written and not taken: the next bytes of the file, valid until the next write. Sums them. */
  take(): Buffer {
    const { buffer } = this.out;
    const taken = buffer.written();
    if (this.isSumming) this.crc.update(buffer.bytes.view, 0, buffer.length);
    this.takenBytes += buffer.length;
    buffer.clear();
    return taken;
  }
}

/** An aux field. Integers are written as such. */
export function writeAux(out: RdbOutput, name: string, value: string): void {
  out.byte(Opcode.Aux);
  out.words(name);
  const text = Bytes.fromText(value);
  out.text(text, 0, text.u8.length);
}

/** A library of functions as files and FUNCTION DUMP have it. */
export function writeLibrary(out: RdbOutput, code: Buffer): void {
  out.byte(Opcode.Function2);
  const bytes = Bytes.allocate(code.length);
  code.copy(bytes.u8);
  out.text(bytes, 0, code.length);
}
