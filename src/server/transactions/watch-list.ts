/** The keys that one client watches, and how they were when it began to (WATCH). */
import type { Bytes } from '../../base/bytes.ts';
import type { Interests } from '../../store/interests.ts';
import type { Key } from '../../store/key.ts';

export interface WatchedKey {
  readonly key: Bytes;
  /** Logical database. */
  readonly database: number;
  /** See Interests.watch. */
  readonly watched: number;
  readonly version: number;
}

export class WatchList {
  private readonly interests: Interests;
  private readonly byName = new Map<string, WatchedKey>();

  constructor(interests: Interests) {
    this.interests = interests;
  }

  get size(): number {
    return this.byName.size;
  }

  get all(): Iterable<WatchedKey> {
    return this.byName.values();
  }

  /** Watches `key`, whose shard is locked, `text` being its name. False: out of memory. */
  add(key: Key, text: Bytes, database: number): boolean {
    const name = `${database} ${text.u8.toString('latin1')}`;
    // Redis: how the key was at first is what counts.
    if (this.byName.has(name)) return true;
    const watched = this.interests.watch(key);
    if (watched === 0) return false;
    this.byName.set(name, { key: text, database, watched, version: this.interests.versionOf(watched) });
    return true;
  }

  /** Whether any of the keys has changed. Exact while their shards are locked. */
  get isTouched(): boolean {
    for (const { watched, version } of this.byName.values()) {
      if (this.interests.versionOf(watched) !== version) return true;
    }
    return false;
  }

  clear(): void {
    for (const { watched } of this.byName.values()) this.interests.unwatch(watched);
    this.byName.clear();
  }
}
