/** The layouts that several files, threads and (one day) processes agree on, frozen as text: a change of one must be
 *  deliberate. When it is, run `bun test test/frozen --update-snapshots` and look at the difference. */

import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bytes } from '../../src/base/bytes.ts';
import { ControlBlock } from '../../src/memory/control.ts';
import {
  createShardMemory,
  Head,
  HEADER_BYTES,
  PAGE_BYTES,
  Shard,
  SHARD_BYTES,
} from '../../src/memory/shard.ts';
import { Key } from '../../src/store/key.ts';
import { Keyspace } from '../../src/store/keyspace.ts';
import { valueAt, valueBytes } from '../../src/store/record.ts';
import { createSetMember } from '../../src/structures/set/set-table.ts';
import { createTable, insertEntry } from '../../src/structures/table.ts';
import { TestServer } from '../support/test-server.ts';

const SOURCE = join(import.meta.dir, '../../src');

/** The members of a file's `const enum`s, one line each. Names and numbers only: comments may be improved freely. */
function enumsOf(path: string): string[] {
  const text = readFileSync(join(SOURCE, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  return [...text.matchAll(/const enum (\w+) \{([^}]*)\}/g)].map(
    ([, name, members]) =>
      `${name}: ${members!
        .split(/[\s,]+/)
        .join(' ')
        .trim()}`,
  );
}

const hexLines = (bytes: Buffer): string[] =>
  Array.from({ length: bytes.length / 8 }, (_, i) => bytes.toString('hex', i * 8, i * 8 + 8));

for (const path of [
  'memory/shard.ts',
  'memory/pages.ts',
  'memory/allocator.ts',
  'memory/journal-state.ts',
  'memory/journal-ring.ts',
  'structures/table.ts',
  'structures/hash/packed-fields.ts',
  'structures/hash/field-table.ts',
  'structures/list/node.ts',
  'structures/list/chain.ts',
  'structures/sorted-set/score-node.ts',
  'structures/sorted-set/score-tree.ts',
  'structures/sorted-set/scored-members.ts',
  'structures/stream/directory.ts',
  'structures/stream/groups.ts',
  'structures/stream/pending-list.ts',
  'structures/stream/stream-log.ts',
  'structures/stream/stream-node.ts',
  'store/record.ts',
  'store/interests.ts',
]) {
  test(`the numbers of ${path}`, () => {
    expect(enumsOf(path)).toMatchSnapshot();
  });
}

test('the sizes of a shard, its header and its pages', () => {
  expect([SHARD_BYTES, HEADER_BYTES, PAGE_BYTES, Head.Words]).toEqual([0x7fff0000, 65536, 4096, 16]);
});

test('the bytes of a record with every optional field', () => {
  const shard = new Shard(0, createShardMemory(1 << 20));
  const control = ControlBlock.create(1, 16);
  const keyspace = new Keyspace([shard], control, control.counters(0), { k0: 1, k1: 2 });
  keyspace.setTime(1_700_000_000_000);
  shard.heads[shard.head + Head.Epoch] = 7;
  const key = new Key(shard);
  const input = Bytes.fromText('keyvalue');
  keyspace.locate(key, input, 0, 3, 5);
  keyspace.putItem(key, input, 3, 5, 1_800_000_000_000, 0xdeadbeef);
  expect(hexLines(shard.bytes.u8.subarray(key.record, key.record + 48))).toMatchSnapshot();
});

test('the bytes of small sets and of a member of a large one', () => {
  const server = new TestServer({ shardCount: 1 });
  server.run('SADD', 'integers', '-2', '1', '70000');
  server.run('SADD', 'wide', '5', '-4294967296');
  server.run('SADD', 'texts', '-2', '1000', '70000', 'text', 'x'.repeat(64));
  const { keyspace } = server.engine;
  const shard = keyspace.shards[0]!;
  const bytesOf = (name: string): string => {
    const key = new Key(shard);
    keyspace.locate(key, Bytes.fromText(name), 0, name.length, 0);
    const at = valueAt(shard, keyspace.find(key));
    return shard.bytes.u8.toString('hex', at, at + valueBytes(shard, key.record));
  };
  const short = createSetMember(shard, Bytes.fromText('text'), 0, 4);
  const block = createSetMember(shard, Bytes.fromText('x'.repeat(254)), 0, 254);
  expect({
    integers: bytesOf('integers'),
    wide: bytesOf('wide'),
    texts: bytesOf('texts'),
    shortMember: shard.bytes.u8.toString('hex', short, short + 5),
    longMember: shard.bytes.u8.toString('hex', block, block + 8),
  }).toMatchSnapshot();
});

test('the words of a table of three entries: root, directory, segment', () => {
  const shard = new Shard(0, createShardMemory(1 << 20));
  const { words } = shard;
  const table = createTable(shard);
  for (const [hash, ref] of [
    [0x12345678, 800],
    [0x7fffffff, 808],
    [0x12345678, 816],
  ] as const) {
    insertEntry(shard, table, hash, ref);
  }
  const root = words.subarray(table >> 2, (table >> 2) + 5);
  const directory = words.subarray(root[1]! >> 2, (root[1]! >> 2) + 2);
  const segment = words.subarray(directory[0]! >> 2, (directory[0]! >> 2) + 4 + (16 + 24 + 1) * 2);
  const used = [...segment].flatMap((word, index) =>
    word === 0 ? [] : [`${index}: 0x${word.toString(16)}`],
  );
  expect({ root: root.toString(), directory: directory.toString(), segment: used }).toMatchSnapshot();
});
