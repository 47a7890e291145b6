/** What the journal is told, and by whom: the dispatcher, while the locks of what changed are held. */
import type { Call } from '../commands/row.ts';
import type { ServedWait } from '../commands/waiting.ts';

/** Told of every request that changed something, while its locks are held: the journal's one entrance. */
export interface Journal {
  append(call: Call): void;
  /** What was done for a client that had been waiting: `waitEffect` tells it as a request. */
  appendServed(served: ServedWait): void;
  /** What is appended until `endGroup` is one transaction or script: all of it or nothing. */
  beginGroup(): void;
  endGroup(): void;
}

export const NO_JOURNAL: Journal = {
  append: () => {},
  appendServed: () => {},
  beginGroup: () => {},
  endGroup: () => {},
};
