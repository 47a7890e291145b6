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

export const STRAYED_TWICE =
  'ERR Two scripts used keys that they had not declared at once, and this one had written already: it was stopped ' +
  'there. Declare the keys, or run it again if that does no harm';

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

  /** Wants what the script may need; the shards of the keys it declares are wanted already. */
  want(habit: ScriptHabit): void {
    this.locks.keepScope();
    if (habit !== ScriptHabit.Stays) this.locks.wantAll();
  }

  /** The locks are held. */
  begin(): void {
    this.changes = this.keyspace.changes;
    this.hasPublished = false;
    this.locks.enterScope();
  }

  /** What the script has been like so far. */
  get habit(): ScriptHabit {
    const { locks } = this;
    if (!locks.isScoped) return ScriptHabit.Unknown;
    return locks.hasStrayed ? ScriptHabit.Strays : ScriptHabit.Stays;
  }

  /**
   * The script is about to run `command`, and `want` has been called for its keys. Returns whether locks had to be taken
   * for it, so that what was found out before may not be true any more.
   */
  widenFor(command: Command): boolean {
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
