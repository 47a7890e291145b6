import { describe, expect, test } from 'bun:test';
import { Header } from '../../src/memory/shard.ts';
import { DefragmentDuty } from '../../src/server/duties/defragment-duty.ts';
import { defragmentSlice, fragmentedBytes, slice } from '../../src/store/defragment.ts';
import { Key } from '../../src/store/key.ts';
import { TestServer } from '../support/test-server.ts';

const SETTINGS = {
  isOn: true,
  lowerPercent: 10,
  upperPercent: 100,
  cycleMinPercent: 1,
  cycleMaxPercent: 25,
  ignoreBytes: 1,
};

/** Every kind of value that lies in its record, large ones besides; then most of the keys go. */
function sparse(): { server: TestServer; digest: () => string } {
  const server = new TestServer({ shardCount: 1 });
  for (let i = 0; i < 8000; i++) {
    server.run('SET', `s${i}`, 'v'.repeat(100 + (i % 50)));
    if (i % 8 === 0) server.run('SET', `t${i}`, `timed ${i}`, 'EX', 100_000);
    if (i % 8 === 1) server.run('HSET', `h${i}`, 'f', i, 'g', 'x'.repeat(60));
    if (i % 8 === 2) server.run('RPUSH', `l${i}`, i, 'b');
    if (i % 8 === 3) server.run('SADD', `i${i}`, i, i + 1);
    if (i % 8 === 4) server.run('ZADD', `z${i}`, i, 'm');
  }
  server.run('SADD', 'large', ...Array.from({ length: 3000 }, (_, i) => `member ${i}`));
  for (let i = 0; i < 8000; i++) if (i % 7 !== 0) server.run('DEL', `s${i}`, `h${i}`, `l${i}`);
  return { server, digest: () => server.run('DEBUG', 'DIGEST') };
}

describe('defragmentation', () => {
  test('empties pages and changes no value, expiry or access', () => {
    const { server, digest } = sparse();
    const { keyspace } = server.engine;
    const shard = keyspace.shards[0]!;
    const before = { digest: digest(), used: shard.usedBytes, timed: server.run('EXPIRETIME', 't0') };
    const held = shard.words[Header.HeldPages]!;
    const waste = fragmentedBytes(shard);
    const key = new Key(shard);
    let moved = 0;
    for (let round = 0; round < 20; round++) {
      let hash = 0;
      do {
        defragmentSlice(keyspace, shard, hash, 100, key);
        moved += slice.movedCount;
        hash = slice.nextHash;
      } while (hash > 0);
    }
    expect(moved).toBeGreaterThan(500);
    expect(shard.words[Header.HeldPages]!).toBeLessThan(held * 0.75);
    expect(fragmentedBytes(shard)).toBeLessThan(waste * 0.6);
    const after = { digest: digest(), used: shard.usedBytes, timed: server.run('EXPIRETIME', 't0') };
    expect(after).toEqual(before);
    server.verify();
  });

  test('comes to an end: what lies well is left alone', () => {
    const { server } = sparse();
    const { keyspace } = server.engine;
    const shard = keyspace.shards[0]!;
    const key = new Key(shard);
    let last = -1;
    for (let round = 0; round < 30; round++) {
      defragmentSlice(keyspace, shard, 0, 1e9, key);
      last = slice.movedCount;
    }
    expect(last).toBeLessThan(keyspace.keyCount(0) / 10);
  });

  test('the duty works while there is fragmentation, and not when it is off or small', async () => {
    const { server } = sparse();
    const { keyspace } = server.engine;
    const shard = keyspace.shards[0]!;
    const held = shard.words[Header.HeldPages]!;
    const duty = new DefragmentDuty(keyspace, keyspace.shards, { ...SETTINGS, isOn: false });
    duty.tick();
    duty.settings = { ...SETTINGS, ignoreBytes: 1 << 30 };
    duty.tick();
    duty.settings = { ...SETTINGS, lowerPercent: 1000 };
    duty.tick();
    expect(shard.words[Header.HeldPages]!).toBe(held);
    duty.settings = SETTINGS;
    for (let tick = 0; tick < 20; tick++) {
      duty.tick();
      for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(shard.words[Header.HeldPages]!).toBeLessThan(held * 0.75);
    expect(/active_defrag_hits:(\d+)/.exec(server.run('INFO', 'stats'))![1]).not.toBe('0');
    server.verify();
  });
});
