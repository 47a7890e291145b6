/** RDB files of strings of 1 KB, without files: entries written, summed, scanned and loaded. */

import { Bytes } from '../../src/base/bytes.ts';
import { Crc64 } from '../../src/base/crc64.ts';
import { ControlBlock } from '../../src/memory/control.ts';
import { createShardHeads, createShardMemory, Head, Shard } from '../../src/memory/shard.ts';
import { compress, decompress } from '../../src/persist/lzf.ts';
import { EntryLoader } from '../../src/persist/rdb/entry-loader.ts';
import { AccessFact, RdbFileWriter } from '../../src/persist/rdb/file-writer.ts';
import { Part, RdbScanner } from '../../src/persist/rdb/scanner.ts';
import { Key } from '../../src/store/key.ts';
import { Keyspace } from '../../src/store/keyspace.ts';
import { collectEntries } from '../../src/structures/table.ts';
import { Prng } from '../../test/support/prng.ts';
import { runVariants, type Prepare } from '../micro.ts';

const KEY_COUNT = 20_000;
const VALUE_BYTES = 1024;
const SHARD_COUNT = 4;
const COUNTERS = 256;

function makeKeyspace(): Keyspace {
  const heads = createShardHeads(SHARD_COUNT);
  const shards = Array.from(
    { length: SHARD_COUNT },
    (_, index) => new Shard(index, createShardMemory(256 << 20), heads),
  );
  const control = ControlBlock.create(1, 16);
  return new Keyspace(shards, control, new Float64Array(COUNTERS), { k0: 1, k1: 2 });
}

/** Values that can hardly be compressed, or that are half a repetition. */
function fill(isNoise: boolean): Keyspace {
  const keyspace = makeKeyspace();
  const random = new Prng(1);
  const value = Bytes.allocate(VALUE_BYTES);
  value.u8.fill('some text that comes again and again, ');
  const key = new Key(keyspace.shards[0]!);
  for (let i = 0; i < KEY_COUNT; i++) {
    const end = isNoise ? VALUE_BYTES : VALUE_BYTES / 2;
    for (let at = 0; at < end; at += 4) value.view.setUint32(at, random.next32());
    const name = Bytes.fromText(`key:${i}`);
    keyspace.locate(key, name, 0, name.u8.length, 0);
    keyspace.putString(key, value, 0, VALUE_BYTES, 0);
  }
  return keyspace;
}

function write(keyspace: Keyspace, isCompressing: boolean, into: Buffer[] | null): number {
  const writer = new RdbFileWriter({ version: 10, isCompressing, isSumming: false, access: AccessFact.None });
  writer.header({ redisVersion: '7.0.15', createdS: 1, usedBytes: 1, isAofBase: false });
  writer.selectDatabase(0);
  const entries: number[] = [];
  for (const shard of keyspace.shards) {
    entries.length = 0;
    collectEntries(shard, shard.heads[shard.head + Head.Table]!, 0, Infinity, entries);
    for (let i = 1; i < entries.length; i += 2) {
      writer.entry(shard, entries[i]!, 0);
      if (writer.out.buffer.length < 1 << 20) continue;
      const taken = writer.take();
      if (into !== null) into.push(Buffer.from(taken));
    }
  }
  writer.end();
  const taken = writer.take();
  if (into !== null) into.push(Buffer.from(taken));
  return writer.takenBytes;
}

const saving =
  (isNoise: boolean, isCompressing: boolean): Prepare =>
  () => {
    const keyspace = fill(isNoise);
    const byteCount = write(keyspace, isCompressing, null);
    return {
      run: () => write(keyspace, isCompressing, null),
      operationCount: KEY_COUNT,
      extra: { fileBytesPerKey: byteCount / KEY_COUNT },
    };
  };

const loading =
  (isNoise: boolean, isCompressing: boolean, isLoading: boolean): Prepare =>
  () => {
    const chunks: Buffer[] = [];
    write(fill(isNoise), isCompressing, chunks);
    const file = Buffer.concat(chunks);
    const keyspace = makeKeyspace();
    const run = (): number => {
      let offset = 0;
      const scanner = new RdbScanner(
        (into, at, byteCount) => {
          const copied = file.copy(into, at, offset, offset + byteCount);
          offset += copied;
          return copied;
        },
        { isSumming: false },
      );
      const loader = new EntryLoader(keyspace, { databaseCount: 16, isDroppingExpired: false });
      scanner.begin();
      for (let part = scanner.next(); part !== Part.End; part = scanner.next()) {
        if (part !== Part.Entries || !isLoading) continue;
        loader.load(scanner.bytes, scanner.at, scanner.end, scanner.offset - scanner.at, scanner.database);
      }
      if (isLoading) removeAll(keyspace);
      return loader.keyCount;
    };
    return { run, operationCount: KEY_COUNT };
  };

/** Makes room for the next round. */
function removeAll(keyspace: Keyspace): void {
  const key = new Key(keyspace.shards[0]!);
  const entries: number[] = [];
  for (const shard of keyspace.shards) {
    entries.length = 0;
    collectEntries(shard, shard.heads[shard.head + Head.Table]!, 0, Infinity, entries);
    for (let i = 0; i < entries.length; i += 2) {
      keyspace.pointAt(key, shard, entries[i]!, entries[i + 1]!);
      keyspace.remove(key);
    }
  }
}

const megabyte =
  (work: (bytes: Bytes, spare: Bytes) => number): Prepare =>
  () => {
    const bytes = Bytes.allocate(1 << 20);
    const random = new Prng(2);
    for (let at = 0; at < bytes.u8.length; at += 8) bytes.view.setUint32(at, random.next32());
    for (let at = 4; at < bytes.u8.length; at += 8) bytes.view.setUint32(at, 0x61626364);
    const spare = Bytes.allocate(2 << 20);
    return { run: () => work(bytes, spare), operationCount: bytes.u8.length };
  };

await runVariants('rdb', {
  'write 1 KB, as it is': saving(true, false),
  'write 1 KB of noise, compressing': saving(true, true),
  'write 1 KB half of which repeats, compressing': saving(false, true),
  'scan 1 KB': loading(true, false, false),
  'scan and load 1 KB, and remove it again': loading(true, false, true),
  'scan and load 1 KB compressed to a half, and remove it again': loading(false, true, true),
  'sum a byte': megabyte((bytes) => {
    const crc = new Crc64();
    crc.update(bytes.view, 0, bytes.u8.length);
    return crc.lo;
  }),
  'compress a byte': megabyte((bytes, spare) =>
    compress(bytes, 0, bytes.u8.length, spare, 0, spare.u8.length),
  ),
  'decompress a byte': () => {
    const bytes = Bytes.allocate(1 << 20);
    bytes.u8.fill('some text that comes again and again, or nearly so; ');
    const packed = Bytes.allocate(2 << 20);
    const byteCount = compress(bytes, 0, bytes.u8.length, packed, 0, packed.u8.length);
    const run = (): boolean => decompress(packed, 0, byteCount, bytes, 0, bytes.u8.length);
    return { run, operationCount: bytes.u8.length };
  },
});
