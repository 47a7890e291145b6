/** What the dispatcher tells of changes. */
import type { Call } from '../commands/row.ts';
import type { ServedWait } from '../commands/waiting.ts';

/** Told of every request that changed something, while its locks are held: the journal's one entrance. */
export interface Journal {
  append(call: Call): void;
  /** What was done for a client that had been waiting: `waitEffect` tells it as a request. */
  appendServed(served: ServedWait): void;
  /** What is appended from here on, perhaps nothing, happens as one: nobody may see a part of it. */
  beginGroup?(): void;
  endGroup?(): void;
}

export const NO_JOURNAL: Journal = { append: () => {}, appendServed: () => {} };
