/**
 * What a command has done, told as requests that do the same whenever and wherever they are run: for the append-only
 * file and for replicas. Most commands are such requests themselves. One whose outcome depends on the clock, on chance or
 * on who waits has an `effect` in its row, which is asked right after its handler, with the locks still held, and says
 * what came of it: mostly by looking at what is there now.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Key } from '../store/key.ts';
import { expiryAtMs, valueAt, valueBytes } from '../store/record.ts';
import type { Call } from './row.ts';

/** Takes the requests of an effect. Several together are one transaction. */
export interface EffectSink {
  /** Begins a request of `count` arguments, its name included; they follow. */
  begin(count: number): void;
  word(text: string): void;
  bytes(from: Bytes, at: number, byteCount: number): void;
}

export type Effect = (call: Call, out: EffectSink) => void;

export function putArgument(call: Call, index: number, out: EffectSink): void {
  out.bytes(call.source, call.args[index * 2]!, call.args[index * 2 + 1]!);
}

/** Arguments from `from` to before `end`. */
export function putArguments(call: Call, from: number, end: number, out: EffectSink): void {
  for (let index = from; index < end; index++) putArgument(call, index, out);
}

/** The request as it came. */
export const asItCame: Effect = (call, out) => {
  out.begin(call.count);
  putArguments(call, 0, call.count, out);
};

export function putKey({ bytes, at, byteCount }: Key, out: EffectSink): void {
  out.bytes(bytes, at, byteCount);
}

export function putDelete(key: Key, out: EffectSink): void {
  out.begin(2);
  out.word('DEL');
  putKey(key, out);
}

/** The string found under `key` as a SET of all of it. */
export function putString(key: Key, out: EffectSink): void {
  const { shard, record } = key;
  const whenMs = expiryAtMs(shard, record);
  out.begin(whenMs === 0 ? 3 : 5);
  out.word('SET');
  putKey(key, out);
  out.bytes(shard.bytes, valueAt(shard, record), valueBytes(shard, record));
  if (whenMs === 0) return;
  out.word('PXAT');
  out.word(`${whenMs}`);
}

/** The record of the key at argument `index`, which `call.key` is located at then, or 0. */
export function findArgument({ key, keyspace, source, args, database }: Call, index: number): number {
  keyspace.locate(key, source, args[index * 2]!, args[index * 2 + 1]!, database);
  return keyspace.find(key);
}

/** The key at argument `index` became a string, or is gone. */
export function putStringOrDelete(call: Call, index: number, out: EffectSink): void {
  if (findArgument(call, index) === 0) putDelete(call.key, out);
  else putString(call.key, out);
}

/** For the setters of one string, whatever their options. */
export const stringOfKey: Effect = (call, out) => putStringOrDelete(call, 1, out);

/** SET without options is what it says. */
export const plainOrStringOfKey: Effect = (call, out) => {
  if (call.count === 3) asItCame(call, out);
  else putStringOrDelete(call, 1, out);
};

/** The expiry of the key has changed, or the key is gone. */
export const expiryOfKey: Effect = (call, out) => {
  const { key } = call;
  if (findArgument(call, 1) === 0) return putDelete(key, out);
  const whenMs = expiryAtMs(key.shard, key.record);
  out.begin(whenMs === 0 ? 2 : 3);
  out.word(whenMs === 0 ? 'PERSIST' : 'PEXPIREAT');
  putKey(key, out);
  if (whenMs !== 0) out.word(`${whenMs}`);
};

/** The key is gone, if anything has happened. */
export const deletionOfKey: Effect = (call, out) => {
  if (findArgument(call, 1) === 0) putDelete(call.key, out);
};

/** The same request under another name without its argument `left`: a command that might have waited but need not. */
export function withoutArgument(name: string, left: number): Effect {
  return (call, out) => {
    if (!hasReply(call)) return;
    out.begin(call.count - 1);
    out.word(name);
    putArguments(call, 1, left, out);
    putArguments(call, left + 1, call.count, out);
  };
}

/** For BLPOP and its kin: the key that the reply begins with was popped from. */
export function popOfRepliedKey(name: string): Effect {
  return (call, out) => {
    const reply = new ReplyScan(call);
    if (reply.array() <= 0 || !reply.bulk()) return;
    out.begin(2);
    out.word(name);
    out.bytes(reply.bytes, reply.at, reply.byteCount);
  };
}

/** Whether the command has replied, and not that there was nothing. */
function hasReply(call: Call): boolean {
  if (call.reply.at === call.replyStart) return false;
  const { u8 } = call.reply.bytes;
  const first = u8[call.replyStart]!;
  return first !== UNDERSCORE && !(u8[call.replyStart + 1] === MINUS && (first === DOLLAR || first === STAR));
}

const DOLLAR = 0x24;
const STAR = 0x2a;
const MINUS = 0x2d;
const UNDERSCORE = 0x5f;
const LINE_FEED = 10;
const PUSH = 0x3e;
const TILDE = 0x7e;
const PERCENT = 0x25;

/** Reads what a command has replied. Every method answers "nothing" where something else stands. */
export class ReplyScan {
  readonly bytes: Bytes;
  private next: number;
  private readonly end: number;
  /** The last bulk string read. */
  at = 0;
  byteCount = 0;
  private type = 0;
  private value = 0;

  constructor({ reply, replyStart }: Pick<Call, 'reply' | 'replyStart'>) {
    this.bytes = reply.bytes;
    this.next = replyStart;
    this.end = reply.at;
    // What the client told itself meanwhile comes before its reply.
    while (this.bytes.u8[this.next] === PUSH && this.next < this.end) this.skip();
  }

  /** Reads a line: its type, and the number in it. */
  private line(): boolean {
    if (this.next >= this.end) return false;
    const { u8 } = this.bytes;
    this.type = u8[this.next++]!;
    const isNegative = u8[this.next] === MINUS;
    this.value = 0;
    for (; u8[this.next] !== LINE_FEED; this.next++) {
      const digit = u8[this.next]! - 0x30;
      if (digit >= 0 && digit <= 9) this.value = this.value * 10 + digit;
    }
    this.next++;
    if (isNegative) this.value = -this.value;
    return true;
  }

  private get isCollection(): boolean {
    const { type } = this;
    return type === STAR || type === TILDE || type === PERCENT || type === PUSH;
  }

  /** Elements of the array, set or map that begins here (of a map: keys and values); -1: none does. */
  array(): number {
    if (!this.line() || !this.isCollection) return -1;
    return this.type === PERCENT ? this.value * 2 : this.value;
  }

  /** Whether the next reply is a bulk string, which is read. */
  bulk(): boolean {
    if (!this.line() || this.type !== DOLLAR || this.value < 0) return false;
    this.at = this.next;
    this.byteCount = this.value;
    this.next += this.value + 2;
    return true;
  }

  /** The next reply, an integer. */
  integer(): number {
    return this.line() ? this.value : NaN;
  }

  /** Passes over the next reply, whatever it is. */
  skip(): void {
    for (let rest = 1; rest > 0; rest--) {
      if (!this.line()) return;
      if (this.type === DOLLAR && this.value >= 0) this.next += this.value + 2;
      else if (this.isCollection && this.value > 0) {
        rest += this.type === PERCENT ? this.value * 2 : this.value;
      }
    }
  }
}
