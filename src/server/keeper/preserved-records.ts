/**
 * A worker's part in a snapshot: records that its commands are about to change are written here first, as they were, and go
 * to the keeper in chunks that name their databases, each of which may stand anywhere in the file. A worker that is ahead
 * of the keeper by more than its share waits before its next command, and holds no lock then.
 */
import { Cancel, Save, type SaveBoard } from '../../memory/save-board.ts';
import type { Shard } from '../../memory/shard.ts';
import type { RdbFileOptions } from '../../persist/rdb/file-writer.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { RecordStage } from '../../store/record-stage.ts';
import type { Preserver } from '../../store/snapshot-walk.ts';
import { log } from '../log.ts';
import { EntryWriter } from './entry-writer.ts';

/** What goes to the keeper. */
export interface PreservedChunk {
  readonly snapshotId: number;
  readonly worker: number;
  readonly memory: SharedArrayBuffer;
  readonly byteCount: number;
  /** It is the memory of a RecordStage; else entries in the RDB format. */
  readonly isStage: boolean;
  readonly keyCount: number;
}

/** Sent when it has grown to this. */
const CHUNK_BYTES = 64 << 10;
/** Room of a chunk: for that and a record, if it is not large. */
const MEMORY_BYTES = 128 << 10;
/** What a worker may be ahead by, and a share of the data if that is more: all workers together get it. */
const AHEAD_BYTES_MIN = 8 << 20;
const AHEAD_SHARE = 1 / 50;
/** Sleeps between looks at whether the keeper has caught up. */
const WAIT_MS = 1;

export class PreservedRecords implements Preserver {
  private readonly keyspace: Keyspace;
  private readonly board: SaveBoard;
  private readonly workerIndex: number;
  private readonly options: () => RdbFileOptions;
  private readonly send: (chunk: PreservedChunk) => void;
  private stage = new RecordStage(new SharedArrayBuffer(MEMORY_BYTES));
  private writer: EntryWriter | null = null;
  private snapshotId = 0;
  /** Records in the stage, and in the writer. */
  private stagedCount = 0;
  private writtenCount = 0;
  private sentBytes = 0;
  /** Memory of chunks, and what had been sent in all with each. */
  private readonly underWay: { readonly memory: SharedArrayBuffer; readonly sentBytes: number }[] = [];
  private readonly never = new Int32Array(new SharedArrayBuffer(4));
  /** Called when the worker is too far ahead: `wait` should be called before the next command. */
  onAhead: () => void = () => {};

  constructor(
    keyspace: Keyspace,
    board: SaveBoard,
    workerIndex: number,
    options: () => RdbFileOptions,
    send: (chunk: PreservedChunk) => void,
  ) {
    this.keyspace = keyspace;
    this.board = board;
    this.workerIndex = workerIndex;
    this.options = options;
    this.send = send;
  }

  preserve(shard: Shard, record: number): void {
    const { board } = this;
    if (board.get(Save.Cancelled) !== Cancel.No) return;
    const id = board.get(Save.SnapshotId);
    if (id !== this.snapshotId || this.writer === null) this.begin(id);
    try {
      this.take(shard, record);
    } catch (error) {
      // No memory for a huge value, say. The command that changes it is not to suffer for that.
      log.error('a record could not be preserved: the snapshot is given up', error);
      board.set(Save.Cancelled, Cancel.Failed);
      this.writer = null;
    }
  }

  private begin(id: number): void {
    this.snapshotId = id;
    this.writer = new EntryWriter(this.keyspace, this.board, this.options());
    this.writtenCount = 0;
    this.stage.end = this.stage.start;
    this.stagedCount = 0;
  }

  /** A copy is quick, and the keeper does the rest; what has blocks of its own, or is large, is written at once. */
  private take(shard: Shard, record: number): void {
    const { stage } = this;
    const writer = this.writer!;
    if (stage.add(shard, record)) {
      this.stagedCount++;
      if (stage.end >= CHUNK_BYTES) this.sendStage();
      return;
    }
    writer.writeUnderLock(shard, record);
    this.writtenCount++;
    if (writer.byteCount >= CHUNK_BYTES) this.sendWritten();
  }

  private sendStage(): void {
    const { memory, end } = this.stage;
    this.sendChunk(memory, end, true, this.stagedCount);
    this.stagedCount = 0;
    this.stage = new RecordStage(this.takeMemory(MEMORY_BYTES));
  }

  private sendWritten(): void {
    const { rdb } = this.writer!;
    const bytes = rdb.take();
    rdb.forgetDatabase();
    const memory = this.takeMemory(bytes.length);
    bytes.copy(new Uint8Array(memory));
    this.sendChunk(memory, bytes.length, false, this.writtenCount);
    this.writtenCount = 0;
  }

  private sendChunk(memory: SharedArrayBuffer, byteCount: number, isStage: boolean, keyCount: number): void {
    const { snapshotId, workerIndex } = this;
    this.sentBytes += byteCount;
    if (memory.byteLength === MEMORY_BYTES) this.underWay.push({ memory, sentBytes: this.sentBytes });
    this.send({ snapshotId, worker: workerIndex, memory, byteCount, isStage, keyCount });
    if (this.aheadBytes > this.aheadBytesMax) this.onAhead();
  }

  /** Memory that the keeper has done with, if there is: it takes what it is sent in order. */
  private takeMemory(byteCount: number): SharedArrayBuffer {
    if (byteCount > MEMORY_BYTES) return new SharedArrayBuffer(byteCount);
    const oldest = this.underWay[0];
    if (oldest === undefined || oldest.sentBytes > this.board.takenBytes(this.workerIndex)) {
      return new SharedArrayBuffer(MEMORY_BYTES);
    }
    this.underWay.shift();
    return oldest.memory;
  }

  private get aheadBytes(): number {
    return this.sentBytes - this.board.takenBytes(this.workerIndex);
  }

  private get aheadBytesMax(): number {
    const { control } = this.keyspace;
    return Math.max(AHEAD_BYTES_MIN, this.keyspace.usedBytes() * AHEAD_SHARE) / control.workerCount;
  }

  /** Waits, without any lock, until the keeper has caught up. */
  wait(): void {
    const most = this.aheadBytesMax;
    while (this.aheadBytes > most) Atomics.wait(this.never, 0, 0, WAIT_MS);
  }

  /** The walk is over: sends what is left, and forgets the snapshot. */
  finish(): void {
    if (this.writer !== null) {
      if (!this.stage.isEmpty) this.sendStage();
      if (this.writer.byteCount > 0) this.sendWritten();
    }
    this.writer = null;
    this.underWay.length = 0;
  }
}
