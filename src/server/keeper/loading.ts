/**
 * Loading a snapshot into the keyspace: the keeper splits the file into parts, and all workers load them at the same time.
 * Whoever calls sees to it that no client changes anything meanwhile.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Save, SaveSum } from '../../memory/save-board.ts';
import { Part, RdbScanner } from '../../persist/rdb/scanner.ts';
import { log } from '../log.ts';
import type { Keeper } from './keeper.ts';

/** What a worker is to load... */
export interface LoadPart {
  readonly memory: SharedArrayBuffer;
  readonly byteCount: number;
  /** Where in the file the first byte is from. */
  readonly base: number;
  /** Logical database of the first entries. */
  readonly database: number;
  readonly isDroppingExpired: boolean;
  readonly isMerging: boolean;
}

/** ...and what became of it. */
export interface LoadOutcome {
  readonly keyCount: number;
  readonly expiredCount: number;
  readonly emptyCount: number;
}

export interface LoadOptions {
  /** Whether keys that have expired are left out: not at the beginning of an append-only file. */
  readonly isDroppingExpired: boolean;
  /** Whether a key that is there is replaced; else it is an error. */
  readonly isMerging: boolean;
}

/** Part of the file that is split at once. */
const WINDOW_BYTES = 1 << 20;
/** Parts that a worker has, at most: one to load, and the next. */
const PARTS_PER_WORKER = 2;
const PROGRESS_MS = 5000;

/** What a file was found to hold. */
export class FileLoader {
  keyCount = 0;
  expiredCount = 0;
  emptyCount = 0;
  /** What is in the file behind the snapshot; for the append-only file. */
  rest: Buffer = Buffer.alloc(0);
  /** Where in the file that begins. */
  restAt = 0;
  private readonly keeper: Keeper;
  private readonly options: LoadOptions;
  private readonly underWay: Set<Promise<void>>[];
  /** Memory of parts that were loaded. */
  private readonly idle: SharedArrayBuffer[] = [];
  private failure: Error | null = null;
  private nextProgressMs = 0;

  constructor(keeper: Keeper, options: LoadOptions) {
    this.keeper = keeper;
    this.options = options;
    this.underWay = keeper.workers.map(() => new Set());
  }

  /** Loads the file at `path`. Throws an Error with a text for people; what was loaded by then stays. */
  async load(path: string): Promise<void> {
    const file = openSync(path, 'r');
    try {
      const { board, config } = this.keeper;
      board.setSum(SaveSum.LoadTotalBytes, fstatSync(file).size);
      board.setSum(SaveSum.LoadedBytes, 0);
      board.set(Save.LoadedKeys, 0);
      board.set(Save.ExpiredKeys, 0);
      this.nextProgressMs = performance.now() + PROGRESS_MS;
      const scanner = new RdbScanner((into, at, byteCount) => readSync(file, into, at, byteCount, null), {
        isSumming: config.flag('rdbchecksum'),
        windowBytes: WINDOW_BYTES,
      });
      await this.scan(scanner);
    } finally {
      await Promise.allSettled(this.underWay.flatMap((parts) => [...parts]));
      closeSync(file);
    }
    if (this.failure !== null) throw this.failure;
  }

  private async scan(scanner: RdbScanner): Promise<void> {
    scanner.begin();
    while (this.failure === null) {
      const part = scanner.next();
      switch (part) {
        case Part.Entries:
          await this.giveOut(scanner);
          break;
        case Part.Aux:
          log.debug(`snapshot: ${scanner.name} ${scanner.value}`);
          break;
        case Part.Library:
          await this.addLibrary(scanner.code);
          break;
        case Part.Warning:
          log.warn(`snapshot: ${scanner.value}`);
          break;
        case Part.End:
          this.rest = Buffer.from(scanner.rest);
          this.restAt = scanner.bytesRead - this.rest.length;
          return;
        default:
      }
      this.tellProgress(scanner.bytesRead);
    }
  }

  /** Hands a part to the worker that has the fewest; waits while each has enough. */
  private async giveOut(scanner: RdbScanner): Promise<void> {
    const { underWay } = this;
    const fewest = (): number => {
      let least = 0;
      for (let i = 1; i < underWay.length; i++) if (underWay[i]!.size < underWay[least]!.size) least = i;
      return least;
    };
    while (underWay[fewest()]!.size >= PARTS_PER_WORKER) {
      await Promise.race(underWay.flatMap((parts) => [...parts]));
    }
    const worker = fewest();
    const { database, offset, bytes, at, end } = scanner;
    const byteCount = end - at;
    const memory = this.takeMemory(byteCount);
    bytes.u8.copy(new Uint8Array(memory), 0, at, end);
    const part: LoadPart = { memory, byteCount, base: offset, database, ...this.options };
    const parts = underWay[worker]!;
    const loading = this.keeper.askWorker(worker, 'load.part', part).then(
      (outcome) => this.add(outcome as LoadOutcome),
      (error: Error) => {
        this.failure ??= error;
      },
    );
    const counted = loading.finally(() => {
      parts.delete(counted);
      if (memory.byteLength === WINDOW_BYTES) this.idle.push(memory);
    });
    parts.add(counted);
  }

  /** Memory that was used before, if there is: touching fresh pages takes longer than all the rest. */
  private takeMemory(byteCount: number): SharedArrayBuffer {
    if (byteCount > WINDOW_BYTES) return new SharedArrayBuffer(byteCount);
    return this.idle.pop() ?? new SharedArrayBuffer(WINDOW_BYTES);
  }

  private add({ keyCount, expiredCount, emptyCount }: LoadOutcome): void {
    const { board } = this.keeper;
    this.keyCount += keyCount;
    this.expiredCount += expiredCount;
    this.emptyCount += emptyCount;
    board.set(Save.LoadedKeys, this.keyCount);
    board.set(Save.ExpiredKeys, this.expiredCount);
  }

  private async addLibrary(code: Buffer): Promise<void> {
    const problem = await this.keeper.askWorker(0, 'functions.restore', [code]);
    if (problem !== null) throw new Error(`a library of functions was refused: ${problem as string}`);
  }

  private tellProgress(byteCount: number): void {
    const { board } = this.keeper;
    board.setSum(SaveSum.LoadedBytes, byteCount);
    const nowMs = performance.now();
    if (nowMs < this.nextProgressMs) return;
    this.nextProgressMs = nowMs + PROGRESS_MS;
    const percent = (byteCount / board.sum(SaveSum.LoadTotalBytes)) * 100;
    log.info(`Loading: ${percent.toFixed(1)} % of the file, ${this.keyCount} keys`);
  }
}
