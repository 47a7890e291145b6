/**
 * Client-side caching, what workers share: which of them may have clients that remember a key, and a mailbox for each, into
 * which whoever changes such a key writes its name. A mailbox lies in shared memory so that its worker can look into it
 * while it serves a client: by then everything is there that was changed before what the client reads.
 *
 *  board, in 32-bit words
 *   word 0          4            64                  64 + FILTER_SLOTS    one per worker, MAILBOX_BYTES each
 *        +----------+------------+-------------------+-------------------+-------------
 *        | tracking | broadcast  | filter            | (padding)         | mailboxes
 *        | workers  | workers    |                   |                   |
 *        +----------+------------+-------------------+-------------------+-------------
 *   tracking workers: one bit for each worker with a client that tracks.  broadcast workers: those that are to be told of
 *   every change.  filter: by the hash of a key's text, the workers that have a client which remembers such a key, one
 *   bit for each number modulo 32.
 *
 *  mailbox
 *   word 0      1           2          3                       16
 *        +------+-----------+----------+-----------------------+----------------------------------
 *        | lock | bytes     | overflow | its worker was told   | letters: length of the key, or FLUSH;
 *        |      | in use    |          | that there is mail    | client that changed it; key, padded to words
 *        +------+-----------+----------+-----------------------+----------------------------------
 *
 *  Locks: bits are set and cleared by their worker alone, with Atomics, a bit of the filter before the key is read: so
 *  whoever changes the key under its shard's lock after that read sees it. A mailbox is used under its own lock, which
 *  is taken last. When it is full `overflow` says that anything may have changed.
 *  Costs: 256 KiB, and what mailboxes have ever held at a time, at most MAILBOX_BYTES each.
 */
import { assert } from '../base/assert.ts';
import { Bytes, copyBytes } from '../base/bytes.ts';
import { lockWord, unlockWord } from '../memory/lock.ts';

/** Word offsets in the board. */
const enum Board {
  TrackingWorkers = 0,
  BroadcastWorkers = 4,
  Filter = 64,
}

/** Word offsets in a mailbox. */
const enum Mailbox {
  Lock = 0,
  BytesUsed = 1,
  Overflow = 2,
  Told = 3,
  Letters = 16,
}

const FILTER_SLOTS = 65536;
const WORKER_WORDS = 4;
const MAILBOXES_AT_BYTES = 266240;
const MAILBOX_BYTES = 1 << 20;
/** Bytes of a letter in front of the key. */
const LETTER_HEAD_BYTES = 8;
/** Instead of a length: everything was removed. */
const FLUSH = -1;
assert(MAILBOXES_AT_BYTES >= (Board.Filter + FILTER_SLOTS) * 4, 'layout of the tracking board');

/** Memory for the board of `workerCount` workers. */
export function createTrackingMemory(workerCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(MAILBOXES_AT_BYTES + workerCount * MAILBOX_BYTES);
}

/** A change that a worker was told of. */
export interface Letter {
  /** Where the key lies in the mail; `byteCount` is -1 when everything was removed. */
  readonly at: number;
  readonly byteCount: number;
  /** Id of the client that did it, 0 when that is of no interest. */
  readonly origin: number;
}

/** What there was in a mailbox. */
export interface Mail {
  readonly bytes: Bytes;
  readonly letters: readonly Letter[];
}

export class TrackingBoard {
  private readonly bytes: Bytes;
  private readonly words: Int32Array;
  private readonly workerCount: number;
  private readonly worker: number;

  constructor(memory: SharedArrayBuffer, worker: number, workerCount: number) {
    this.bytes = new Bytes(memory);
    this.words = new Int32Array(memory);
    this.worker = worker;
    this.workerCount = workerCount;
  }

  /** The slot of the filter for keys of this hash. */
  slotOf(hash: number): number {
    return hash & (FILTER_SLOTS - 1);
  }

  /** This worker has a client that remembers keys of a slot. */
  setFilter(slot: number): void {
    Atomics.or(this.words, Board.Filter + slot, 1 << (this.worker & 31));
  }

  /** This worker has none any more. With more workers than bits another may share the bit, and it stays. */
  clearFilter(slot: number): void {
    if (this.workerCount <= 32) Atomics.and(this.words, Board.Filter + slot, ~(1 << (this.worker & 31)));
  }

  /** This worker has clients that track, or not any more. */
  setTracking(isTracking: boolean): void {
    this.setBit(Board.TrackingWorkers, isTracking);
  }

  /** This worker is to be told of every change, or not any more. */
  setBroadcast(isBroadcast: boolean): void {
    this.setBit(Board.BroadcastWorkers, isBroadcast);
  }

  private setBit(at: number, isSet: boolean): void {
    const word = at + (this.worker >> 5);
    const bit = 1 << (this.worker & 31);
    if (isSet) Atomics.or(this.words, word, bit);
    else Atomics.and(this.words, word, ~bit);
  }

  /** Whether a worker must be told of a change of a key of this slot, whose shard is locked. */
  concerns(worker: number, slot: number): boolean {
    const { words } = this;
    const bit = 1 << (worker & 31);
    if ((Atomics.load(words, Board.Filter + slot) & bit) !== 0) return true;
    return (Atomics.load(words, Board.BroadcastWorkers + (worker >> 5)) & bit) !== 0;
  }

  /** Whether any worker must. */
  concernsAny(slot: number): boolean {
    const { words } = this;
    if (Atomics.load(words, Board.Filter + slot) !== 0) return true;
    for (let i = 0; i < WORKER_WORDS; i++) {
      if (Atomics.load(words, Board.BroadcastWorkers + i) !== 0) return true;
    }
    return false;
  }

  /** Whether a worker has clients that track. */
  isTracking(worker: number): boolean {
    return (Atomics.load(this.words, Board.TrackingWorkers + (worker >> 5)) & (1 << (worker & 31))) !== 0;
  }

  /** Tells another worker of a change of a key. True: it has not been told yet that it has mail. */
  post(worker: number, bytes: Bytes, at: number, byteCount: number, origin: number): boolean {
    const mailbox = mailboxOf(worker);
    lockWord(this.words, mailbox);
    const start = this.reserve(mailbox, byteCount);
    if (start !== 0) {
      this.words[start >> 2] = byteCount;
      this.words[(start >> 2) + 1] = origin;
      copyBytes(bytes, at, this.bytes, start + LETTER_HEAD_BYTES, byteCount);
    }
    return this.unlockTold(mailbox);
  }

  /** Tells another worker that everything was removed. True: it has not been told yet that it has mail. */
  postFlush(worker: number, origin: number): boolean {
    const mailbox = mailboxOf(worker);
    lockWord(this.words, mailbox);
    const start = this.reserve(mailbox, 0);
    if (start !== 0) {
      this.words[start >> 2] = FLUSH;
      this.words[(start >> 2) + 1] = origin;
    }
    return this.unlockTold(mailbox);
  }

  /** Where a letter may be written, or 0: there is no room. */
  private reserve(mailbox: number, byteCount: number): number {
    const { words } = this;
    const used = words[mailbox + Mailbox.BytesUsed]!;
    const needed = LETTER_HEAD_BYTES + ((byteCount + 3) & ~3);
    if (used + needed > MAILBOX_BYTES - Mailbox.Letters * 4) {
      Atomics.store(words, mailbox + Mailbox.Overflow, 1);
      return 0;
    }
    Atomics.store(words, mailbox + Mailbox.BytesUsed, used + needed);
    return (mailbox + Mailbox.Letters) * 4 + used;
  }

  private unlockTold(mailbox: number): boolean {
    const { words } = this;
    const mustTell = words[mailbox + Mailbox.Told] === 0;
    words[mailbox + Mailbox.Told] = 1;
    unlockWord(words, mailbox);
    return mustTell;
  }

  /** Whether there is mail for this worker. */
  get hasMail(): boolean {
    const mailbox = mailboxOf(this.worker);
    if (Atomics.load(this.words, mailbox + Mailbox.BytesUsed) !== 0) return true;
    // The first letter may have been too large.
    return Atomics.load(this.words, mailbox + Mailbox.Overflow) !== 0;
  }

  /** Takes the mail of this worker. Null: so much has changed that anything may have. */
  take(): Mail | null {
    const { words } = this;
    const mailbox = mailboxOf(this.worker);
    lockWord(words, mailbox);
    const start = (mailbox + Mailbox.Letters) * 4;
    const used = words[mailbox + Mailbox.BytesUsed]!;
    const isOverflow = words[mailbox + Mailbox.Overflow] !== 0;
    const mail = isOverflow ? null : Bytes.allocate(used);
    mail?.u8.set(this.bytes.u8.subarray(start, start + used));
    Atomics.store(words, mailbox + Mailbox.Overflow, 0);
    words[mailbox + Mailbox.Told] = 0;
    Atomics.store(words, mailbox + Mailbox.BytesUsed, 0);
    unlockWord(words, mailbox);
    return mail === null ? null : { bytes: mail, letters: readLetters(mail, used) };
  }
}

function mailboxOf(worker: number): number {
  return (MAILBOXES_AT_BYTES + worker * MAILBOX_BYTES) >> 2;
}

function readLetters({ view }: Bytes, end: number): Letter[] {
  const letters: Letter[] = [];
  for (let at = 0; at < end;) {
    const byteCount = view.getInt32(at, true);
    const origin = view.getInt32(at + 4, true);
    at += LETTER_HEAD_BYTES;
    letters.push({ at, byteCount, origin });
    at += (Math.max(byteCount, 0) + 3) & ~3;
  }
  return letters;
}
