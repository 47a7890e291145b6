/** What the journal is told, and by whom: the dispatchers, while the locks of what changed are held. */
import type { Call } from '../../commands/row.ts';
import type { ServedWait } from '../../commands/waiting.ts';
import type { Key } from '../../store/key.ts';

/** Told of every request that changed something, while its locks are held: the journal's one entrance. */
export interface Journal {
  append(call: Call): void;
  /** What was done for a client that had been waiting. */
  appendServed(served: ServedWait): void;
  /** A key that a memcached client has changed, or removed. */
  appendItem(key: Key): void;
  /** Everything in a physical database goes; every lock is held. */
  appendFlush(database: number): void;
  /** What is appended until `endGroup` is one transaction or script: all of it or nothing. A group in a group is its part. */
  beginGroup(): void;
  endGroup(): void;
}

export const NO_JOURNAL: Journal = {
  append: () => {},
  appendServed: () => {},
  appendItem: () => {},
  appendFlush: () => {},
  beginGroup: () => {},
  endGroup: () => {},
};
