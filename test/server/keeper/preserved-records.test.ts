/** What a worker preserves of a snapshot: chunks for the keeper, in memory that is used again, and never too far ahead. */
import { expect, test } from 'bun:test';
import { Cancel, Save } from '../../../src/memory/save-board.ts';
import { AccessFact } from '../../../src/persist/rdb/file-writer.ts';
import { type PreservedChunk, PreservedRecords } from '../../../src/server/keeper/preserved-records.ts';
import { RecordStage } from '../../../src/store/record-stage.ts';
import { beginWalk } from '../../../src/store/snapshot-walk.ts';
import { keyAt, keyBytes, valueBytes } from '../../../src/store/record.ts';
import { TestServer } from '../../support/test-server.ts';

const OPTIONS = { version: 10, isCompressing: true, isSumming: false, access: AccessFact.None };

function openScene() {
  const server = new TestServer();
  const { keyspace, board } = server.engine;
  const chunks: PreservedChunk[] = [];
  const preserved = new PreservedRecords(
    keyspace,
    board,
    0,
    () => OPTIONS,
    (chunk) => chunks.push(chunk),
  );
  const begin = (): void => {
    board.set(Save.SnapshotId, board.get(Save.SnapshotId) + 1);
    board.set(Save.Cancelled, Cancel.No);
    board.noteDatabases(16);
    keyspace.preserver = preserved;
    for (const shard of keyspace.shards) beginWalk(shard);
  };
  return { server, board, chunks, preserved, begin };
}

function keysOf({ memory, byteCount }: PreservedChunk): string[] {
  const stage = new RecordStage(memory);
  stage.end = byteCount;
  const keys: string[] = [];
  stage.drain((shard, record) => {
    const at = keyAt(shard, record);
    keys.push(
      `${shard.bytes.u8.toString('latin1', at, at + keyBytes(shard, record))} ${valueBytes(shard, record)}`,
    );
  });
  return keys;
}

test('each record that changes is sent once, as it was', () => {
  const { server, chunks, preserved, begin } = openScene();
  server.run('MSET', 'a', 'one', 'b', 'three');
  server.run('RPUSH', 'packed', 'x');
  for (let i = 0; i < 2000; i++) server.run('RPUSH', 'large', `element ${i}`);
  begin();
  server.run('SET', 'a', 'longer than it was');
  server.run('SET', 'a', 'again');
  server.run('SET', 'new', 'one');
  server.run('GET', 'b');
  server.run('RPUSH', 'packed', 'y');
  server.run('DEL', 'large');
  expect(chunks).toEqual([]);
  preserved.finish();
  expect(chunks.map(({ isStage, keyCount, snapshotId }) => [isStage, keyCount, snapshotId])).toEqual([
    [true, 2, 1],
    [false, 1, 1],
  ]);
  expect(keysOf(chunks[0]!)[0]).toBe('a 3');
  expect(keysOf(chunks[0]!)[1]).toStartWith('packed ');
  expect(Buffer.from(chunks[1]!.memory).toString('latin1')).toContain('large');
});

test('memory is used again once the keeper has done with it, and a worker too far ahead is told', () => {
  const { server, board, chunks, preserved, begin } = openScene();
  for (let i = 0; i < 12_000; i++) server.run('SET', `key:${i}`, 'v'.repeat(1000));
  let toldCount = 0;
  preserved.onAhead = () => toldCount++;
  begin();
  let sentBytes = 0;
  let keyCount = 0;
  for (let i = 0; i < 12_000; i++) {
    server.run('SET', `key:${i}`, 'w');
    if (i === 8000) {
      // The limit is 8 MB for a single worker.
      expect(toldCount).toBe(0);
    }
    for (; keyCount < chunks.length && i < 8000; keyCount++) sentBytes += chunks[keyCount]!.byteCount;
    if (i < 8000) board.setTakenBytes(0, sentBytes);
  }
  expect(toldCount).toBe(0);
  // One is filled while the last one sent is looked at.
  expect(new Set(chunks.slice(0, keyCount).map(({ memory }) => memory)).size).toBeLessThanOrEqual(3);
  for (let i = 0; i < 12_000; i++) server.run('SET', `key:${i}`, 'v'.repeat(1000));
  begin();
  for (let i = 0; i < 12_000; i++) server.run('SET', `key:${i}`, 'w');
  expect(toldCount).toBeGreaterThan(0);
  // The keeper catches up: nobody waits.
  board.setTakenBytes(0, Infinity);
  preserved.wait();
  preserved.finish();
});

test('of a snapshot that was given up nothing is sent', () => {
  const { server, board, chunks, preserved, begin } = openScene();
  server.run('MSET', 'a', 1, 'b', 2);
  begin();
  server.run('SET', 'a', 3);
  board.set(Save.Cancelled, Cancel.Flushed);
  server.run('SET', 'b', 3);
  begin();
  server.run('SET', 'b', 4);
  preserved.finish();
  expect(chunks.map(keysOf)).toEqual([['b 1']]);
});
