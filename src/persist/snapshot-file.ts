/**
 * A file that is whole or not there: what is written goes to another file of the same folder, which takes its name when it
 * is durable. Whatever happens on the way, also a crash, whoever reads finds the old file or the new one.
 *
 * Bytes are gathered, and summed for the checksum that ends the file. What the system has taken is made durable every few
 * megabytes while the rest is being written: one sync at the end would stall every other write to the disk.
 */
import { closeSync, fdatasync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Bytes } from '../base/bytes.ts';
import { Crc64 } from '../base/crc64.ts';

/** Written in one go. */
const BUFFER_BYTES = 256 << 10;
/** Redis: REDIS_AUTOSYNC_BYTES. */
const SYNC_BYTES = 4 << 20;
const CHECKSUM_BYTES = 8;

export interface SnapshotFileOptions {
  /** Ends with the checksum of all that is before it, else with zeros. */
  readonly isSumming: boolean;
  /** `rdb-save-incremental-fsync`. */
  readonly syncsOften: boolean;
}

/** What a snapshot file asks of the system; tests put failures here. */
export interface FileSystem {
  write(file: number, bytes: Uint8Array, at: number, byteCount: number): number;
  /** Makes what was written durable, and tells when it is. */
  sync(file: number, done: (error: Error | null) => void): void;
}

const SYSTEM: FileSystem = { write: writeSync, sync: fdatasync };

export class SnapshotFile {
  readonly path: string;
  private readonly temporary: string;
  private readonly options: SnapshotFileOptions;
  private readonly system: FileSystem;
  private readonly file: number;
  private readonly crc = new Crc64();
  private readonly buffer = Bytes.allocate(BUFFER_BYTES);
  private buffered = 0;
  private unsyncedBytes = 0;
  private syncing: Promise<void> | null = null;
  private isOpen = true;
  /** Bytes that the file has so far. */
  byteCount = 0;

  /** Opens a file that is to be `path`. Throws when that fails. */
  constructor(path: string, options: SnapshotFileOptions, system = SYSTEM) {
    this.path = path;
    this.options = options;
    this.system = system;
    this.temporary = join(dirname(path), `temp-${process.pid}-${crypto.randomUUID()}.rdb`);
    this.file = openSync(this.temporary, 'wx');
  }

  /** Appends bytes, which the caller may reuse afterwards. Throws when the system refuses them. */
  write(bytes: Uint8Array): void {
    this.byteCount += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const taken = Math.min(bytes.length - at, BUFFER_BYTES - this.buffered);
      this.buffer.u8.set(bytes.subarray(at, at + taken), this.buffered);
      this.buffered += taken;
      at += taken;
      if (this.buffered === BUFFER_BYTES) this.flush();
    }
  }

  private flush(): void {
    const { buffer, buffered, file, system } = this;
    if (this.options.isSumming) this.crc.update(buffer.view, 0, buffered);
    this.buffered = 0;
    for (let at = 0; at < buffered;) at += system.write(file, buffer.u8, at, buffered - at);
    this.unsyncedBytes += buffered;
    if (this.options.syncsOften && this.unsyncedBytes >= SYNC_BYTES && this.syncing === null)
      this.beginSync();
  }

  private beginSync(): void {
    this.unsyncedBytes = 0;
    this.syncing = new Promise((resolve, reject) => {
      this.system.sync(this.file, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    // Whoever settles next is told.
    this.syncing.catch(() => {});
  }

  /** Whether the disk is behind: whoever writes much should `settle` first. */
  get isBehind(): boolean {
    return this.syncing !== null && this.unsyncedBytes >= SYNC_BYTES;
  }

  /** Waits until what was begun to be made durable is. Throws when that has failed. */
  async settle(): Promise<void> {
    const { syncing } = this;
    if (syncing === null) return;
    try {
      await syncing;
    } finally {
      this.syncing = null;
    }
  }

  /** Ends the file with its checksum, makes it durable, and gives it its name. Throws when that fails: then `abandon` it. */
  async finish(): Promise<void> {
    this.flush();
    const sum = Bytes.allocate(CHECKSUM_BYTES);
    // Zeros say that there is no checksum; fresh memory may hold anything.
    sum.u8.fill(0);
    if (this.options.isSumming) {
      sum.view.setInt32(0, this.crc.lo, true);
      sum.view.setInt32(4, this.crc.hi, true);
    }
    this.buffer.u8.set(sum.u8);
    this.buffered = CHECKSUM_BYTES;
    this.byteCount += CHECKSUM_BYTES;
    this.flush();
    await this.settle();
    this.beginSync();
    await this.settle();
    this.close();
    renameSync(this.temporary, this.path);
    syncFolder(dirname(this.path));
  }

  /** Removes what has been written. The file that is there under the name stays. */
  abandon(): void {
    this.close();
    rmSync(this.temporary, { force: true });
  }

  private close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    closeSync(this.file);
  }
}

/** Makes the names in a folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
