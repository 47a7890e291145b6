/**
 * Taking a snapshot: every record of one moment, written while clients go on (store/snapshot-walk.ts says how). Used for
 * the file that `save` and BGSAVE write, and for whatever else begins with all the data of a moment.
 */
import { AssertionError } from '../../base/assert.ts';
import { Cancel, Save, SaveSum } from '../../memory/save-board.ts';
import { lockShardUnlessBusy, unlockShard } from '../../memory/lock.ts';
import type { Shard } from '../../memory/shard.ts';
import { Opcode } from '../../persist/rdb/format.ts';
import type { SnapshotFile } from '../../persist/snapshot-file.ts';
import { RecordStage } from '../../store/record-stage.ts';
import { beginWalk, isWalking, walkSlice } from '../../store/snapshot-walk.ts';
import { API_VERSION } from '../product.ts';
import { ShardLocks } from '../shard-locks.ts';
import { EntryWriter } from './entry-writer.ts';
import { rdbOptions } from './rdb-options.ts';
import type { Keeper } from './keeper.ts';
import type { PreservedChunk } from './preserved-records.ts';

/** A lock is held for about this long; a record that takes longer is written as a whole. */
const SLICE_MS = 0.15;
/** ...or until this much has been written, so that no slice is long because of one clock that stood still. */
const SLICE_BYTES_MAX = 256 << 10;
/** Room for copies: more than a slice is over at, for records that are large. Larger ones are written under the lock. */
const STAGE_BYTES = 4 << 20;
/** Time after which what workers have sent is taken, and whatever else waits. */
const TURN_MS = 2;
/** A script holds the shards: looked at again after this long. */
const BUSY_AGAIN_MS = 5;

export interface SnapshotRequest {
  readonly file: SnapshotFile;
  /** The file is the base of an append-only file. */
  readonly isAofBase: boolean;
  /** Called at the moment, under all locks. */
  readonly atMoment: () => void;
}

/** Why there is no snapshot: a text for the log. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly isCancelled: boolean;

  constructor(reason: string, isCancelled: boolean) {
    super(reason);
    this.isCancelled = isCancelled;
  }
}

export class Snapshot {
  private readonly keeper: Keeper;
  private readonly request: SnapshotRequest;
  private readonly writer: EntryWriter;
  private readonly stage = new RecordStage(new SharedArrayBuffer(STAGE_BYTES));
  private readonly locks: ShardLocks;
  private readonly see: (shard: Shard, record: number) => void;
  private readonly isOver: () => boolean;
  private sliceEndMs = 0;
  private keyCount = 0;
  /** What went wrong with the file. */
  private failure: Error | null = null;
  private id = 0;

  constructor(keeper: Keeper, request: SnapshotRequest) {
    this.keeper = keeper;
    this.request = request;
    this.writer = new EntryWriter(keeper.keyspace, keeper.board, rdbOptions(keeper.config));
    this.locks = new ShardLocks(keeper.keyspace.shards);
    const { writer, stage } = this;
    this.see = (shard, record) => {
      if (!stage.add(shard, record)) writer.writeUnderLock(shard, record);
      this.keyCount++;
    };
    this.isOver = () =>
      performance.now() >= this.sliceEndMs || stage.end + writer.byteCount >= SLICE_BYTES_MAX;
  }

  /** Writes the snapshot and finishes the file. Throws when that fails: the file is then to be abandoned. */
  async take(): Promise<void> {
    const { keeper } = this;
    const libraries = await keeper.readLibraries();
    keeper.onPreserved = (chunk) => this.takeChunk(chunk);
    try {
      await this.begin(libraries);
      await this.walk();
      // What workers have not sent yet; their answers come behind it.
      await keeper.askWorkers('snapshot.finish', null);
      this.demandGood();
      this.writer.rdb.out.byte(Opcode.End);
      this.flush();
      this.demandGood();
      await this.request.file.finish();
    } finally {
      this.locks.release();
      keeper.onPreserved = null;
    }
  }

  /** The moment. Nothing is written to the file yet, but what its head will say is known. */
  private async begin(libraries: readonly Buffer[]): Promise<void> {
    const { keeper, locks } = this;
    const { board, keyspace } = keeper;
    locks.wantAll();
    while (!locks.lockWantedUnlessBusy()) {
      await Bun.sleep(BUSY_AGAIN_MS);
      locks.wantAll();
    }
    const databaseCount = keeper.config.number('databases');
    board.noteDatabases(databaseCount);
    board.set(Save.Cancelled, Cancel.No);
    this.id = board.get(Save.SnapshotId) + 1;
    board.set(Save.SnapshotId, this.id);
    board.set(Save.Version, this.writer.rdb.out.version);
    for (const shard of keyspace.shards) beginWalk(shard);
    keyspace.setTime(Date.now());
    this.writeHead(libraries, databaseCount);
    this.request.atMoment();
    locks.release();
  }

  private writeHead(libraries: readonly Buffer[], databaseCount: number): void {
    const { keeper } = this;
    const { rdb: writer } = this.writer;
    const { keyspace, board } = keeper;
    writer.header({
      redisVersion: API_VERSION,
      createdS: Math.floor(Date.now() / 1000),
      usedBytes: keyspace.usedBytes(),
      isAofBase: this.request.isAofBase,
    });
    for (const code of libraries) writer.library(code);
    let total = 0;
    for (let logical = 0; logical < databaseCount; logical++) {
      const database = keyspace.physicalDatabase(logical);
      const count = keyspace.keyCount(database);
      if (count > 0) writer.resizeDatabase(logical, count, keyspace.expiryCount(database));
      total += count;
    }
    writer.forgetDatabase();
    board.setSum(SaveSum.KeysTotal, total);
    board.setSum(SaveSum.KeysDone, 0);
  }

  /** Walks every shard to its end, slice by slice in turn: who waits for the lock of one gets it before the next slice. */
  private async walk(): Promise<void> {
    const { file } = this.request;
    const { shards } = this.keeper.keyspace;
    this.flush();
    let turnEndMs = performance.now() + TURN_MS;
    for (let isMore = true; isMore;) {
      isMore = false;
      let isBusy = false;
      for (const shard of shards) {
        if (!isWalking(shard)) continue;
        if (this.walkShard(shard)) isMore = true;
        else isBusy = true;
        if (performance.now() < turnEndMs) continue;
        await this.pause(file, false);
        turnEndMs = performance.now() + TURN_MS;
      }
      isMore ||= isBusy;
      if (isBusy) await this.pause(file, true);
    }
  }

  private async pause(file: SnapshotFile, isBusy: boolean): Promise<void> {
    if (isBusy) await Bun.sleep(BUSY_AGAIN_MS);
    else await new Promise((resolve) => setImmediate(resolve));
    if (!file.isBehind || this.isLost) return;
    try {
      await file.settle();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** Whether what is still walked is only passed, because nobody will want the file. */
  private get isLost(): boolean {
    return this.keeper.board.get(Save.Cancelled) !== Cancel.No;
  }

  /** False: a script keeps the shard. */
  private walkShard(shard: Shard): boolean {
    if (!lockShardUnlessBusy(shard)) return false;
    try {
      this.sliceEndMs = performance.now() + SLICE_MS;
      if (isWalking(shard)) walkSlice(shard, this.isLost ? passOver : this.see, this.isOver);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.fail(error as Error);
    } finally {
      unlockShard(shard);
    }
    this.flush();
    return true;
  }

  /** Writes what has been gathered. No lock is held. */
  private flush(): void {
    this.drain(this.stage);
    this.write(this.writer.rdb.take(), this.keyCount);
    this.keyCount = 0;
  }

  /** Brings copies of records into the format. */
  private drain(stage: RecordStage): void {
    const { writer } = this;
    try {
      stage.drain(this.isLost ? passOver : (shard, record) => writer.write(shard, record));
    } catch (error) {
      this.fail(error as Error);
      stage.end = stage.start;
    }
  }

  private write(bytes: Uint8Array, keyCount: number): void {
    const { board } = this.keeper;
    if (this.isLost) return;
    try {
      this.request.file.write(bytes);
    } catch (error) {
      this.fail(error as Error);
    }
    board.setSum(SaveSum.KeysDone, board.sum(SaveSum.KeysDone) + keyCount);
  }

  /** Takes what a worker has preserved. */
  private takeChunk({ snapshotId, memory, byteCount, isStage, keyCount }: PreservedChunk): void {
    if (snapshotId !== this.id) return;
    const { rdb } = this.writer;
    if (isStage) {
      const stage = new RecordStage(memory);
      stage.end = byteCount;
      this.drain(stage);
      this.write(rdb.take(), keyCount);
      return;
    }
    this.write(new Uint8Array(memory, 0, byteCount), keyCount);
    // It may have left the file in another database.
    rdb.forgetDatabase();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.keeper.board.set(Save.Cancelled, Cancel.Failed);
  }

  private demandGood(): void {
    if (this.failure !== null) throw this.failure;
    const cancelled = this.keeper.board.get(Save.Cancelled);
    if (cancelled === Cancel.Flushed) throw new SnapshotError('the data were flushed', true);
    if (cancelled === Cancel.Failed) throw new SnapshotError('a worker could not preserve a record', false);
  }
}

/** For a snapshot that is given up: its walk still goes to the end, see store/snapshot-walk.ts. */
function passOver(): void {}
