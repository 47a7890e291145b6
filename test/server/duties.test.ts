import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { Header } from '../../src/memory/shard.ts';
import { ExpiryDuty } from '../../src/server/duties/expiry-duty.ts';
import { GraveyardDuty } from '../../src/server/duties/graveyard-duty.ts';
import { MemoryDuty } from '../../src/server/duties/memory-duty.ts';
import { isGraveyardEmpty } from '../../src/store/graveyard.ts';
import { TestServer } from '../support/test-server.ts';

/** Lets everything that waits for its turn run. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('active expiry', () => {
  test('removes what nobody asks for, in every database, and leaves the rest', async () => {
    const server = new TestServer();
    const { keyspace } = server.engine;
    const soon = String(Date.now() + 30);
    for (let i = 0; i < 6000; i++) {
      server.client.connection.database = i % 3;
      server.run('SET', `k${i}`, 'v');
      if (i % 2 === 0) server.run('PEXPIREAT', `k${i}`, soon);
    }
    const duty = new ExpiryDuty(keyspace, keyspace.shards, 16);
    Bun.sleepSync(40);
    for (let tick = 0; tick < 20; tick++) {
      duty.tick();
      await turns(50);
    }
    expect([0, 1, 2].map((database) => keyspace.keyCount(database))).toEqual([1000, 1000, 1000]);
    expect([0, 1, 2].map((database) => keyspace.expiryCount(database))).toEqual([0, 0, 0]);
    server.verify();
  });

  test('does nothing while it is off', () => {
    const server = new TestServer();
    const { keyspace } = server.engine;
    server.run('SET', 'k', 'v');
    server.run('PEXPIRE', 'k', '1');
    Bun.sleepSync(5);
    const duty = new ExpiryDuty(keyspace, keyspace.shards, 16);
    duty.enabled = false;
    duty.tick();
    expect(server.run('DBSIZE')).toBe(':1\r\n');
    duty.enabled = true;
    duty.tick();
    expect(server.run('DBSIZE')).toBe(':0\r\n');
  });
});

describe('memory of free pages', () => {
  function dirtyPages(server: TestServer): number {
    return server.engine.keyspace.shards.reduce((sum, shard) => sum + shard.words[Header.DirtyPages]!, 0);
  }

  function newDuty(server: TestServer, calls: number[]): MemoryDuty {
    const { shards } = server.engine.keyspace;
    return new MemoryDuty(shards, shards, (_address, byteCount) => {
      calls.push(byteCount);
      return 0;
    });
  }

  test('goes back once it has been free for a while, and not before', async () => {
    const server = new TestServer();
    const calls: number[] = [];
    const duty = newDuty(server, calls);
    for (let i = 0; i < 300; i++) server.run('SET', `k${i}`, 'x'.repeat(50_000));
    duty.tick();
    server.run('FLUSHALL');
    const dirty = dirtyPages(server);
    for (let tick = 0; tick < 10; tick++) duty.tick();
    expect(calls).toEqual([]);
    for (let tick = 0; tick < 15; tick++) {
      duty.tick();
      await turns(100);
    }
    expect(calls.reduce((sum, bytes) => sum + bytes, 0)).toBe((dirty - dirtyPages(server)) * 4096);
    expect(Math.max(...calls)).toBe(2 << 20);
    // Runs of less than 16 pages are not worth it.
    expect(dirtyPages(server)).toBeLessThan(16 * server.engine.keyspace.shards.length);
    server.verify();
  });

  test('stays while a workload takes it again and again', async () => {
    const server = new TestServer({ shardCount: 1 });
    const calls: number[] = [];
    const duty = newDuty(server, calls);
    for (let tick = 0; tick < 60; tick++) {
      for (let i = 0; i < 20; i++) server.run('SET', `k${i}`, 'x'.repeat(100_000));
      if (tick % 5 === 4) server.run('FLUSHALL');
      duty.tick();
      await turns(5);
    }
    // What is never used, as each value is written before the old one goes; not the 2 MB that are free at times.
    expect(calls.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(1 << 20);
  });
});

describe('the graveyard', () => {
  test('is emptied as soon as the event loop comes round, when a worker buries in a shard of its own', async () => {
    const server = new TestServer({ shardCount: 2 });
    const { keyspace } = server.engine;
    const duty = new GraveyardDuty(keyspace.shards.slice(0, 1), keyspace.counters);
    keyspace.onBuried = (shard) => duty.wake(shard);
    const members = Array.from({ length: 20_000 }, (_, i) => `member:${i}`);
    // Names of keys in either shard.
    const names = keyspace.shards.map((shard) => {
      for (let i = 0; ; i++) {
        const name = `set${i}`;
        const hash = keyspace.hash(Bytes.fromText(name), 0, name.length, 0);
        if (keyspace.shardOf(hash) === shard) return name;
      }
    });
    for (const name of names) server.run('SADD', name, ...members);
    for (const name of names) server.run('DEL', name);
    expect(keyspace.shards.map(isGraveyardEmpty)).toEqual([false, false]);
    while (!isGraveyardEmpty(keyspace.shards[0]!)) await turns(1);
    expect(keyspace.shards.map(isGraveyardEmpty)).toEqual([true, false]);
    server.verify();
  });
});
