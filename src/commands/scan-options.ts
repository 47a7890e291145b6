/** The arguments of SCAN and its kin: cursor, MATCH, COUNT, TYPE, NOVALUES. */
import { Int64, int64ToNumber } from '../base/int64.ts';
import { parseInteger } from '../base/number.ts';
import { isWord, parseInt64Argument } from './argument.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from './replies.ts';
import type { Call } from './row.ts';

export const INVALID_CURSOR = 'ERR invalid cursor';
const SCAN_COUNT_DEFAULT = 10;
const CURSOR_MAX = (1n << 64n) - 1n;
const scratchCount = new Int64();

/** Options that not every command of the kind has. */
export const enum ScanWord {
  None = 0,
  Type = 1,
  NoValues = 2,
}

/** `patternIndex` and `typeName` are 0 and '' when they were not given. */
export interface ScanOptions {
  count: number;
  patternIndex: number;
  typeName: string;
  noValues: boolean;
}

/**
 * Redis reads the cursor with strtoul: an empty one is 0, and a sign is allowed. -1: it is none. Ours end well below
 * 2^53; any that is beyond the last shard, or that Redis would wrap around, means the end.
 */
export function parseCursor(call: Call, index: number): number {
  const at = call.args[index * 2]!;
  const value = parseInteger(call.source.u8, at, at + call.args[index * 2 + 1]!);
  if (value >= 0) return value;
  const text = call.text(index);
  if (!/^(?:[+-]?\d+)?$/.test(text)) return -1;
  const magnitude = BigInt(text.replace(/^[+-]/, '') || '0');
  if (magnitude > CURSOR_MAX) return -1;
  return text.startsWith('-') && magnitude !== 0n ? Number.MAX_SAFE_INTEGER : Number(magnitude);
}

/** Reads the options from argument `from` on; `words`: those the command knows beside MATCH and COUNT. Null: the error has been replied. */
export function parseScanOptions(call: Call, from: number, words: number): ScanOptions | null {
  const options = { count: SCAN_COUNT_DEFAULT, patternIndex: 0, typeName: '', noValues: false };
  for (let index = from; index < call.count; index++) {
    if ((words & ScanWord.NoValues) !== 0 && isWord(call, index, 'NOVALUES')) {
      options.noValues = true;
      continue;
    }
    const error = index + 1 < call.count ? parseScanOption(call, index, words, options) : SYNTAX_ERROR;
    index++;
    if (error === '') continue;
    call.reply.error(error);
    return null;
  }
  return options;
}

/** Reads the option at argument `index` into `options`. Returns the error, or ''. */
function parseScanOption(call: Call, index: number, words: number, options: ScanOptions): string {
  if (isWord(call, index, 'MATCH')) options.patternIndex = patternArgument(call, index + 1);
  else if ((words & ScanWord.Type) !== 0 && isWord(call, index, 'TYPE'))
    options.typeName = call.text(index + 1).toLowerCase();
  else if (isWord(call, index, 'COUNT')) {
    if (!parseInt64Argument(call, index + 1, scratchCount)) return NOT_AN_INTEGER;
    options.count = int64ToNumber(scratchCount);
    if (options.count < 1) return SYNTAX_ERROR;
  } else return SYNTAX_ERROR;
  return '';
}

/** `index`, or 0 when the pattern there is a lone star. Redis: that matches even the empty key, which "**" does not. */
export function patternArgument(call: Call, index: number): number {
  const isStar = call.args[index * 2 + 1] === 1 && call.source.u8[call.args[index * 2]!] === 0x2a;
  return isStar ? 0 : index;
}
