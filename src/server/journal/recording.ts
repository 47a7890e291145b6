/** One worker's part in the journal: whether it records, room in its ring, and replies that wait for what they are about. */
import { RingProducer } from '../../memory/journal-ring.ts';
import { isNumberReached, JournalWord } from '../../memory/journal-state.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { Dispatcher } from '../dispatch.ts';
import { NO_JOURNAL } from './journal.ts';
import { WorkerJournal } from './worker-journal.ts';

/** What the keeper tells workers: to record or not, and that the durable number has grown; and they it: to look. */
export const JOURNAL_RECORD = 'journal.record';
export const JOURNAL_DURABLE = 'journal.durable';
export const JOURNAL_WAKE = 'journal.wake';
/** Why the file cannot be written, '' when it can. */
export const JOURNAL_ERROR = 'journal.error';

/** What main hands a worker. */
export interface JournalMemory {
  readonly state: SharedArrayBuffer;
  /** This worker's ring. */
  readonly ring: SharedArrayBuffer;
}

/** A connection as far as its replies may have to wait. */
export interface HeldOutput {
  readonly closed: boolean;
  /** While set, what it sends is kept. */
  isHeld: boolean;
  /** The record that its replies wait for. */
  heldNumber: number;
  /** Sends what was kept. */
  releaseOutput(): void;
}

export class Recording {
  readonly journal: WorkerJournal;
  private readonly dispatcher: Dispatcher;
  private readonly keyspace: Keyspace;
  private readonly state: Int32Array;
  private readonly waitingWord: number;
  private readonly held: HeldOutput[] = [];
  /** The last record that a connection was made to wait for, or need not be. */
  private notedNumber: number;
  isOn = false;

  /** `wake` tells the keeper that there is something to read. */
  constructor(dispatcher: Dispatcher, memory: JournalMemory, workerIndex: number, wake: () => void) {
    this.dispatcher = dispatcher;
    this.keyspace = dispatcher.keyspace;
    this.state = new Int32Array(memory.state);
    this.waitingWord = JournalWord.Waiting + workerIndex;
    this.journal = new WorkerJournal(this.keyspace, this.state, new RingProducer(memory.ring), wake);
    this.notedNumber = this.journal.lastNumber;
  }

  /** From now on every change is recorded, or none. */
  turn(isOn: boolean): void {
    const { journal, keyspace } = this;
    this.isOn = isOn;
    this.dispatcher.journal = isOn ? journal : NO_JOURNAL;
    keyspace.onLapsed = isOn ? (key) => journal.appendLapsed(key) : null;
    keyspace.onLapsedField = isOn
      ? (key, field, at, byteCount) => journal.appendLapsedField(key, field, at, byteCount)
      : null;
  }

  /** Must be called before each read of a socket, while no lock is held. */
  beginRead(): void {
    if (this.isOn) this.journal.makeRoom();
  }

  /** Must be called before replies that `connection` was just given are sent: they wait if they are about a record. */
  served(connection: HeldOutput): void {
    const { lastNumber } = this.journal;
    if (lastNumber === this.notedNumber) return;
    this.notedNumber = lastNumber;
    if (this.state[JournalWord.HoldsReplies] !== 0) this.hold(connection, lastNumber);
  }

  /** The same for a reply that others have brought about: it waits for all that was recorded until now. */
  servedByOthers(connection: HeldOutput): void {
    if (!this.isOn || this.state[JournalWord.HoldsReplies] === 0) return;
    this.hold(connection, Atomics.load(this.state, JournalWord.LastNumber));
  }

  private isDurable(number: number): boolean {
    return isNumberReached(Atomics.load(this.state, JournalWord.DurableNumber), number);
  }

  private hold(connection: HeldOutput, number: number): void {
    if (this.isDurable(number)) return;
    connection.heldNumber = number;
    if (connection.isHeld) return;
    connection.isHeld = true;
    this.held.push(connection);
    if (this.held.length > 1) return;
    Atomics.store(this.state, this.waitingWord, 1);
    // The keeper may have got there before it could see that somebody waits.
    if (this.isDurable(number)) setImmediate(() => this.release());
  }

  /** The durable number has grown: sends what waited for it. */
  release(): void {
    const { held } = this;
    const waiting = held.splice(0);
    for (const connection of waiting) {
      if (!connection.closed && !this.isDurable(connection.heldNumber)) held.push(connection);
    }
    if (held.length > 0) Atomics.store(this.state, this.waitingWord, 1);
    for (const connection of waiting) {
      if (held.includes(connection)) continue;
      connection.isHeld = false;
      if (!connection.closed) connection.releaseOutput();
    }
    const first = held[0];
    if (first !== undefined && this.isDurable(first.heldNumber)) setImmediate(() => this.release());
  }
}
