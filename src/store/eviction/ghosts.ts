/**
 * Ghosts: how often keys had been used when they were evicted, so that one that comes back is not taken for new. A block
 * of a shard, found from its header, which counts as used memory.
 *
 *  ghosts, 2 bytes x size, a power of two
 *   byte 0     1       2     3
 *        +-----+-------+-----+-------+----
 *        | tag | count | tag | count | ...     at the place that some bits of the key's hash name; tag = others of them,
 *        +-----+-------+-----+-------+----     0 in both: empty
 *
 *  A key that shares its place with a later one is forgotten, and one in 128 is taken for another: only hints are lost.
 *  Lock: the shard's.
 */
import { allocate, blockBytes, free } from '../../memory/allocator.ts';
import { Head, Header, type Shard } from '../../memory/shard.ts';
import { tableCount } from '../../structures/table.ts';

const PLACE_BYTES = 2;
/** So many places per key are provided at least, and up to twice as many by the shard's index: so shards that fill alike
 *  do not all grow at the same moment, which would pass the limit on memory. After growing there are twice as many. */
const PLACES_PER_KEY = 2;
const STAGGER = 16;
const SIZE_MIN = 1024;
const SIZE_MAX = 1 << 22;
/** Hash bits below this tell the shard. */
const PLACE_SHIFT = 7;

function placeOf(shard: Shard, hash: number): number {
  const mask = shard.words[Header.GhostCount]! - 1;
  return shard.words[Header.Ghosts]! + ((hash >>> PLACE_SHIFT) & mask) * PLACE_BYTES;
}

/** Never 0, so that no entry looks empty. */
function tagOf(hash: number): number {
  return (Math.imul(hash, 0x9e3779b1) >>> 24) | 1;
}

/** Remembers that the key of this hash had been used `count` times, 0 to 255. */
export function rememberGhost(shard: Shard, hash: number, count: number): void {
  if (shard.words[Header.Ghosts] === 0) return;
  const place = placeOf(shard, hash);
  const { u8 } = shard.bytes;
  u8[place] = tagOf(hash);
  u8[place + 1] = count;
}

/** How often a key of this hash had been used, which is then forgotten; -1: it is not remembered. */
export function recallGhost(shard: Shard, hash: number): number {
  if (shard.words[Header.Ghosts] === 0) return -1;
  const place = placeOf(shard, hash);
  const { u8 } = shard.bytes;
  if (u8[place] !== tagOf(hash)) return -1;
  u8[place] = 0;
  return u8[place + 1]!;
}

/** Sees to it that there are places enough for the keys that the shard has, as far as there is memory. */
export function makeGhostPlaces(shard: Shard): void {
  const { words, heads, head } = shard;
  const perKey = PLACES_PER_KEY * (1 + (shard.index % STAGGER) / STAGGER);
  const wanted = Math.min(tableCount(shard, heads[head + Head.Table]!) * perKey, SIZE_MAX);
  if (words[Header.GhostCount]! >= wanted) return;
  let larger = SIZE_MIN;
  while (larger < wanted) larger *= 2;
  const block = allocate(shard, larger * PLACE_BYTES);
  if (block === 0) return;
  forgetGhosts(shard);
  shard.bytes.u8.fill(0, block, block + larger * PLACE_BYTES);
  words[Header.Ghosts] = block;
  words[Header.GhostCount] = larger;
}

/** Frees the block, if there is one. */
export function forgetGhosts(shard: Shard): void {
  const { words } = shard;
  if (words[Header.Ghosts] !== 0) free(shard, words[Header.Ghosts]!);
  dropGhosts(shard);
}

/** The shard's allocator has been reset, and the block gone with it. */
export function dropGhosts({ words }: Shard): void {
  words[Header.Ghosts] = 0;
  words[Header.GhostCount] = 0;
}

/** Bytes of the block. */
export function ghostBytes({ words }: Shard): number {
  return words[Header.Ghosts] === 0 ? 0 : blockBytes(words[Header.GhostCount]! * PLACE_BYTES);
}
