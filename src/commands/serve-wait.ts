/** Doing for a client what it has waited for. The locks of the keys are held. */
import { listWaitEffect, serveListWait } from './list/blocking.ts';
import { serveSortedSetWait, sortedSetWaitEffect } from './sorted-set/blocking.ts';
import { Bytes } from '../base/bytes.ts';
import type { EffectSink } from './effect.ts';
import { putServedRead, serveStreamWait } from './stream/waiting.ts';
import { Operation, type ServedWait } from './waiting.ts';

/** Does it, and writes the client's reply. */
export function serveWait(served: ServedWait): void {
  if (isAboutLists(served)) serveListWait(served);
  else if (isAboutStreams(served)) serveStreamWait(served);
  else serveSortedSetWait(served);
}

/** What `serveWait` has done, as requests that do the same. */
export function putServed(served: ServedWait, out: EffectSink): void {
  if (isAboutStreams(served)) return putServedRead(served, out);
  const parts = waitEffect(served);
  out.begin(parts.length);
  for (const part of parts) {
    if (typeof part === 'string') out.word(part);
    else out.bytes(new Bytes(part.buffer, part.byteOffset, part.length), 0, part.length);
  }
}

/** What `serveWait` has done, as a request that does the same; of a read of streams its name only. */
export function waitEffect(served: ServedWait): readonly (string | Uint8Array)[] {
  if (isAboutStreams(served)) return ['XREADGROUP'];
  return isAboutLists(served) ? listWaitEffect(served) : sortedSetWaitEffect(served);
}

function isAboutLists({ wait }: ServedWait): boolean {
  return (wait.operation & Operation.Mask) <= Operation.ListMoveMany;
}

function isAboutStreams({ wait }: ServedWait): boolean {
  return (wait.operation & Operation.Mask) >= Operation.StreamRead;
}
