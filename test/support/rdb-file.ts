/** RDB files of a TestServer's data, in memory, without threads: written as a snapshot would, loaded as a start would. */
import { Crc64 } from '../../src/base/crc64.ts';
import { Head } from '../../src/memory/shard.ts';
import { EntryLoader } from '../../src/persist/rdb/entry-loader.ts';
import { AccessFact, RdbFileWriter } from '../../src/persist/rdb/file-writer.ts';
import { Part, RdbScanner } from '../../src/persist/rdb/scanner.ts';
import { recordDatabase } from '../../src/store/record.ts';
import { collectEntries } from '../../src/structures/table.ts';
import { TestServer } from './test-server.ts';

export interface SaveOptions {
  readonly version?: number;
  readonly isCompressing?: boolean;
  readonly isSumming?: boolean;
  readonly access?: AccessFact;
  readonly libraries?: readonly string[];
}

/** The file that holds all of a server's keys, shard after shard, as a snapshot has them. */
export function saveFile(server: TestServer, options: SaveOptions = {}): Buffer {
  const { version = 10, isCompressing = true, isSumming = true, access = AccessFact.None } = options;
  const { keyspace } = server.engine;
  const writer = new RdbFileWriter({ version, isCompressing, isSumming, access });
  const chunks: Buffer[] = [];
  writer.header({ redisVersion: '7.0.15', createdS: 1, usedBytes: 2, isAofBase: false });
  for (const code of options.libraries ?? []) writer.library(Buffer.from(code));
  writer.resizeDatabase(0, keyspace.keyCount(0), keyspace.expiryCount(0));
  for (const shard of keyspace.shards) {
    const table = shard.heads[shard.head + Head.Table]!;
    const entries: number[] = [];
    if (table !== 0) collectEntries(shard, table, 0, Infinity, entries);
    for (let i = 1; i < entries.length; i += 2) {
      writer.selectDatabase(recordDatabase(shard, entries[i]!));
      writer.entry(shard, entries[i]!, keyspace.accessClock);
      chunks.push(Buffer.from(writer.take()));
    }
  }
  writer.end();
  chunks.push(Buffer.from(writer.take()));
  return Buffer.concat(chunks);
}

export interface LoadOptions {
  readonly isSumming?: boolean;
  readonly windowBytes?: number;
  readonly isDroppingExpired?: boolean;
  /** Bytes that one read gives at most. */
  readonly readBytes?: number;
}

export interface LoadOutcome {
  readonly loader: EntryLoader;
  readonly scanner: RdbScanner;
  readonly facts: Map<string, string>;
  readonly libraries: string[];
  readonly warnings: string[];
  readonly partCount: number;
}

/** Loads a file into a server. Throws RdbError. */
export function loadFile(server: TestServer, file: Buffer, options: LoadOptions = {}): LoadOutcome {
  const { isSumming = true, windowBytes = 4096, isDroppingExpired = true, readBytes = 1 << 20 } = options;
  let offset = 0;
  const read = (into: Buffer, at: number, byteCount: number): number => {
    const end = Math.min(offset + Math.min(byteCount, readBytes), file.length);
    const count = file.copy(into, at, offset, end);
    offset += count;
    return count;
  };
  const scanner = new RdbScanner(read, { isSumming, windowBytes });
  const loader = new EntryLoader(server.engine.keyspace, { databaseCount: 16, isDroppingExpired });
  const facts = new Map<string, string>();
  const libraries: string[] = [];
  const warnings: string[] = [];
  scanner.begin();
  for (let partCount = 1; ; partCount++) {
    switch (scanner.next()) {
      case Part.Entries:
        loader.load(scanner.bytes, scanner.at, scanner.end, scanner.offset - scanner.at, scanner.database);
        break;
      case Part.Aux:
        facts.set(scanner.name, scanner.value);
        break;
      case Part.Library:
        libraries.push(scanner.code.toString());
        break;
      case Part.Warning:
        warnings.push(scanner.value);
        break;
      case Part.End:
        return { loader, scanner, facts, libraries, warnings, partCount };
      default:
        break;
    }
  }
}

/** The bytes of a bulk reply, which is latin1. */
export function bulkBytes(reply: string): Buffer {
  const end = reply.indexOf('\r\n');
  return Buffer.from(reply.slice(end + 2, -2), 'latin1');
}

/** A payload for RESTORE with this body (type and value), whose version and checksum are right. */
export function payloadOf(body: Uint8Array, version = 10): Buffer {
  const footer = Buffer.from([version & 0xff, version >> 8]);
  const summed = Buffer.concat([body, footer]);
  const crc = new Crc64();
  crc.update(new DataView(summed.buffer, summed.byteOffset, summed.length), 0, summed.length);
  const sum = Buffer.alloc(8);
  sum.writeInt32LE(crc.lo);
  sum.writeInt32LE(crc.hi, 4);
  return Buffer.concat([summed, sum]);
}
