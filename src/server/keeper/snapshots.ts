/**
 * When snapshots are taken and what becomes of them: what clients ask for, the `save` points, `snapshot-cron`, the end of the
 * server. Everything that is told of them (INFO, LASTSAVE, refused writes) stands on the board.
 */
import { join } from 'node:path';
import { Cron } from 'croner';
import { Cancel, Save, SaveSum } from '../../memory/save-board.ts';
import { snapshotName } from '../../persist/file-name.ts';
import { SnapshotFile } from '../../persist/snapshot-file.ts';
import type { BackgroundSaveRequest, SaveAnswer } from '../../commands/server/persistence.ts';
import { log } from '../log.ts';
import type { Keeper } from './keeper.ts';
import { Snapshot, SnapshotError, type SnapshotRequest } from './snapshot.ts';

const IN_PROGRESS: SaveAnswer = { error: 'ERR Background save already in progress' };
const OTHER_ACTIVE: SaveAnswer = {
  error:
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a " +
    'BGSAVE whenever possible.',
};
const TICK_MS = 100;
/** Redis: CONFIG_BGSAVE_RETRY_DELAY. */
const RETRY_S = 5;
/** A snapshot that a flush has spoilt is begun anew so often. */
const RESTARTS_MAX = 16;

interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

export class Snapshots {
  private readonly keeper: Keeper;
  /** The one being taken, whoever wants it. */
  private running: Promise<void> | null = null;
  /** What it is being written to, if that is `dbfilename`. */
  private file: SnapshotFile | null = null;
  private isScheduled = false;
  private lastTryS = 0;
  private cron: Cron | null = null;
  private timer: Timer | null = null;

  constructor(keeper: Keeper) {
    this.keeper = keeper;
    const { mesh } = keeper;
    mesh.on('save.background', (request) => this.saveInBackground(request as BackgroundSaveRequest));
    mesh.on('save.now', () => this.saveNow());
    mesh.onText('save.flushed', () => this.saveFlushed());
    mesh.on('save.last', () => this.saveLast());
    keeper.whenStopped(async () => {
      // The one being taken is given up: nothing of it is to stay behind.
      this.file?.abandon();
    });
    keeper.whenConfigured((changed) => {
      if (changed.includes('snapshot-cron')) this.startCron();
    });
  }

  /** Begins to look at the clock. */
  start(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.startCron();
  }

  private startCron(): void {
    this.cron?.stop();
    const pattern = this.keeper.config.text('snapshot-cron');
    this.cron = null;
    if (pattern === '') return;
    this.cron = new Cron(pattern, () => {
      log.info('snapshot-cron: saving');
      this.saveInBackground({ isScheduling: true, isDeferred: false });
    });
  }

  /** Whether a snapshot is being taken. */
  get isRunning(): boolean {
    return this.running !== null;
  }

  /** Changes since the last whole snapshot was begun. */
  private get changes(): number {
    return this.mutations - this.keeper.board.sum(SaveSum.SavedMutations);
  }

  private get mutations(): number {
    let count = 0;
    for (const shard of this.keeper.keyspace.shards) count += shard.mutations;
    return count;
  }

  private get savePoints(): SavePoint[] {
    const numbers = this.keeper.config.list('save').map(Number);
    return Array.from({ length: numbers.length >> 1 }, (_, index) => ({
      seconds: numbers[index * 2]!,
      changes: numbers[index * 2 + 1]!,
    }));
  }

  private tick(): void {
    if (this.running !== null) return;
    if (this.isScheduled) {
      this.isScheduled = false;
      void this.begin();
      return;
    }
    const { board } = this.keeper;
    const now = nowS();
    if (board.get(Save.HasFailed) !== 0 && now - this.lastTryS <= RETRY_S) return;
    const { changes } = this;
    const age = now - board.lastSaveS;
    const due = this.savePoints.find((point) => changes >= point.changes && age > point.seconds);
    if (due === undefined) return;
    log.info(`${due.changes} changes in ${due.seconds} seconds. Saving...`);
    void this.begin();
  }

  private saveInBackground({ isScheduling, isDeferred }: BackgroundSaveRequest): SaveAnswer {
    if (this.keeper.board.get(Save.IsSaving) !== 0) return IN_PROGRESS;
    if (isDeferred || this.running !== null) {
      if (!isDeferred && !isScheduling) return OTHER_ACTIVE;
      this.isScheduled = true;
      return { status: 'Background saving scheduled' };
    }
    void this.begin();
    return { status: 'Background saving started' };
  }

  /** Returns '' or what to answer. */
  async saveNow(): Promise<string> {
    if (this.keeper.board.get(Save.IsSaving) !== 0) return IN_PROGRESS.error!;
    while (this.running !== null) await this.running;
    return (await this.begin()) ? '' : 'ERR';
  }

  /** What there is now is what the file has. */
  forgetChanges(): void {
    this.keeper.board.setSum(SaveSum.SavedMutations, this.mutations);
  }

  /** Takes a snapshot for another purpose, once none is under way. Throws when it fails; the file is the caller's then. */
  takeFor(request: SnapshotRequest): Promise<void> {
    return this.exclude(() => new Snapshot(this.keeper, request).take());
  }

  /**
   * Does what no snapshot may be taken beside, once none is under way: of data half removed, or half loaded, it would be
   * taken for a whole one.
   */
  async exclude(work: () => Promise<void>): Promise<void> {
    while (this.running !== null) await this.running;
    const working = work();
    this.running = working.catch(() => {});
    try {
      await working;
    } finally {
      this.running = null;
    }
  }

  /** All data were removed. Redis: where there are save points, the file is to say so at once. */
  private saveFlushed(): void {
    if (this.savePoints.length === 0) return;
    // One under way begins anew by itself, unless it had seen everything by then and is only being finished.
    if (this.running === null) void this.begin();
    else if (this.keeper.board.get(Save.Cancelled) !== Cancel.Flushed) this.isScheduled = true;
  }

  /** The server is about to end. Whether what there is now is in the file. */
  private async saveLast(): Promise<boolean> {
    if (this.timer !== null) clearInterval(this.timer);
    while (this.running !== null) await this.running;
    log.info('Saving the final RDB snapshot before exiting.');
    const isSaved = await this.begin();
    if (!isSaved) this.start();
    return isSaved;
  }

  /** Writes a snapshot to `dbfilename`. Whether that went well; it never throws. */
  private begin(): Promise<boolean> {
    const { board } = this.keeper;
    board.set(Save.IsSaving, 1);
    board.set(Save.StartedS, nowS());
    this.lastTryS = nowS();
    const saving = this.saveToFile();
    this.running = saving.then(() => {});
    return saving;
  }

  private async saveToFile(): Promise<boolean> {
    const { board } = this.keeper;
    const startedMs = performance.now();
    let isGood = false;
    try {
      await this.writeFile();
      isGood = true;
    } catch (error) {
      log.error(
        `Background saving error: ${(error as Error).message}. The old file stays as it is. ` +
          'Look at the free space of, and the permissions on, the folder that `dir` names',
      );
    }
    board.set(Save.IsSaving, 0);
    board.set(Save.LastSeconds, Math.round((performance.now() - startedMs) / 1000) + 1);
    board.set(Save.HasFailed, isGood ? 0 : 1);
    this.running = null;
    await this.keeper.askWorkers('state.renew', null);
    return isGood;
  }

  private async writeFile(): Promise<void> {
    const { keeper } = this;
    const { board, config } = keeper;
    const folder = config.text('dir');
    for (let attempt = 1; ; attempt++) {
      const path = join(folder, snapshotName(config.text('dbfilename'), new Date()));
      const file = new SnapshotFile(path, {
        isSumming: config.flag('rdbchecksum'),
        syncsOften: config.flag('rdb-save-incremental-fsync'),
      });
      this.file = file;
      let mutations = 0;
      try {
        const request: SnapshotRequest = {
          file,
          isAofBase: false,
          atMoment: () => {
            mutations = this.mutations;
          },
        };
        await new Snapshot(keeper, request).take();
        this.file = null;
      } catch (error) {
        this.file = null;
        file.abandon();
        if (!(error instanceof SnapshotError && error.isCancelled) || attempt === RESTARTS_MAX) throw error;
        log.info(`The snapshot begins anew: ${error.message}`);
        continue;
      }
      board.setSum(SaveSum.SavedMutations, mutations);
      board.set(Save.LastSaveS, nowS());
      board.set(Save.SaveCount, board.get(Save.SaveCount) + 1);
      log.info(`DB saved on disk: ${path}, ${file.byteCount} bytes`);
      return;
    }
  }
}

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}
