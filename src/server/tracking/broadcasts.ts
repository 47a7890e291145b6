/** Clients of one worker that are told of every change of keys with certain beginnings, and what has changed since they
 *  were told last: all changes that one turn brings are told in one message for each beginning. */
import { Counter } from '../../memory/control.ts';

interface Prefix {
  readonly clientIds: Set<number>;
  /** Keys that have changed, and the id of the client that was the first to do it. */
  readonly changed: Map<string, number>;
}

/** Told once for each client and prefix: the keys, in byte order. */
export type TellKeys = (clientId: number, keys: readonly string[]) => void;

export class Broadcasts {
  private readonly counters: Float64Array;
  private readonly prefixes = new Map<string, Prefix>();
  private hasChanges = false;

  constructor(counters: Float64Array) {
    this.counters = counters;
  }

  get isEmpty(): boolean {
    return this.prefixes.size === 0;
  }

  add(prefix: string, clientId: number): void {
    let entry = this.prefixes.get(prefix);
    if (entry === undefined) {
      entry = { clientIds: new Set(), changed: new Map() };
      this.prefixes.set(prefix, entry);
      this.counters[Counter.TrackedPrefixes]!++;
    }
    entry.clientIds.add(clientId);
  }

  remove(prefix: string, clientId: number): void {
    const entry = this.prefixes.get(prefix);
    if (entry === undefined || !entry.clientIds.delete(clientId) || entry.clientIds.size > 0) return;
    this.prefixes.delete(prefix);
    this.counters[Counter.TrackedPrefixes]!--;
  }

  /** A key has changed. True: somebody is to be told. */
  note(key: string, origin: number): boolean {
    let isNoted = false;
    for (const [prefix, { changed }] of this.prefixes) {
      if (!key.startsWith(prefix)) continue;
      isNoted = true;
      if (!changed.has(key)) changed.set(key, origin);
    }
    this.hasChanges ||= isNoted;
    return isNoted;
  }

  /** Tells of what was noted. `hearsOwn`: whether a client is told of its own changes. */
  tell(hearsOwn: (clientId: number) => boolean, tell: TellKeys): void {
    if (!this.hasChanges) return;
    this.hasChanges = false;
    for (const prefix of [...this.prefixes.keys()].sort()) {
      const { changed, clientIds } = this.prefixes.get(prefix)!;
      if (changed.size === 0) continue;
      const keys = [...changed.keys()].sort();
      for (const id of clientIds) {
        const told = hearsOwn(id) ? keys : keys.filter((key) => changed.get(key) !== id);
        if (told.length > 0) tell(id, told);
      }
      changed.clear();
    }
  }
}
