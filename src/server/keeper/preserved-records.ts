/**
 * A worker's part in a snapshot: records that its commands are about to change are written here first, as they were, and go
 * to the keeper in chunks that name their databases, each of which may stand anywhere in the file. A worker that is ahead
 * of the keeper by more than its share waits before its next command, and holds no lock then.
 */
import { Cancel, Save, type SaveBoard } from '../../memory/save-board.ts';
import type { Shard } from '../../memory/shard.ts';
import { RdbFileWriter, type RdbFileOptions } from '../../persist/rdb/file-writer.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { recordDatabase } from '../../store/record.ts';
import type { Preserver } from '../../store/snapshot-walk.ts';
import { log } from '../log.ts';

/** What goes to the keeper. */
export interface PreservedChunk {
  readonly snapshotId: number;
  readonly worker: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly keyCount: number;
}

/** Sent when it has grown to this. */
const CHUNK_BYTES = 64 << 10;
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
  private writer: RdbFileWriter | null = null;
  private snapshotId = 0;
  private keyCount = 0;
  private sentBytes = 0;
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
    const writer = this.writer!;
    try {
      writer.selectDatabase(board.logicalDatabase(recordDatabase(shard, record)));
      writer.entry(shard, record, this.keyspace.accessClock);
    } catch (error) {
      // No memory for a huge value, say. The command that changes it is not to suffer for that.
      log.error('a record could not be preserved: the snapshot is given up', error);
      board.set(Save.Cancelled, Cancel.Failed);
      this.writer = null;
      return;
    }
    this.keyCount++;
    if (writer.out.buffer.length >= CHUNK_BYTES) this.sendChunk();
  }

  private begin(id: number): void {
    this.snapshotId = id;
    this.writer = new RdbFileWriter({ ...this.options(), isSumming: false });
    this.keyCount = 0;
  }

  private sendChunk(): void {
    const bytes = new Uint8Array(this.writer!.take());
    this.writer!.forgetDatabase();
    this.sentBytes += bytes.length;
    this.send({ snapshotId: this.snapshotId, worker: this.workerIndex, bytes, keyCount: this.keyCount });
    this.keyCount = 0;
    if (this.aheadBytes > this.aheadBytesMax) this.onAhead();
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
    if (this.writer !== null && this.writer.out.buffer.length > 0) this.sendChunk();
    this.writer = null;
  }
}
