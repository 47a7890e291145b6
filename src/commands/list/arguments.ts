/** Arguments as the list commands take them. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import type { Call } from '../row.ts';

const INT32_MIN = -2147483648;

const scratchInteger = new Int64();

/** Argument `index` as a 64-bit integer, rounded beyond 2^53, or NaN: it is none, and the error has been replied. */
export function integerArgument(call: Call, index: number): number {
  if (parseInt64Argument(call, index, scratchInteger)) return int64ToNumber(scratchInteger);
  call.reply.error(NOT_AN_INTEGER);
  return NaN;
}

/** `integerArgument` for a number whose opposite is wanted too. Redis since 7.2: -2^63, which has none, is refused. */
export function rankArgument(call: Call, index: number): number {
  const value = integerArgument(call, index);
  if (value !== value || scratchInteger.hi !== INT32_MIN || scratchInteger.lo !== 0) return value;
  call.reply.error(
    'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
  );
  return NaN;
}

/** Argument `index` as an integer of at least `min`, or NaN: it is none, and `error` has been replied. */
export function countArgument(call: Call, index: number, min: number, error: string): number {
  if (parseInt64Argument(call, index, scratchInteger)) {
    const value = int64ToNumber(scratchInteger);
    if (value >= min) return value;
  }
  call.reply.error(error);
  return NaN;
}

/** One of the two ends of a list, or neither: then the error has been replied. */
export const enum End {
  Front = 0,
  Back = 1,
  Neither = 2,
}

/** Argument `index` as LEFT or RIGHT. */
export function endArgument(call: Call, index: number): End {
  if (isWord(call, index, 'LEFT')) return End.Front;
  if (isWord(call, index, 'RIGHT')) return End.Back;
  call.reply.error(SYNTAX_ERROR);
  return End.Neither;
}
