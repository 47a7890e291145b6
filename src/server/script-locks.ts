/**
 * The locks of the script being run. One that has used only keys it declares takes only their shards, so that the others
 * go on; one not seen before, or known to use others, takes every shard. If it uses others after all, it takes the locks
 * that are missing while it runs (shard-locks.ts). Where that cannot be, because another script does the same just now,
 * it is begun anew under all locks if nothing has come of it yet.
 */
import type { Command } from '../commands/registry.ts';
import { Flag, type Server } from '../commands/row.ts';
import { ScriptHabit, ScriptStrayedError } from '../scripting/script-habits.ts';
import type { Keyspace } from '../store/keyspace.ts';
import type { ShardLocks } from './shard-locks.ts';
import { ShardBusyError } from './visiting.ts';

/** The dispatcher, which has the request. */
interface ScriptRunner {
  lockFor(want: () => void): void;
  hashKeys(command: Command): void;
}

export class ScriptLocks {
  private readonly locks: ShardLocks;
  private readonly keyspace: Keyspace;
  private readonly server: Server;
  private changes = 0;
  private hasPublished = false;

  constructor(locks: ShardLocks, keyspace: Keyspace, server: Server) {
    this.locks = locks;
    this.keyspace = keyspace;
    this.server = server;
  }

  /** Takes the locks that the script of the command may need. False, with none held: another keeps one of them busy. */
  lock(runner: ScriptRunner, command: Command, habit: ScriptHabit): boolean {
    const { locks } = this;
    try {
      runner.lockFor(() => {
        runner.hashKeys(command);
        locks.keepScope();
        if (habit !== ScriptHabit.Stays) locks.wantAll();
      });
    } catch (error) {
      if (error instanceof ShardBusyError) return false;
      throw error;
    }
    this.changes = this.keyspace.changes;
    this.hasPublished = false;
    locks.enterScope();
    return true;
  }

  /** Takes the locks that a request of the script needs beyond those. Throws ScriptStrayedError where that cannot be. */
  check(runner: ScriptRunner, command: Command): void {
    do runner.hashKeys(command);
    while (this.widenFor(command));
  }

  /** What the script has been like so far. */
  get habit(): ScriptHabit {
    const { locks } = this;
    if (!locks.isScoped) return ScriptHabit.Unknown;
    return locks.hasStrayed ? ScriptHabit.Strays : ScriptHabit.Stays;
  }

  /**
   * The script is about to run `command`, whose keys have been hashed. Returns whether locks had to be taken
   * for it, so that what was found out before may not be true any more.
   */
  private widenFor(command: Command): boolean {
    const { locks } = this;
    if (command.needsAllLocks) locks.hasStrayed = true;
    if (locks.hasStrayed && !locks.areAll) {
      if (!locks.widen(() => this.server.scripts.look())) throw new ScriptStrayedError(this.hasEffects);
      return true;
    }
    if ((command.flags & Flag.PubSub) !== 0) this.hasPublished = true;
    return false;
  }

  private get hasEffects(): boolean {
    return this.hasPublished || this.keyspace.changes !== this.changes;
  }
}
