/** Doing for a client what it has waited for. The locks of the keys are held. */
import { listWaitEffect, serveListWait } from './list/blocking.ts';
import { serveSortedSetWait, sortedSetWaitEffect } from './sorted-set/blocking.ts';
import { serveStreamWait, streamWaitEffect } from './stream/waiting.ts';
import { Operation, type ServedWait } from './waiting.ts';

/** Does it, and writes the client's reply. */
export function serveWait(served: ServedWait): void {
  if (isAboutLists(served)) serveListWait(served);
  else if (isAboutStreams(served)) serveStreamWait(served);
  else serveSortedSetWait(served);
}

/** What `serveWait` has done, as a request that does the same. */
export function waitEffect(served: ServedWait): readonly (string | Uint8Array)[] {
  if (isAboutLists(served)) return listWaitEffect(served);
  return isAboutStreams(served) ? streamWaitEffect(served) : sortedSetWaitEffect(served);
}

function isAboutLists({ wait }: ServedWait): boolean {
  return (wait.operation & Operation.Mask) <= Operation.ListMoveMany;
}

function isAboutStreams({ wait }: ServedWait): boolean {
  return (wait.operation & Operation.Mask) >= Operation.StreamRead;
}
