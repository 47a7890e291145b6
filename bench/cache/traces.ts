/** Seeded sequences of keys asked of a cache: what the cache scenarios and simulations replay. */
import { Prng } from '../../test/support/prng.ts';

export interface Trace {
  readonly name: string;
  /** Numbers of the keys, in the order in which they are asked for. */
  readonly keys: Int32Array;
}

export interface TraceSize {
  readonly requestCount: number;
  /** About how many keys the cache holds: working sets are sized by it. */
  readonly capacity: number;
}

const SEED = 20250701;
const ZIPF_EXPONENTS = [0.7, 0.8, 0.9, 1, 1.1];

export function makeTraces({ requestCount, capacity }: TraceSize): Trace[] {
  const keyCount = capacity * 10;
  const traces = ZIPF_EXPONENTS.map((exponent) => {
    const next = zipf(new Prng(SEED + exponent * 10), keyCount, exponent);
    return { name: `zipf ${exponent}`, keys: fill(requestCount, next) };
  });
  return [
    ...traces,
    { name: 'zipf and scans', keys: scans(requestCount, capacity, keyCount) },
    { name: 'shifting set', keys: shifting(requestCount, capacity) },
    { name: 'loop', keys: fill(requestCount, (at) => at % Math.floor(capacity * 1.5)) },
  ];
}

function fill(count: number, next: (at: number) => number): Int32Array {
  return new Int32Array(count).map((_, at) => next(at));
}

/** Draws numbers below `count`, the one of rank r with a weight of 1 / r^exponent; which number has which rank is random. */
function zipf(random: Prng, count: number, exponent: number): () => number {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  const numbers = new Int32Array(count).map((_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [numbers[index], numbers[other]] = [numbers[other]!, numbers[index]!];
  }
  return () => {
    const wanted = (random.next32() / 2 ** 32) * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return numbers[low]!;
  };
}

/** Zipf, and every so often a run over twice as many keys as fit, each of them asked for once and never again. */
function scans(count: number, capacity: number, keyCount: number): Int32Array {
  const next = zipf(new Prng(SEED + 1), keyCount, 0.9);
  const period = capacity * 6;
  let scanned = keyCount;
  return fill(count, (at) => (at % period < capacity * 4 ? next() : scanned++));
}

/** A working set a little larger than the cache, all of it new after some time. */
function shifting(count: number, capacity: number): Int32Array {
  const size = Math.floor(capacity * 1.2);
  const next = zipf(new Prng(SEED + 2), size, 0.6);
  return fill(count, (at) => Math.floor(at / (capacity * 8)) * size + next());
}

/** Share of the requests from `from` on that hit in a cache of `capacity` keys that knows the future (Belady, 1966). */
export function optimumOf(keys: Int32Array, capacity: number, from: number): number {
  const nextUse = nextUses(keys);
  const heap = new Int32Array(keys.length);
  let size = 0;
  /** By key: the position of its next use while it is held, else -1. */
  const held = new Int32Array(keys.reduce((most, key) => Math.max(most, key), 0) + 1).fill(-1);
  let count = 0;
  let hits = 0;
  const push = (use: number): void => {
    let place = size++;
    for (; place > 0;) {
      const parent = (place - 1) >> 1;
      if (nextUse[heap[parent]!]! >= nextUse[use]!) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = use;
  };
  const pop = (): number => {
    const top = heap[0]!;
    const last = heap[--size]!;
    let place = 0;
    for (let child = 1; child < size; child = place * 2 + 1) {
      if (child + 1 < size && nextUse[heap[child + 1]!]! > nextUse[heap[child]!]!) child++;
      if (nextUse[heap[child]!]! <= nextUse[last]!) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return top;
  };
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!;
    if (held[key] !== -1) {
      if (at >= from) hits++;
    } else if (count < capacity) count++;
    else {
      // Entries of earlier uses of a key that is still held are out of date.
      for (;;) {
        const victim = pop();
        if (held[keys[victim]!] !== victim) continue;
        held[keys[victim]!] = -1;
        break;
      }
    }
    held[key] = at;
    push(at);
  }
  return hits / (keys.length - from);
}

/** By position: that of the next request for the same key, or the end and more. */
function nextUses(keys: Int32Array): Int32Array {
  const next = new Int32Array(keys.length);
  const last = new Map<number, number>();
  for (let at = keys.length - 1; at >= 0; at--) {
    next[at] = last.get(keys[at]!) ?? keys.length;
    last.set(keys[at]!, at);
  }
  return next;
}
