import { describe, expect, test } from 'bun:test';
import { emptyGraveyard, freeBuried, isGraveyardEmpty } from '../../src/store/graveyard.ts';
import { TestServer } from '../support/test-server.ts';

const MEMBERS = 20_000;
const SLICE = 500;

/** A command that adds element `i` to each kind of collection, in the encoding that large ones have. */
const KINDS: readonly (readonly [string, (i: number) => (string | number)[]])[] = [
  ['list', (i) => ['RPUSH', 'big', `element ${i} ${'x'.repeat(i % 50)}`]],
  ['hash', (i) => ['HSET', 'big', `field ${i}`, `value ${i}`]],
  ['set', (i) => ['SADD', 'big', `member ${i}`]],
  ['zset', (i) => ['ZADD', 'big', i % 1000, `member ${i}`]],
];

function oneShardServer(): TestServer {
  return new TestServer({ shardCount: 1, settings: { 'list-max-listpack-size': '2' } });
}

describe('the graveyard', () => {
  for (const [type, add] of KINDS) {
    test(`takes a large ${type} that is removed, and gives its memory back bit by bit`, () => {
      const server = oneShardServer();
      const shard = server.engine.keyspace.shards[0]!;
      server.run('SET', 'other', 'value');
      const before = shard.usedBytes;
      for (let i = 0; i < MEMBERS; i++) server.run(...add(i));
      const full = shard.usedBytes;
      expect(server.run('UNLINK', 'big')).toBe(':1\r\n');
      expect(server.run('EXISTS', 'big')).toBe(':0\r\n');
      expect(isGraveyardEmpty(shard)).toBe(false);
      expect(shard.usedBytes).toBeGreaterThan(before + (full - before) * 0.9);
      let slices = 0;
      for (; !isGraveyardEmpty(shard); slices++) freeBuried(shard, SLICE);
      expect(slices).toBeGreaterThan(5);
      expect(shard.usedBytes).toBe(before);
      server.verify();
    });
  }

  test('holds several values, and forgets them when the shard is emptied', () => {
    const server = oneShardServer();
    const shard = server.engine.keyspace.shards[0]!;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 2000; i++) server.run('SADD', 'big', i);
      server.run('SET', 'big', 'overwritten');
      server.run('DEL', 'big');
    }
    expect(isGraveyardEmpty(shard)).toBe(false);
    server.run('FLUSHALL');
    expect(isGraveyardEmpty(shard)).toBe(true);
    expect(shard.usedBytes).toBe(0);
    server.verify();
  });

  test('is emptied at once for the checker', () => {
    const server = oneShardServer();
    const shard = server.engine.keyspace.shards[0]!;
    for (let i = 0; i < 2000; i++) server.run('HSET', 'big', i, i);
    server.run('DEL', 'big');
    emptyGraveyard(shard);
    expect(isGraveyardEmpty(shard)).toBe(true);
    server.verify();
  });
});
