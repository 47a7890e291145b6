/** A snapshot of a TestServer taken step by step in the test's own thread, between whatever commands the test runs. */
import { Bytes } from '../../src/base/bytes.ts';
import { Save } from '../../src/memory/save-board.ts';
import { AccessFact, RdbFileWriter } from '../../src/persist/rdb/file-writer.ts';
import { EntryLoader } from '../../src/persist/rdb/entry-loader.ts';
import { Part, RdbScanner } from '../../src/persist/rdb/scanner.ts';
import { RecordStage } from '../../src/store/record-stage.ts';
import { recordDatabase } from '../../src/store/record.ts';
import { beginWalk, isWalking, walkSlice } from '../../src/store/snapshot-walk.ts';
import type { Shard } from '../../src/memory/shard.ts';
import type { TestServer } from './test-server.ts';

const DATABASES = 16;
/** Little enough to fill up. */
const STAGE_BYTES = 16 << 10;

export class WalkedSnapshot {
  /** Records that were seen, or handed on before they changed. */
  seen = 0;
  preserved = 0;
  private readonly server: TestServer;
  private readonly writer: RdbFileWriter;
  private readonly stage = new RecordStage(new SharedArrayBuffer(STAGE_BYTES));

  /** The moment of the snapshot is now. */
  constructor(server: TestServer) {
    this.server = server;
    const { keyspace, board } = server.engine;
    this.writer = new RdbFileWriter({
      version: 12,
      isCompressing: true,
      isSumming: true,
      access: AccessFact.None,
    });
    this.writer.header({ redisVersion: '7.0.0', createdS: 0, usedBytes: 0, isAofBase: false });
    board.noteDatabases(DATABASES);
    board.set(Save.Cancelled, 0);
    for (const shard of keyspace.shards) beginWalk(shard);
    keyspace.preserver = {
      preserve: (shard, record) => {
        this.preserved++;
        this.take(shard, record);
      },
    };
  }

  /** As the server does: what is inline is copied first. */
  private take(shard: Shard, record: number): void {
    if (this.stage.add(shard, record)) return;
    this.write(shard, record);
  }

  private write(shard: Shard, record: number): void {
    const { board, keyspace } = this.server.engine;
    this.writer.selectDatabase(board.logicalDatabase(recordDatabase(shard, record)));
    this.writer.entry(shard, record, keyspace.accessClock);
  }

  /** Sees about `count` records of one shard. */
  step(shardIndex: number, count: number): void {
    const shard = this.server.engine.keyspace.shards[shardIndex]!;
    if (!isWalking(shard)) return;
    let left = count;
    this.seen += walkSlice(
      shard,
      (at, record) => {
        left--;
        this.take(at, record);
      },
      () => left <= 0,
    );
  }

  /** Sees the rest, and returns the file. */
  finish(): Buffer {
    const { keyspace } = this.server.engine;
    for (const shard of keyspace.shards) this.step(shard.index, Infinity);
    keyspace.preserver = null;
    this.stage.drain((shard, record) => this.write(shard, record));
    this.writer.end();
    return Buffer.from(this.writer.take());
  }
}

/** Loads an RDB file into a server, expired keys included. */
export function loadInto(server: TestServer, file: Buffer): void {
  let position = 0;
  const scanner = new RdbScanner(
    (into, at, byteCount) => {
      const taken = Math.min(byteCount, file.length - position);
      file.copy(into, at, position, position + taken);
      position += taken;
      return taken;
    },
    { isSumming: true },
  );
  const loader = new EntryLoader(server.engine.keyspace, {
    databaseCount: DATABASES,
    isDroppingExpired: false,
  });
  scanner.begin();
  for (let part = scanner.next(); part !== Part.End; part = scanner.next()) {
    if (part !== Part.Entries) continue;
    const bytes = new Bytes(new Uint8Array(scanner.bytes.u8.subarray(scanner.at, scanner.end)).buffer);
    loader.load(bytes, 0, bytes.u8.length, scanner.offset, scanner.database);
  }
}
