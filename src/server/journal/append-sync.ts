/** When an increment is written and made durable, and what becomes of it when that fails, after Redis' rules. */
import { JournalFigure } from '../../memory/journal-state.ts';
import type { IncrementFile } from '../../persist/append-only/increment-file.ts';
import type { Config } from '../config/config.ts';
import { log } from '../log.ts';

const SYNC_EVERY_MS = 1000;
/** Redis: writing waits for a sync that takes long, but no longer than this. */
const HOLD_BACK_MS_MAX = 2000;
/** Redis: AOF_WRITE_LOG_ERROR_RATE. */
const LOG_EVERY_MS = 30_000;
const RETRY_MS = 100;

export class AppendSync {
  private readonly config: Config;
  private readonly figures: Float64Array;
  /** Tells why the file cannot be written, '' when it can again. */
  private readonly tellError: (reason: string) => void;
  private policy = 'everysec';
  private lastSyncMs = 0;
  private heldBackSinceMs = 0;
  private lastLogMs = -LOG_EVERY_MS;
  private lastTryMs = 0;
  private writeError = '';
  private syncError = '';

  constructor(config: Config, figures: Float64Array, tellError: (reason: string) => void) {
    this.config = config;
    this.figures = figures;
    this.tellError = tellError;
    this.configure();
  }

  get isAlways(): boolean {
    return this.policy === 'always';
  }

  configure(): void {
    this.policy = this.config.text('appendfsync');
  }

  /** Appends bytes[0, byteCount) and returns how many of them are in the file now. */
  append(file: IncrementFile, bytes: Uint8Array, byteCount: number): number {
    if (this.writeError !== '' && performance.now() - this.lastTryMs < RETRY_MS) return 0;
    this.lastTryMs = performance.now();
    const { written, error } = file.append(bytes, byteCount);
    this.noteWrite(error, file);
    return written;
  }

  private noteWrite(error: Error | null, file: IncrementFile): void {
    if (error === null) {
      if (this.writeError === '') return;
      this.writeError = '';
      log.warn('AOF write error looks solved, the server can write again.');
      return this.tell();
    }
    const what = `Error writing to the AOF file ${file.path}: ${error.message}`;
    if (this.isAlways) {
      log.error(
        `${what}. Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting: make room ` +
          'on the disk, or set appendfsync to everysec, and start again',
      );
      process.exit(1);
    }
    const now = performance.now();
    if (now - this.lastLogMs >= LOG_EVERY_MS) {
      this.lastLogMs = now;
      log.error(`${what}. Writes are refused and this is tried again until it works: make room on the disk`);
    }
    this.writeError = error.message;
    this.tell();
  }

  private tell(): void {
    const reason = this.writeError === '' ? this.syncError : this.writeError;
    const hadFailed = this.figures[JournalFigure.HasWriteFailed] !== 0;
    if ((reason !== '') === hadFailed) return;
    this.figures[JournalFigure.HasWriteFailed] = reason === '' ? 0 : 1;
    this.tellError(reason);
  }

  /** Whether writing is put off, because a sync is under way. Redis: for two seconds at most. */
  mustHoldBack(file: IncrementFile | null): boolean {
    if (this.policy !== 'everysec' || file === null || !file.isSyncing) {
      this.heldBackSinceMs = 0;
      return false;
    }
    const now = performance.now();
    if (this.heldBackSinceMs === 0) this.heldBackSinceMs = now;
    if (now - this.heldBackSinceMs < HOLD_BACK_MS_MAX) return true;
    this.heldBackSinceMs = 0;
    this.figures[JournalFigure.DelayedSyncs]!++;
    log.warn(
      'Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to ' +
        'complete, this may slow down the server.',
    );
    return false;
  }

  /** Makes durable what was written, if it is time. */
  turn(file: IncrementFile | null): void {
    if (file === null || file.isDurable) return;
    if (this.policy === 'always') return this.finish(file);
    if (this.policy !== 'everysec' || file.isSyncing) return;
    const now = performance.now();
    if (now - this.lastSyncMs < SYNC_EVERY_MS) return;
    this.lastSyncMs = now;
    this.figures[JournalFigure.PendingSyncs] = 1;
    file.syncLater((error) => {
      this.figures[JournalFigure.PendingSyncs] = 0;
      this.noteSync(error, file);
    });
  }

  /** Makes durable all that was written, now. */
  finish(file: IncrementFile): void {
    try {
      file.sync();
      this.noteSync(null, file);
    } catch (error) {
      this.noteSync(error as Error, file);
    }
  }

  private noteSync(error: Error | null, file: IncrementFile): void {
    if (error === null) {
      if (this.syncError === '') return;
      this.syncError = '';
      return this.tell();
    }
    if (this.isAlways) {
      log.error(
        `Can't persist AOF for fsync error when the AOF fsync policy is 'always': ${error.message} (${file.path}). Exiting: ` +
          'look at the disk, and start again',
      );
      process.exit(1);
    }
    log.error(`Fail to fsync the AOF file ${file.path}: ${error.message}. Writes are refused until it works`);
    this.syncError = error.message;
    this.tell();
  }
}
