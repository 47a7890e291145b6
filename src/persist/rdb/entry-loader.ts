/**
 * Entries of an RDB file, as a scanner hands them out, into a keyspace. Each thread that loads has one; each entry is entered
 * under the lock of its shard, and everything it needs is in memory by then.
 *
 * Keys that have expired by the keyspace's time, which must have been set, are left out, unless they are wanted: who loads
 * the beginning of an append-only file wants them.
 */
import type { Bytes } from '../../base/bytes.ts';
import { parseDigits } from '../../base/number.ts';
import { lockShard, unlockShard } from '../../memory/lock.ts';
import { Header } from '../../memory/shard.ts';
import { Key } from '../../store/key.ts';
import { setFrequency, setIdleSeconds } from '../../store/eviction/access.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { RecordFlag, recordFlags, writeItemClientFlags } from '../../store/record.ts';
import { reshapeRecord } from '../../store/record-room.ts';
import { AUX_CLIENT_FLAGS, Opcode } from './format.ts';
import { RdbInput, TextSlot } from './input.ts';
import { readTime } from './stream-loader.ts';
import { Loaded, ValueLoader } from './value-loader.ts';
import { skipValue } from './value-skimmer.ts';

export interface EntryLoaderOptions {
  /** How many logical databases there are. */
  readonly databaseCount: number;
  /** Whether keys that have expired are left out. */
  readonly isDroppingExpired: boolean;
  /** Whether a key that is there already is replaced; else it is an error. */
  readonly isMerging?: boolean;
}

export class EntryLoader {
  /** What was loaded so far, what had expired, and collections without elements, which old servers could leave. */
  keyCount = 0;
  expiredCount = 0;
  emptyCount = 0;
  private readonly keyspace: Keyspace;
  private readonly options: EntryLoaderOptions;
  private readonly values: ValueLoader;
  private readonly key: Key;
  private readonly keyText = new TextSlot();
  private readonly auxText = new TextSlot();
  private readonly timesText = new TextSlot();
  private readonly input: RdbInput;
  /** What was said in front of the entry. */
  private whenMs = 0;
  private idleS = 0;
  private frequency = -1;
  private clientFlags = 0;
  private database = 0;

  constructor(keyspace: Keyspace, options: EntryLoaderOptions) {
    this.keyspace = keyspace;
    this.options = options;
    this.values = new ValueLoader(keyspace);
    this.key = new Key(keyspace.shards[0]!);
    this.input = new RdbInput(this.key.bytes);
  }

  /**
   * Loads the entries in [at, end) of `bytes`, the first of them of the logical database `database`; position 0 of `bytes` is
   * byte `base` of the file. Throws RdbError, with those before the damage loaded.
   */
  load(bytes: Bytes, at: number, end: number, base: number, database: number): void {
    const { input } = this;
    input.open(bytes, at, end, base);
    this.selectDatabase(database);
    this.beginEntry();
    while (input.at < end) this.step();
  }

  private beginEntry(): void {
    this.whenMs = 0;
    this.idleS = 0;
    this.frequency = -1;
    this.clientFlags = 0;
    this.values.fieldTimes = null;
  }

  private selectDatabase(database: number): void {
    if (database >= this.options.databaseCount) this.input.fail(`database ${database}, which there is not`);
    this.database = this.keyspace.physicalDatabase(database);
  }

  /** Reads one opcode, or an entry. */
  private step(): void {
    const { input } = this;
    const type = input.byte();
    switch (type) {
      case Opcode.ExpiryMs:
        this.whenMs = Math.max(readTime(input), 1);
        break;
      case Opcode.ExpirySeconds:
        input.need(4);
        this.whenMs = Math.max(input.bytes.view.getInt32(input.at, true) * 1000, 1);
        input.at += 4;
        break;
      case Opcode.Idle:
        this.idleS = input.length();
        break;
      case Opcode.Frequency:
        this.frequency = input.byte();
        break;
      case Opcode.SelectDatabase:
        this.selectDatabase(input.length());
        break;
      case Opcode.Aux:
        this.ownAux();
        break;
      default:
        this.entry(type);
        this.beginEntry();
    }
  }

  /** A fact of our own about the entry that follows. */
  private ownAux(): void {
    const { input, auxText, timesText } = this;
    input.text(auxText);
    const isFlags = auxText.toString() === AUX_CLIENT_FLAGS;
    input.text(timesText);
    if (!isFlags) {
      this.values.fieldTimes = timesText;
      return;
    }
    const { bytes, at, byteCount } = timesText;
    const flags = byteCount > 10 ? NaN : parseDigits(bytes.u8, at, at + byteCount);
    if (!(flags >= 0 && flags <= 0xffffffff)) input.fail('client flags that are no number');
    this.clientFlags = flags;
  }

  private entry(type: number): void {
    const { input, keyspace, key, keyText } = this;
    const start = input.at - 1;
    input.text(keyText);
    if (this.options.isDroppingExpired && this.whenMs !== 0 && this.whenMs < keyspace.nowMs) {
      skipValue(input, type);
      this.expiredCount++;
      return;
    }
    keyspace.locate(key, keyText.bytes, keyText.at, keyText.byteCount, this.database);
    const { shard } = key;
    lockShard(shard);
    try {
      const before = shard.words[Header.KeyCounts + this.database]!;
      const loaded = this.values.load(input, type, key, this.whenMs);
      if (loaded === Loaded.Empty) this.emptyCount++;
      else if (loaded === Loaded.OutOfMemory) input.fail('no memory is left for the entry', start);
      else {
        if (before === shard.words[Header.KeyCounts + this.database] && this.options.isMerging !== true) {
          input.fail('a key that is there twice', start);
        }
        this.finishEntry(start);
      }
    } finally {
      unlockShard(shard);
    }
  }

  private finishEntry(start: number): void {
    const { key, keyspace } = this;
    this.keyCount++;
    if (this.clientFlags !== 0) {
      const flags = recordFlags(key.shard, key.record) | RecordFlag.Item;
      if (!reshapeRecord(key, flags)) this.input.fail('no memory is left for the entry', start);
      writeItemClientFlags(key.shard, key.record, this.clientFlags);
    }
    const { shard, record } = key;
    if (this.frequency >= 0) setFrequency(keyspace, shard, record, this.frequency);
    else if (this.idleS !== 0) setIdleSeconds(keyspace, shard, record, this.idleS);
  }
}
