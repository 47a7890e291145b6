/** Numbers and ranges as the arguments of commands on sorted sets. */
import { parseFloatStrict } from '../../base/double.ts';
import { readFloatText } from '../../base/float-text.ts';
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { parseInteger } from '../../base/number.ts';
import type { ScoreRange, TextBound } from '../../store/sorted-set/range.ts';
import { parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER } from '../replies.ts';
import type { Call } from '../row.ts';

export const MIN_MAX_NOT_FLOAT = 'ERR min or max is not a float';
export const MIN_MAX_NOT_TEXT = 'ERR min or max not valid string range item';

const OPEN = 0x28;
const CLOSED = 0x5b;
const PLUS = 0x2b;
const MINUS = 0x2d;
const scratchInteger = new Int64();

/** Argument `index` as a 64-bit integer, rounded beyond 2^53, or NaN: it is none. */
export function integerArgument(call: Call, index: number): number {
  const at = call.args[index * 2]!;
  const value = parseInteger(call.source.u8, at, at + call.args[index * 2 + 1]!);
  if (value === value) return value;
  return parseInt64Argument(call, index, scratchInteger) ? int64ToNumber(scratchInteger) : NaN;
}

/** `integerArgument`; where it is none, the error is replied. */
export function requireInteger(call: Call, index: number): number {
  const value = integerArgument(call, index);
  if (value !== value) call.reply.error(NOT_AN_INTEGER);
  return value;
}

/** Argument `index` as a score or a weight, or NaN: it is none. */
export function floatArgument(call: Call, index: number): number {
  const at = call.args[index * 2]!;
  return parseFloatStrict(call.source.u8, at, at + call.args[index * 2 + 1]!);
}

/** Reads the range of scores between two arguments. False: one is no float, and the error has been replied. */
export function parseScoreRange(call: Call, minIndex: number, maxIndex: number, range: ScoreRange): boolean {
  range.minExclusive = isOpen(call, minIndex);
  range.maxExclusive = isOpen(call, maxIndex);
  range.min = parseBound(call, minIndex, range.minExclusive);
  range.max = parseBound(call, maxIndex, range.maxExclusive);
  if (range.min === range.min && range.max === range.max) return true;
  call.reply.error(MIN_MAX_NOT_FLOAT);
  return false;
}

function isOpen(call: Call, index: number): boolean {
  return call.args[index * 2 + 1]! > 0 && call.source.u8[call.args[index * 2]!] === OPEN;
}

function parseBound(call: Call, index: number, isExclusive: boolean): number {
  const { u8 } = call.source;
  const start = call.args[index * 2]! + (isExclusive ? 1 : 0);
  const end = call.args[index * 2]! + call.args[index * 2 + 1]!;
  const value = parseFloatStrict(u8, start, end);
  return value === value ? value : parseLooseFloat(u8, start, end);
}

/**
 * Redis: bounds are read by C's strtod, which passes over white space in front, ends at a NUL, takes no text at all for 0,
 * and makes what is too large infinite and what is too small zero.
 */
function parseLooseFloat(u8: Buffer, start: number, end: number): number {
  const nul = u8.subarray(start, end).indexOf(0);
  const stop = nul < 0 ? end : start + nul;
  if (start === stop) return 0;
  let at = start;
  while (at < stop && (u8[at] === 0x20 || (u8[at]! >= 9 && u8[at]! <= 13))) at++;
  const value = parseFloatStrict(u8, at, stop);
  if (value === value) return value;
  const text = readFloatText(u8, at, stop);
  if (text === null) return NaN;
  const isLarge = text.digits.toString(text.base).length + text.exponent > 0;
  return (text.negative ? -1 : 1) * (isLarge ? Infinity : 0);
}

/** Reads the range of texts between two arguments. False: one is no bound, and the error has been replied. */
export function parseTextRange(
  call: Call,
  minIndex: number,
  maxIndex: number,
  min: TextBound,
  max: TextBound,
): boolean {
  if (parseTextBound(call, minIndex, min) && parseTextBound(call, maxIndex, max)) return true;
  call.reply.error(MIN_MAX_NOT_TEXT);
  return false;
}

function parseTextBound(call: Call, index: number, bound: TextBound): boolean {
  const { u8 } = call.source;
  const at = call.args[index * 2]!;
  const byteCount = call.args[index * 2 + 1]!;
  if (byteCount === 0) return false;
  const first = u8[at];
  bound.at = at + 1;
  bound.byteCount = byteCount - 1;
  bound.isExclusive = first === OPEN;
  bound.kind = first === MINUS ? 'lowest' : first === PLUS ? 'highest' : 'text';
  if (bound.kind === 'text') return first === OPEN || first === CLOSED;
  // Redis: what follows a NUL is not looked at.
  return byteCount === 1 || u8[at + 1] === 0;
}
