/**
 * The increment that is being written to: appends, makes durable, and keeps the file whole when the disk fails: what could
 * be written of a batch only in part is taken back.
 */
import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** What an increment asks of the system; tests put failures here. */
export interface AppendSystem {
  write(file: number, bytes: Uint8Array, at: number, byteCount: number): number;
  truncate(file: number, byteCount: number): void;
  sync(file: number): void;
  syncLater(file: number, done: (error: Error | null) => void): void;
}

export const APPEND_SYSTEM: AppendSystem = {
  write: writeSync,
  truncate: ftruncateSync,
  sync: fdatasyncSync,
  syncLater: fdatasync,
};

export class IncrementFile {
  readonly path: string;
  private readonly system: AppendSystem;
  private readonly file: number;
  /** Bytes in it, and bytes that are known to be durable. */
  byteCount: number;
  durableBytes: number;
  private syncing: Promise<void> | null = null;

  /** Opens the file at `path`, which is made if it is not there. Throws when that fails. */
  constructor(path: string, system = APPEND_SYSTEM) {
    this.path = path;
    this.system = system;
    this.file = openSync(path, 'a');
    this.byteCount = fstatSync(this.file).size;
    this.durableBytes = this.byteCount;
  }

  /**
   * Appends bytes[0, byteCount). Returns how many of them are in the file now, and throws nothing: what went wrong is in
   * `error`.
   */
  append(bytes: Uint8Array, byteCount: number): { written: number; error: Error | null } {
    let at = 0;
    try {
      while (at < byteCount) at += this.system.write(this.file, bytes, at, byteCount - at);
      this.byteCount += at;
      return { written: at, error: null };
    } catch (error) {
      return { written: this.takeBack(at), error: error as Error };
    }
  }

  private takeBack(written: number): number {
    if (written === 0) return 0;
    try {
      this.system.truncate(this.file, this.byteCount);
      return 0;
    } catch {
      // Then it stays, and the rest is to follow it.
      this.byteCount += written;
      return written;
    }
  }

  get isSyncing(): boolean {
    return this.syncing !== null;
  }

  get isDurable(): boolean {
    return this.durableBytes === this.byteCount;
  }

  /** Makes all of it durable. Throws when that fails. */
  sync(): void {
    this.system.sync(this.file);
    this.durableBytes = this.byteCount;
  }

  /** Begins to make durable what is there. `done` is called when it is, or could not be made so. */
  syncLater(done: (error: Error | null) => void): void {
    const { byteCount } = this;
    this.syncing = new Promise((resolve) => {
      this.system.syncLater(this.file, (error) => {
        this.syncing = null;
        if (error === null) this.durableBytes = byteCount;
        done(error);
        resolve();
      });
    });
  }

  /** Closes the file when what was begun is done. */
  async close(): Promise<void> {
    await this.syncing;
    closeSync(this.file);
  }
}
