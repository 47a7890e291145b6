/** Reading arguments where they lie in the request, without making strings of them. */
import { type Int64, parseInt64 } from '../base/int64.ts';
import { type LongDouble, parseLongDouble } from '../base/long-double.ts';
import type { Call } from './row.ts';

/** Whether argument `index` is `word`, in any case. `word` is upper case and has letters only. */
export function isWord(call: Call, index: number, word: string): boolean {
  const at = call.args[index * 2]!;
  const byteCount = word.length;
  if (call.args[index * 2 + 1] !== byteCount) return false;
  const u8 = call.source.u8;
  for (let i = 0; i < byteCount; i++) if ((u8[at + i]! & ~0x20) !== word.charCodeAt(i)) return false;
  return true;
}

/** Parses argument `index` as a 64-bit integer, as strictly as Redis does. False, and `into` untouched: it is none. */
export function parseInt64Argument(call: Call, index: number, into: Int64): boolean {
  const at = call.args[index * 2]!;
  return parseInt64(call.source.u8, at, at + call.args[index * 2 + 1]!, into);
}

/** Parses argument `index` as Redis reads floats. Null: it is none. */
export function parseLongDoubleArgument(call: Call, index: number): LongDouble | null {
  const at = call.args[index * 2]!;
  return parseLongDouble(call.source.u8, at, at + call.args[index * 2 + 1]!);
}

/** Whether twice as many would be beyond ±(2^63 - 1). */
export function isBeyondHalf({ hi, lo }: Int64): boolean {
  return hi > 0x3fffffff || hi < -0x40000000 || (hi === -0x40000000 && lo === 0);
}
