/**
 * The clients of one worker that wait for data: who they are, until when, and what they are told in the end. Who serves
 * one, on whatever worker, leaves the reply here (`deliver`), and it reaches the client when no command is being run.
 */
import type { Parked } from '../../commands/row.ts';
import { Counter } from '../../memory/control.ts';
import { ReplyTooLargeError, type RespWriter } from '../../protocol/resp-writer.ts';
import type { Interests } from '../../store/interests.ts';
import type { ParkableClient } from '../parkable-client.ts';
import { parseOutcomes, type Outcome, TOO_LARGE, writeOutcome } from './outcome.ts';

/** Timers with a longer delay fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** A letter is sent at once when it is longer, for texts of twice this length are about the longest there are. */
const LETTER_BYTES_MAX = 2 ** 29;
const UNBLOCKED = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';

/** A client that waits. */
interface Blocked {
  readonly client: ParkableClient;
  readonly parked: Parked;
  /** Its wait in the interest table. */
  readonly at: number;
  /** When its time is over, by performance.now(). */
  readonly untilMs: number;
  timer: Timer | undefined;
}

type WriteReply = (reply: RespWriter) => void;

/** Sends text to another worker. */
export type SendText = (worker: number, text: string) => void;

export class BlockedClients {
  private readonly interests: Interests;
  private readonly workerIndex: number;
  private readonly counters: Float64Array;
  private readonly send: SendText;
  /** By the offset of their waits; null where the client has left after its wait was claimed. */
  private readonly byWait = new Map<number, Blocked | null>();
  private readonly byClient = new Map<number, Blocked>();
  /** What is to be said to clients here as soon as no command is being run. */
  private replies: { readonly blocked: Blocked; readonly write: WriteReply }[] = [];
  /** Outcomes for clients of other workers, by worker. */
  private readonly letters = new Map<number, string>();
  private willSend = false;

  constructor(interests: Interests, workerIndex: number, counters: Float64Array, send: SendText) {
    this.interests = interests;
    this.workerIndex = workerIndex;
    this.counters = counters;
    this.send = send;
  }

  /** Parks a client whose wait is registered at `at`, for so long; 0 is for ever. */
  add(client: ParkableClient, at: number, timeoutMs: number): void {
    const untilMs = timeoutMs === 0 ? Infinity : performance.now() + timeoutMs;
    const blocked: Blocked = { client, parked: client.park(), at, untilMs, timer: undefined };
    client.blocked = true;
    this.byWait.set(at, blocked);
    this.byClient.set(client.id, blocked);
    this.counters[Counter.BlockedClients]!++;
    if (timeoutMs > 0) this.wake(blocked);
  }

  /** The outcome of a wait of `worker` that has been claimed here. Its bytes need not outlive the call. */
  deliver(worker: number, outcome: Outcome): void {
    if (worker === this.workerIndex) this.accept({ ...outcome, bytes: Buffer.from(outcome.bytes) });
    else {
      const letter = (this.letters.get(worker) ?? '') + writeOutcome(outcome);
      this.letters.set(worker, letter);
      if (letter.length > LETTER_BYTES_MAX) this.sendLetters();
    }
    this.sendSoon();
  }

  /** Another worker has served clients of this one. */
  receive(letter: string): void {
    for (const outcome of parseOutcomes(letter)) this.accept(outcome);
    this.reply();
  }

  /** CLIENT UNBLOCK. False: there is no such client here that still waits. */
  unblock(clientId: number, withError: boolean): boolean {
    const blocked = this.byClient.get(clientId);
    if (blocked === undefined || !this.interests.cancel(blocked.at)) return false;
    this.end(blocked, withError ? (reply) => reply.error(UNBLOCKED) : replyNothing);
    // We may be asked from within a command.
    this.sendSoon();
    return true;
  }

  /** A client is gone. */
  leave(client: ParkableClient): void {
    const blocked = this.byClient.get(client.id);
    if (blocked === undefined) return;
    this.forget(blocked);
    if (!this.interests.cancel(blocked.at)) this.byWait.set(blocked.at, null);
  }

  private onTimer(blocked: Blocked): void {
    // Its wait may have been freed, and another lie where it was.
    if (this.byWait.get(blocked.at) !== blocked) return;
    if (performance.now() < blocked.untilMs) return this.wake(blocked);
    // When it has been served just now, the reply is on its way.
    if (!this.interests.cancel(blocked.at)) return;
    this.end(blocked, replyNothing);
    this.reply();
  }

  private wake(blocked: Blocked): void {
    const restMs = blocked.untilMs - performance.now();
    blocked.timer = setTimeout(
      () => this.onTimer(blocked),
      Math.min(Math.max(Math.ceil(restMs), 0), TIMER_MS_MAX),
    );
  }

  private accept(outcome: Outcome): void {
    this.interests.release(outcome.at);
    const blocked = this.byWait.get(outcome.at);
    if (blocked === null || blocked === undefined) this.byWait.delete(outcome.at);
    else this.end(blocked, (reply) => writeReply(outcome, blocked.client, reply));
  }

  /** The wait is over and no longer in the interest table: the client is to be told so. */
  private end(blocked: Blocked, write: WriteReply): void {
    this.forget(blocked);
    this.replies.push({ blocked, write });
  }

  private forget(blocked: Blocked): void {
    clearTimeout(blocked.timer);
    blocked.client.blocked = false;
    this.byWait.delete(blocked.at);
    this.byClient.delete(blocked.client.id);
    this.counters[Counter.BlockedClients]!--;
  }

  /** Sends what there is to be sent when the command being run is done and its own client has its reply. */
  private sendSoon(): void {
    if (this.willSend) return;
    this.willSend = true;
    queueMicrotask(() => {
      this.willSend = false;
      this.sendLetters();
      this.reply();
    });
  }

  private sendLetters(): void {
    for (const [worker, letter] of this.letters) this.send(worker, letter);
    this.letters.clear();
  }

  /** Lets the clients go on whose waits have ended. Must not be called while a command runs. */
  private reply(): void {
    const { replies } = this;
    this.replies = [];
    for (const { blocked, write } of replies) blocked.parked.resume(write);
  }
}

/** Redis: a null array, also to commands whose reply is otherwise none. */
function replyNothing(reply: RespWriter): void {
  reply.nilArray();
}

function writeReply(outcome: Outcome, client: ParkableClient, reply: RespWriter): void {
  if (outcome.error === TOO_LARGE) client.refuseReply();
  else if (outcome.error !== '') reply.error(outcome.error);
  else {
    try {
      reply.whole(outcome.bytes);
    } catch (error) {
      // The limit has been lowered meanwhile.
      if (!(error instanceof ReplyTooLargeError)) throw error;
      client.refuseReply();
    }
  }
}
