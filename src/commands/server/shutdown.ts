/** The end of the server: whether the data are saved first. */
import { SYNTAX_ERROR } from '../replies.ts';
import type { Call } from '../row.ts';

export const SHUTDOWN_FAILED = 'ERR Errors trying to SHUTDOWN. Check logs.';
const WORDS: ReadonlySet<string> = new Set(['nosave', 'save', 'now', 'force', 'abort']);

/** What main is asked for. */
export interface ShutdownRequest {
  /** null: if there are save points. */
  readonly isSaving: boolean | null;
  /** Also if saving fails. */
  readonly isForced: boolean;
}

export function readShutdownWords(words: readonly string[]): ShutdownRequest {
  const isSaving = words.includes('save') ? true : words.includes('nosave') ? false : null;
  return { isSaving, isForced: words.includes('force') };
}

export function shutdownCommand(call: Call): void {
  const words: string[] = [];
  for (let index = 1; index < call.count; index++) words.push(call.text(index).toLowerCase());
  const { reply, server } = call;
  const isAbort = words.includes('abort');
  const isContradictory = words.includes('save') && words.includes('nosave');
  if (words.some((word) => !WORDS.has(word)) || (isAbort && words.length > 1) || isContradictory) {
    return reply.error(SYNTAX_ERROR);
  }
  // There are no replicas to wait for, so there is never a shutdown that could be called off.
  if (isAbort) return reply.error('ERR No shutdown in progress.');
  const parked = call.park();
  void server.askMain('shutdown', readShutdownWords(words)).then((error) =>
    // If it goes well, nobody is answered any more.
    parked.resume((out) => out.error(error as string)),
  );
}
