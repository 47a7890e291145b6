/** Which arguments of a request are keys, by its command's key specifications (Redis: getKeysUsingKeySpecs). */
import { parseInteger } from '../base/number.ts';
import type { Command } from './registry.ts';
import { KeyFlag, type KeySpec } from './row.ts';

/** The arguments as the request reader left them. */
export interface Arguments {
  readonly u8: Uint8Array;
  readonly args: Int32Array;
  readonly count: number;
}

/**
 * Appends the position and the KeyFlag set of every key argument to `out`, pair by pair. Specifications that do not
 * fit the request are passed over; the handler will find the syntax error. Returns whether all of them did fit.
 */
export function collectKeyPositions(command: Command, request: Arguments, out: number[]): boolean {
  let fits = true;
  for (const spec of command.keys) {
    const first = firstPosition(spec, request);
    if (first > 0 && !addKeys(spec, request, first, out)) fits = false;
    else if (spec.begin.kind === 'unknown' && command.name === 'sort') addSortDestination(spec, request, out);
  }
  return fits;
}

/** Words of SORT and how many arguments follow each, which may themselves look like words. */
const SORT_WORDS: readonly (readonly [word: string, argumentCount: number])[] = [
  ['LIMIT', 2],
  ['GET', 1],
  ['BY', 1],
];

/** The key behind SORT's STORE, which no specification tells. Redis: of several the last one counts. */
function addSortDestination(spec: KeySpec, request: Arguments, out: number[]): void {
  if ((spec.flags & KeyFlag.Overwrite) === 0) return;
  let found = 0;
  for (let position = 2; position < request.count; position++) {
    const known = SORT_WORDS.find(([word]) => isWord(request, position, word));
    if (known !== undefined) position += known[1];
    else if (position + 1 < request.count && isWord(request, position, 'STORE')) found = position + 1;
  }
  if (found > 0) out.push(found, spec.flags);
}

function firstPosition(spec: KeySpec, request: Arguments): number {
  const begin = spec.begin;
  if (begin.kind === 'index') return begin.position;
  if (begin.kind === 'unknown') return 0;
  const step = begin.from > 0 ? 1 : -1;
  let position = begin.from > 0 ? begin.from : request.count + begin.from;
  for (; position > 0 && position < request.count; position += step) {
    if (isWord(request, position, begin.word)) return position + 1;
  }
  return 0;
}

/** False: the request is not of the shape that the specification says. */
function addKeys(spec: KeySpec, request: Arguments, first: number, out: number[]): boolean {
  const find = spec.find;
  let last = 0;
  let position = first;
  let step = 1;
  if (find.kind === 'range') {
    step = find.step;
    last = find.last >= 0 ? first + find.last : lastOfRange(find.last, find.limit, first, request.count);
  } else if (find.kind === 'keynum') {
    const at = first + find.countAt;
    if (at >= request.count) return false;
    const start = request.args[at * 2]!;
    const keyCount = parseInteger(request.u8, start, start + request.args[at * 2 + 1]!);
    if (!(keyCount >= 0)) return false;
    step = find.step;
    position = first + find.first;
    last = position + (keyCount - 1) * step;
  } else return true;
  if (last >= request.count) return false;
  for (; position <= last; position += step) out.push(position, spec.flags);
  return true;
}

function lastOfRange(last: number, limit: number, first: number, count: number): number {
  if (limit <= 1) return count + last;
  return first + Math.floor((count - first) / limit) + last;
}

function isWord(request: Arguments, position: number, word: string): boolean {
  const start = request.args[position * 2]!;
  if (request.args[position * 2 + 1] !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    if ((request.u8[start + i]! & ~0x20) !== word.charCodeAt(i)) return false;
  }
  return true;
}
