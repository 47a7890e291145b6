/** States of the whole server that keep commands from running, whoever asks: it loads its data, or cannot save them. */
import { Control } from '../memory/control.ts';
import { Save, SaveBoard } from '../memory/save-board.ts';
import type { Command } from '../commands/registry.ts';
import { type Client, Flag } from '../commands/row.ts';
import type { Config } from './config/config.ts';
import type { PreservedRecords } from './keeper/preserved-records.ts';
import { Observer } from './observer.ts';
import type { ParkableClient } from './parkable-client.ts';

export const LOADING = 'LOADING Redis is loading the dataset in memory';
const SAVE_FAILED =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may " +
  'modify the data set are disabled, because this instance is configured to report errors during writes if RDB ' +
  'snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.';

export class ServerState {
  private readonly board: SaveBoard;
  private readonly control: { readonly words: Int32Array };
  private readonly config: Config;
  private readonly watched: { observers: number };
  private readonly preserved: PreservedRecords;
  private isAhead = false;
  isLoading = false;
  /** Why commands that write are refused, '' if they are not. */
  writeRefusal = '';
  /** Why the append-only file cannot be written, as Redis words it; '' if it can. */
  appendError = '';

  /** `watched.observers` has Observer.State while there is anything to look at. */
  constructor(
    control: { readonly words: Int32Array },
    board: SaveBoard,
    config: Config,
    watched: { observers: number },
    preserved: PreservedRecords,
  ) {
    this.control = control;
    this.board = board;
    this.config = config;
    this.watched = watched;
    this.preserved = preserved;
    preserved.onAhead = () => {
      this.isAhead = true;
      watched.observers |= Observer.State;
    };
  }

  /** To be called when the configuration or the board has changed. */
  renew(): void {
    const { config, watched } = this;
    this.isLoading = Atomics.load(this.control.words, Control.Loading) !== 0;
    const isStopped = config.flag('stop-writes-on-bgsave-error') && config.list('save').length > 0;
    const hasFailed = isStopped && this.board.get(Save.HasFailed) !== 0;
    if (hasFailed) this.writeRefusal = SAVE_FAILED;
    else
      this.writeRefusal =
        this.appendError === '' ? '' : `MISCONF Errors writing to the AOF file: ${this.appendError}`;
    if (this.isLoading || this.isAhead || this.writeRefusal !== '') watched.observers |= Observer.State;
    else watched.observers &= ~Observer.State;
  }

  /**
   * The error, or null: the command may run. In Redis' order. No lock is held: a worker that is ahead of the snapshot
   * waits here.
   */
  refuse(command: Command, client: Client): string | null {
    this.letKeeperCatchUp();
    if (this.writeRefusal !== '' && mayWrite(command, client as ParkableClient)) return this.writeRefusal;
    return this.isLoading && (command.flags & Flag.Loading) === 0 ? LOADING : null;
  }

  letKeeperCatchUp(): void {
    if (!this.isAhead) return;
    this.preserved.wait();
    this.isAhead = false;
    this.renew();
  }
}

/** Redis: PING is refused as well, so that who watches the server learns of it. */
function mayWrite({ name, flags }: Command, { transaction }: ParkableClient): boolean {
  if ((flags & Flag.Write) !== 0 || name === 'ping') return true;
  if (name !== 'exec' || transaction === null) return false;
  for (let index = 0; index < transaction.count; index++) {
    if ((transaction.at(index).command!.flags & Flag.Write) !== 0) return true;
  }
  return false;
}
