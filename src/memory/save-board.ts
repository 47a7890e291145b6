/**
 * What all threads know about saving and loading: words of the control block. The keeper writes them, with the exceptions
 * named below; anyone reads them, without a lock.
 *
 *  control block
 *   word 1088      1120       1184               1696  ...  8192                  9216
 *        +---------+----------+------------------+          +---------------------+
 *        | words   | doubles  | bytes written    |          | physical database   |
 *        | (Save)  | (SaveSum)| for each worker  |          | to logical one      |
 *        +---------+----------+------------------+          +---------------------+
 */
import { Control, type ControlBlock } from './control.ts';

const WORDS_AT = 1088;
const DOUBLES_AT = 560;
const WRITTEN_AT = 592;
const LOGICAL_AT = 8192;

/** Words of the board. Times are Unix seconds. */
export const enum Save {
  /** Raised with every snapshot, under all locks. */
  SnapshotId = 0,
  /** Set of Cancel: why the snapshot under way is given up. Written by anyone. */
  Cancelled = 1,
  /** A snapshot is being written to `dbfilename`... */
  IsSaving = 2,
  /** ...since... */
  StartedS = 3,
  /** The last one that was whole, 0 if there was none, and how long the last attempt took, and a second more. */
  LastSaveS = 4,
  LastSeconds = 5,
  /** The last attempt failed. */
  HasFailed = 6,
  /** Snapshots that were whole. */
  SaveCount = 7,
  LoadStartedS = 8,
  LoadedKeys = 9,
  ExpiredKeys = 10,
  /** Version of the format of the snapshot under way. */
  Version = 11,
}

/** Doubles of the board. */
export const enum SaveSum {
  /** What the count of changes was when the last whole snapshot was begun. */
  SavedMutations = 0,
  /** Keys of the snapshot under way: written, and all. */
  KeysDone = 1,
  KeysTotal = 2,
  LoadTotalBytes = 3,
  LoadedBytes = 4,
}

export const enum Cancel {
  No = 0,
  /** Data were removed all at once: what is left is no moment of them any more. */
  Flushed = 1,
  /** It cannot be written. */
  Failed = 2,
}

export class SaveBoard {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;

  constructor({ words, doubles }: ControlBlock) {
    this.words = words;
    this.doubles = doubles;
  }

  get(word: Save): number {
    return Atomics.load(this.words, WORDS_AT + word);
  }

  set(word: Save, value: number): void {
    Atomics.store(this.words, WORDS_AT + word, value);
  }

  /** Redis: at the start what there is counts as saved. */
  get lastSaveS(): number {
    return this.get(Save.LastSaveS) || this.words[Control.StartedAtS]!;
  }

  /** How long the last attempt to save took, -1 if there was none. */
  get lastSeconds(): number {
    return this.get(Save.LastSeconds) - 1;
  }

  sum(double: SaveSum): number {
    return this.doubles[DOUBLES_AT + double]!;
  }

  setSum(double: SaveSum, value: number): void {
    this.doubles[DOUBLES_AT + double] = value;
  }

  /** Bytes of what a worker has sent that the keeper has taken. */
  takenBytes(worker: number): number {
    return this.doubles[WRITTEN_AT + worker]!;
  }

  setTakenBytes(worker: number, byteCount: number): void {
    this.doubles[WRITTEN_AT + worker] = byteCount;
  }

  /** Notes which physical database stands for which logical one at this moment. All locks held. */
  noteDatabases(count: number): void {
    for (let logical = 0; logical < count; logical++) {
      this.words[LOGICAL_AT + this.words[Control.DatabaseMap + logical]!] = logical;
    }
  }

  /** The logical database that a physical one stood for at the moment of the snapshot. Under any lock. */
  logicalDatabase(physical: number): number {
    return this.words[LOGICAL_AT + physical]!;
  }
}
