/** Running a stream again on behalf of the keeper, which reads it from files chunk by chunk. */
import type { Engine } from '../engine.ts';
import { Replay, type ReplayFailure } from './replay.ts';

export const REPLAY = 'journal.replay';

export interface ReplayRequest {
  /** A stream begins, at this position of its file; null: it goes on. */
  readonly startAt: number | null;
  readonly chunk: Uint8Array<ArrayBuffer>;
}

export interface ReplayOutcome {
  readonly failure: ReplayFailure | null;
  /** Position up to which the file makes sense by itself. */
  readonly validUpTo: number;
  /** It would be cut off within a request or a transaction if it ended here. */
  readonly isIncomplete: boolean;
  readonly isInTransaction: boolean;
  readonly requestCount: number;
}

export function serveReplay(engine: Engine): void {
  let replay = new Replay(engine, 0);
  engine.mesh.on(REPLAY, (request) => {
    const { startAt, chunk } = request as ReplayRequest;
    if (startAt !== null) replay = new Replay(engine, startAt);
    const failure = replay.feed(chunk);
    const { validUpTo, isIncomplete, isInTransaction, requestCount } = replay;
    return { failure, validUpTo, isIncomplete, isInTransaction, requestCount } satisfies ReplayOutcome;
  });
}
