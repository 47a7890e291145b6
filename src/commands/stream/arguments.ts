/** Reading the arguments that the commands of streams share: ids, intervals of ids, names, numbers. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import type { Key } from '../../store/key.ts';
import { rootOf, ValueType } from '../../store/record.ts';
import { findGroup } from '../../structures/stream/groups.ts';
import type { Name } from '../../structures/stream/named-blocks.ts';
import { StreamId } from '../../structures/stream/stream-id.ts';
import { parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER } from '../replies.ts';
import type { Call } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';

const INVALID_ID = 'ERR Invalid stream ID specified as stream command argument';
/** Redis: longer texts are no ids. */
const ID_TEXT_MAX = 127;
const DIGITS_MAX = 20;
const DASH = 0x2d;
const PLUS = 0x2b;
const STAR = 0x2a;
const ZERO = 0x30;
const TWO_32 = 4294967296;
/** The digits of a number below this many fit in a double. */
const SAFE_DIGITS = 15;
const UINT64_MAX = (1n << 64n) - 1n;

/** What an argument says in place of a sequence number. */
export const enum Sequence {
  Given,
  /** `ms-*`, or `ms` alone where that is allowed: it is to be chosen. */
  Open,
  /** No id at all. */
  Invalid,
}

/** Whether argument `index` is this one character. */
export function isSymbol(call: Call, index: number, symbol: string): boolean {
  return call.args[index * 2 + 1] === 1 && call.source.u8[call.args[index * 2]!] === symbol.charCodeAt(0);
}

/**
 * Parses [at, at + byteCount) as an id without `-` and `+`. An id of milliseconds alone has the lowest sequence number, or
 * with `fillMax` the highest. With `allowOpen` the sequence number may be a star.
 */
function parseId(
  u8: Uint8Array,
  at: number,
  byteCount: number,
  fillMax: boolean,
  allowOpen: boolean,
  into: StreamId,
): Sequence {
  if (byteCount > ID_TEXT_MAX) return Sequence.Invalid;
  const end = at + byteCount;
  let dash = at;
  while (dash < end && u8[dash] !== DASH) dash++;
  if (!parseUnsigned(u8, at, dash)) return Sequence.Invalid;
  const msHi = scratchHi;
  const msLo = scratchLo;
  if (dash === end) {
    const fill = fillMax ? -1 : 0;
    into.setWords(msHi, msLo, fill, fill);
    return Sequence.Given;
  }
  if (allowOpen && dash + 2 === end && u8[dash + 1] === STAR) {
    into.setWords(msHi, msLo, 0, 0);
    return Sequence.Open;
  }
  if (!parseUnsigned(u8, dash + 1, end)) return Sequence.Invalid;
  into.setWords(msHi, msLo, scratchHi, scratchLo);
  return Sequence.Given;
}

/** Parses [at, at + byteCount) as a full id. False: it is none. */
export function parseIdText(u8: Uint8Array, at: number, byteCount: number, into: StreamId): boolean {
  return parseId(u8, at, byteCount, false, false, into) === Sequence.Given;
}

/** Parses an unsigned 64-bit integer into `scratchHi` and `scratchLo`. Redis: leading zeros and a plus are allowed. */
function parseUnsigned(u8: Uint8Array, at: number, end: number): boolean {
  if (at < end && u8[at] === PLUS) at++;
  if (at === end) return false;
  while (at < end - 1 && u8[at] === ZERO) at++;
  const digits = end - at;
  if (digits > DIGITS_MAX) return false;
  let value = 0;
  for (let i = at; i < end; i++) {
    const digit = u8[i]! - ZERO;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  if (digits > SAFE_DIGITS) return parseWide(u8, at, end);
  scratchHi = (value / TWO_32) | 0;
  scratchLo = value | 0;
  return true;
}

function parseWide(u8: Uint8Array, at: number, end: number): boolean {
  let value = 0n;
  for (; at < end; at++) value = value * 10n + BigInt(u8[at]! - ZERO);
  if (value > UINT64_MAX) return false;
  scratchHi = Number(BigInt.asIntN(32, value >> 32n));
  scratchLo = Number(BigInt.asIntN(32, value));
  return true;
}

let scratchHi = 0;
let scratchLo = 0;

/** Parses argument `index` as a full id, milliseconds alone meaning the first of them. False: the error has been replied. */
export function idArgument(call: Call, index: number, into: StreamId): boolean {
  if (isId(call, index, into)) return true;
  call.reply.error(INVALID_ID);
  return false;
}

/** `idArgument` without an error. */
export function isId(call: Call, index: number, into: StreamId): boolean {
  const at = call.args[index * 2]!;
  return parseId(call.source.u8, at, call.args[index * 2 + 1]!, false, false, into) === Sequence.Given;
}

/** Parses argument `index` as the id of a new entry. Invalid: the error has been replied. */
export function newIdArgument(call: Call, index: number, into: StreamId): Sequence {
  const at = call.args[index * 2]!;
  const sequence = parseId(call.source.u8, at, call.args[index * 2 + 1]!, false, true, into);
  if (sequence === Sequence.Invalid) call.reply.error(INVALID_ID);
  return sequence;
}

/** `idArgument` where `-` and `+` are the first and the last id there can be. */
export function looseIdArgument(call: Call, index: number, fillMax: boolean, into: StreamId): boolean {
  if (isSymbol(call, index, '-')) into.setZero();
  else if (isSymbol(call, index, '+')) into.setMax();
  else {
    const at = call.args[index * 2]!;
    if (parseId(call.source.u8, at, call.args[index * 2 + 1]!, fillMax, false, into) !== Sequence.Given) {
      call.reply.error(INVALID_ID);
      return false;
    }
  }
  return true;
}

/** Parses argument `index` as an end of an interval, which is not in it when a bracket stands before it. */
export function intervalArgument(call: Call, index: number, isStart: boolean, into: StreamId): boolean {
  const at = call.args[index * 2]!;
  const byteCount = call.args[index * 2 + 1]!;
  const { u8 } = call.source;
  if (byteCount < 2 || u8[at] !== 0x28) return looseIdArgument(call, index, !isStart, into);
  if (parseId(u8, at + 1, byteCount - 1, !isStart, false, into) !== Sequence.Given) {
    call.reply.error(INVALID_ID);
    return false;
  }
  if (isStart ? into.increment() : into.decrement()) return true;
  call.reply.error(`ERR invalid ${isStart ? 'start' : 'end'} ID for the interval`);
  return false;
}

/** Argument `index` as an integer, rounded beyond 2^53. NaN: it is none, and `error` has been replied. */
export function integerArgument(call: Call, index: number, error = NOT_AN_INTEGER): number {
  if (parseInt64Argument(call, index, scratchInteger)) return int64ToNumber(scratchInteger);
  call.reply.error(error);
  return NaN;
}

const scratchInteger = new Int64();

/** A name among the arguments: the same object for every call with the same `into`. */
export interface MutableName extends Name {
  bytes: Name['bytes'];
  at: number;
  byteCount: number;
}

export function nameArgument(call: Call, index: number, into: MutableName): MutableName {
  into.bytes = call.source;
  into.at = call.args[index * 2]!;
  into.byteCount = call.args[index * 2 + 1]!;
  return into;
}

/** Instead of a root: the key holds another type, and the error has been replied. */
export const NO_STREAM = WRONG;

/** The stream at `key`, 0 when there is none, or NO_STREAM. */
export function readStream(call: Call, key: Key): number {
  const record = readTyped(call, key, ValueType.Stream);
  return record > 0 ? rootOf(key.shard, record) : record;
}

/** `readStream` for a command that does not count as one that reads the value. */
export function findStream(call: Call, key: Key): number {
  const record = findTyped(call, key, ValueType.Stream);
  return record > 0 ? rootOf(key.shard, record) : record;
}

/** The group named by argument `index`, of the stream `root` under `call.key`, or 0; 0 where there is no stream. */
export function groupArgument(call: Call, root: number, index: number): number {
  return root === 0 ? 0 : findGroup(call.key.shard, root, nameArgument(call, index, scratchName));
}

const scratchName: MutableName = { bytes: null as never, at: 0, byteCount: 0 };

/** Redis: what is said where a group, named by argument 2, or its key, argument 1, is missing. */
export function noGroup(call: Call): void {
  call.reply.error(`NOGROUP No such key '${call.text(1)}' or consumer group '${call.text(2)}'`);
}
