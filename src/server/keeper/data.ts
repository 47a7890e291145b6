/** The data as they come from disk: at the start of the server, and again for DEBUG RELOAD. */
import { accessSync, constants } from 'node:fs';
import { Control } from '../../memory/control.ts';
import { lockShard, unlockShard } from '../../memory/lock.ts';
import { Save } from '../../memory/save-board.ts';
import { newestSnapshot } from '../../persist/file-name.ts';
import { clearShard } from '../../store/clearing.ts';
import type { ReloadRequest } from '../../commands/server/debug-reload.ts';
import type { AppendOnly } from '../journal/append-only.ts';
import { log } from '../log.ts';
import type { Keeper } from './keeper.ts';
import { FileLoader } from './loading.ts';
import type { Snapshots } from './snapshots.ts';

export class Data {
  private readonly keeper: Keeper;
  private readonly snapshots: Snapshots;

  private readonly appendOnly: AppendOnly;

  constructor(keeper: Keeper, snapshots: Snapshots, appendOnly: AppendOnly) {
    this.appendOnly = appendOnly;
    this.keeper = keeper;
    this.snapshots = snapshots;
    keeper.mesh.on('keeper.load', () => this.loadAtStart());
    keeper.mesh.on('save.reload', (request) => this.reload(request as ReloadRequest));
  }

  /** Loads what there is. Throws with a text for people: the server must not start with other data than it had. */
  private async loadAtStart(): Promise<void> {
    const { control } = this.keeper;
    await this.snapshots.exclude(() => this.loadData());
    if (this.appendOnly.isWanted) await this.appendOnly.begin();
    Atomics.store(control.words, Control.Loading, 0);
    await this.keeper.askWorkers('state.renew', null);
    this.snapshots.start();
    this.warnOfFolder();
  }

  /** Redis: where there is to be an append-only file that is the data, also where there is a snapshot beside it. */
  private async loadData(): Promise<void> {
    if (!this.appendOnly.isWanted) return this.loadSnapshot();
    await this.appendOnly.load();
    this.snapshots.forgetChanges();
  }

  /** DEBUG RELOAD. Returns '' or what to answer; clients wait meanwhile. */
  private async reload({ isSaving, isFlushing, isMerging }: ReloadRequest): Promise<string> {
    const { keeper } = this;
    await keeper.askWorkers('clients.stop', null);
    try {
      const problem = isSaving ? await this.snapshots.saveNow() : '';
      if (problem !== '') return problem;
      await this.snapshots.exclude(() => {
        if (isFlushing) this.flush();
        return this.loadSnapshot(isMerging);
      });
      log.warn('DB reloaded by DEBUG RELOAD');
      return '';
    } catch (error) {
      log.error((error as Error).message);
      return 'ERR Error trying to load the RDB dump, check server logs.';
    } finally {
      await keeper.askWorkers('clients.resume', null);
    }
  }

  private flush(): void {
    const { keyspace } = this.keeper;
    for (const shard of keyspace.shards) {
      lockShard(shard);
      clearShard(keyspace, shard);
      unlockShard(shard);
    }
  }

  private async loadSnapshot(isMerging = false): Promise<void> {
    const { config, board } = this.keeper;
    const folder = config.text('dir');
    let path: string | null = null;
    try {
      path = newestSnapshot(folder, config.text('dbfilename'));
      if (path === null) return;
      board.set(Save.LoadStartedS, Math.floor(Date.now() / 1000));
      const startedMs = performance.now();
      const loader = new FileLoader(this.keeper, { isDroppingExpired: true, isMerging });
      await loader.load(path);
      const seconds = (performance.now() - startedMs) / 1000;
      log.info(
        `Done loading RDB, keys loaded: ${loader.keyCount}, keys expired: ${loader.expiredCount}, ` +
          `empty keys skipped: ${loader.emptyCount}`,
      );
      log.info(`DB loaded from disk: ${seconds.toFixed(3)} seconds`);
    } catch (error) {
      throw new Error(
        `cannot load ${path ?? folder}: ${(error as Error).message}. Nothing was changed. Put a sound file there, or ` +
          'move this one away to start without its data',
      );
    }
    this.snapshots.forgetChanges();
  }

  /** Whoever wants snapshots should know before the first that they cannot be written. */
  private warnOfFolder(): void {
    const { config } = this.keeper;
    if (config.list('save').length === 0) return;
    const folder = config.text('dir');
    try {
      accessSync(folder, constants.W_OK);
    } catch {
      log.warn(
        `the folder ${folder} (dir) cannot be written to: snapshots will fail, and writes be refused then`,
      );
    }
  }
}
