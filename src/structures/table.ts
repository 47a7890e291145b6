/**
 * Hash table: extendible hashing over segments in which the slots are sorted by hash. It serves the keyspace and the
 * dictionaries inside big collections alike: it maps a 31-bit hash to references and knows nothing of keys; the caller
 * compares. All entries of one hash lie side by side.
 *
 *  root, 24 bytes                                          directory, 8 bytes x 2^depth
 *   byte 0       4           8        12         16         +-----------+--------+-----------+--------+----
 *        +-------+-----------+--------+----------+-------+   | segment 0 | shape0 | segment 1 | shape1 | ...
 *        | depth | directory | count  | segments | deep  |   +-----------+--------+-----------+--------+----
 *        +-------+-----------+--------+----------+-------+   indexed by the top `depth` bits of the hash;
 *   deep = segments whose depth is the root's                a segment of depth d stands in 2^(depth-d) places
 *   shape = homes x 32 + depth of the segment: a find reads it here and not in the segment's own first line
 *
 *  segment, 16 bytes + 8 bytes x (homes + spill + 1)
 *   byte 0       4       8       12     16      20
 *        +-------+-------+-------+------+-------+------+-------+------+----
 *        | depth | homes | slots | count| hash0 | ref0 | hash1 | ref1 | ...   ref = 0 means empty
 *        +-------+-------+-------+------+-------+------+-------+------+----
 *   A hash's home is floor(fraction x homes), its fraction being the bits behind the segment's prefix, so homes are in
 *   hash order. `slots` = homes + spill; one more slot stays empty for ever and ends every probe.
 *
 *  Invariants: occupied slots ascend by hash; an entry stands at or behind its home, with no empty slot between (linear
 *  probing kept sorted: Amble and Knuth, "Ordered hash tables", 1974; with a monotone home as in Robin Hood hashing).
 *  Hence a miss ends at the first larger hash, and a position in hash order is a SCAN cursor that splits, growth and
 *  deletion never disturb.
 *  Lock: under the shard's lock. Slots move on insert, remove and reserve: a slot offset is valid until then.
 *  Grows: a segment by steps (HOMES) as it passes 7/8 load, then splits in two; never the whole table. Shrinks alike.
 *  Costs: about 10.5 bytes per entry at the mean load of 0.79; a find touches directory, slot line and the reference.
 *  Departs from Dash (buckets, fingerprints, stash): without SIMD a sorted run of full hashes is shorter to search, and
 *  its order makes the cursor exact.
 */
import { assert } from '../base/assert.ts';
import { allocate, blockBytes, free } from '../memory/allocator.ts';
import type { Shard } from '../memory/shard.ts';

/** Word offsets in the root. */
const enum Root {
  Depth = 0,
  Directory = 1,
  Count = 2,
  Segments = 3,
  Deep = 4,
  Bytes = 24,
}

/** Word offsets in a directory place. */
const enum Place {
  Segment = 0,
  Shape = 1,
  Words = 2,
}

const SHAPE_DEPTH_BITS = 5;
const SHAPE_DEPTH_MASK = 31;

/** Word offsets in a segment. */
const enum Segment {
  Depth = 0,
  Homes = 1,
  Slots = 2,
  Count = 3,
  FirstSlot = 4,
  HeaderBytes = 16,
}

/** Word offsets in a slot. */
const enum Slot {
  Hash = 0,
  Ref = 1,
  Words = 2,
}

const PLACE_BYTES = Place.Words * 4;
const HASH_BITS = 31;
/** Segment sizes. Up to HOMES_SPLIT a full segment grows to the next; then it splits. */
const HOMES = [16, 32, 48, 64, 96, 128, 192, 256, 320, 384, 448, 512];
const HOMES_SPLIT = 512;
/** Past this depth, or when the directory has this many places per segment, a segment grows instead of splitting. */
const DEPTH_MAX = 24;
const PLACES_PER_SEGMENT_MAX = 64;
/** A segment that had to grow on holds hashes that lie close together, perhaps all at its end: half of it is spill. */
const SPILL = 24;
const spillFor = (homes: number): number => (homes > HOMES_SPLIT ? homes : SPILL);
/** Above this `homeOf` would overflow. A segment that needs more (57,000 entries in 2^-10 of all hashes) is full. */
const HOMES_MAX = 65536;
/** A segment is rebuilt larger above 7/8 load, and smaller below 1/4. */
const loadMax = (homes: number): number => homes - (homes >> 3);
/** Load right after a rebuild is at most this share of the homes, so that rebuilds stay far apart. */
const REBUILD_LOAD = 0.75;
/** Of this many entries that are to come a segment is split at once: about what it would split at, less their spread. */
const PRESPLIT_ENTRIES = 384;

/** An empty table. Returns its offset, or 0 when the shard is full. */
export function createTable(shard: Shard): number {
  const root = allocate(shard, Root.Bytes);
  if (root === 0) return 0;
  const directory = allocate(shard, PLACE_BYTES);
  const segment = directory === 0 ? 0 : createSegment(shard, 0, HOMES[0]!);
  if (segment === 0) {
    if (directory !== 0) free(shard, directory);
    free(shard, root);
    return 0;
  }
  const words = shard.words;
  const word = root >> 2;
  writePlace(words, directory >> 2, segment);
  words[word + Root.Depth] = 0;
  words[word + Root.Directory] = directory;
  words[word + Root.Count] = 0;
  words[word + Root.Segments] = 1;
  words[word + Root.Deep] = 1;
  return root;
}

/**
 * An empty table that is already split for about `count` entries of all hashes: for filling it in the order of the
 * hashes, which would crowd every segment of a growing table at one end, and leave it far too large. 0: no room.
 */
export function createTableFor(shard: Shard, count: number): number {
  const table = createTable(shard);
  if (table === 0) return 0;
  for (let depth = 0; count >> depth >= PRESPLIT_ENTRIES && depth < DEPTH_MAX; depth++) {
    for (let hash = 0; hash >= 0; hash = segmentEndHash(hash, depth)) {
      if (split(shard, table, segmentOf(shard, table, hash), hash)) continue;
      freeTable(shard, table);
      return 0;
    }
  }
  return table;
}

/** Frees the table's own blocks; what the references point to is the caller's. */
export function freeTable(shard: Shard, table: number): void {
  const words = shard.words;
  const word = table >> 2;
  const directory = words[word + Root.Directory]! >> 2;
  const size = 1 << words[word + Root.Depth]!;
  for (let index = 0; index < size;) {
    const segment = words[directory + index * Place.Words]!;
    index += 1 << (words[word + Root.Depth]! - words[(segment >> 2) + Segment.Depth]!);
    free(shard, segment);
  }
  free(shard, directory << 2);
  free(shard, table);
}

/** Number of entries. */
export function tableCount(shard: Shard, table: number): number {
  return shard.words[(table >> 2) + Root.Count]!;
}

/** Offset of the directory and its depth, for callers that keep a copy of them: valid until an insert or removal. */
export function tableDirectory(shard: Shard, table: number): number {
  return shard.words[(table >> 2) + Root.Directory]!;
}

export function tableDepth(shard: Shard, table: number): number {
  return shard.words[(table >> 2) + Root.Depth]!;
}

/** The first slot that holds `hash`, as a word offset, or 0. Go on with `nextSlot`. */
export function findSlot(shard: Shard, table: number, hash: number): number {
  const words = shard.words;
  const root = table >> 2;
  return findInDirectory(words, words[root + Root.Directory]!, words[root + Root.Depth]!, hash);
}

/** `findSlot` for a caller that knows the table's directory and depth. */
export function findInDirectory(words: Int32Array, directory: number, depth: number, hash: number): number {
  const place = (directory >> 2) + (hash >>> (HASH_BITS - depth)) * Place.Words;
  const shape = words[place + Place.Shape]!;
  const home = homeOf(hash, shape & SHAPE_DEPTH_MASK, shape >>> SHAPE_DEPTH_BITS);
  let slot = (words[place]! >> 2) + Segment.FirstSlot + home * Slot.Words;
  while (words[slot + Slot.Ref] !== 0) {
    const other = words[slot]!;
    if (other >= hash) return other === hash ? slot : 0;
    slot += Slot.Words;
  }
  return 0;
}

/** Probes of `glanceRef`. */
const GLANCE_SLOTS = 8;
/** Words that must stand behind anything a glance leads to. */
const GLANCE_MARGIN_WORDS = 64;

/**
 * The home slot of `hash`, found without a lock only to have its memory fetched: whatever another thread is writing
 * meanwhile, the answer is a word offset in the shard, and otherwise means nothing.
 */
export function glanceSlot(words: Int32Array, directory: number, depth: number, hash: number): number {
  const limit = words.length - GLANCE_MARGIN_WORDS;
  const place = (directory >>> 2) + (hash >>> (HASH_BITS - depth)) * Place.Words;
  if (place >= limit) return 0;
  const shape = words[place + Place.Shape]!;
  const home = homeOf(hash, shape & SHAPE_DEPTH_MASK, shape >>> SHAPE_DEPTH_BITS);
  const slot = (words[place]! >>> 2) + Segment.FirstSlot + home * Slot.Words;
  return slot < limit ? slot : 0;
}

/** The reference of `hash` by probing from `slot` (of `glanceSlot`) without a lock: a hint, always inside the shard. */
export function glanceRef(words: Int32Array, slot: number, hash: number): number {
  const end = slot + GLANCE_SLOTS * Slot.Words;
  let probe = slot;
  while (probe < end && words[probe]! < hash) probe += Slot.Words;
  const ref = words[probe + Slot.Ref]!;
  return ref >>> 2 < words.length - GLANCE_MARGIN_WORDS ? ref : 0;
}

/** The slot after `slot` if it holds the same hash, else 0. */
export function nextSlot(shard: Shard, slot: number, hash: number): number {
  const next = slot + Slot.Words;
  return shard.words[next] === hash && shard.words[next + Slot.Ref] !== 0 ? next : 0;
}

/** The reference in a slot. */
export function slotRef(shard: Shard, slot: number): number {
  return shard.words[slot + Slot.Ref]!;
}

/** Points a slot at another block of the same hash. */
export function setSlotRef(shard: Shard, slot: number, ref: number): void {
  shard.words[slot + Slot.Ref] = ref;
}

/** Adds an entry (the caller knows it is not there). Returns its slot, or 0, no entry changed: the shard is full. */
export function insertEntry(shard: Shard, table: number, hash: number, ref: number): number {
  for (;;) {
    const segment = segmentOf(shard, table, hash);
    const slot = placeEntry(shard.words, segment >> 2, hash, ref);
    if (slot !== 0) {
      shard.words[(table >> 2) + Root.Count]!++;
      return slot;
    }
    if (!makeRoom(shard, table, segment, hash)) return 0;
  }
}

/** Removes the entry in `slot` (found under the same lock hold) and closes the gap. */
export function removeSlot(shard: Shard, table: number, slot: number): void {
  const words = shard.words;
  const hash = words[slot]!;
  const segmentAt = segmentOf(shard, table, hash);
  const segment = segmentAt >> 2;
  const depth = words[segment]!;
  const homes = words[segment + Segment.Homes]!;
  const first = segment + Segment.FirstSlot;
  let hole = slot;
  for (;;) {
    const next = hole + Slot.Words;
    const ref = words[next + Slot.Ref]!;
    if (ref === 0) break;
    const other = words[next]!;
    if (first + (homeOf(other, depth, homes) << 1) === next) break;
    words[hole] = other;
    words[hole + Slot.Ref] = ref;
    hole = next;
  }
  words[hole + Slot.Ref] = 0;
  const count = words[segment + Segment.Count]! - 1;
  words[segment + Segment.Count] = count;
  words[(table >> 2) + Root.Count]!--;
  if (count < homes >> 2) shrink(shard, table, segmentAt, hash);
}

/**
 * Appends (hash, reference) of the entries with hash >= `fromHash`, in hash order, to `out` until at least `countMin`
 * entries are there and the last hash is complete. Returns the hash to go on from, or -1 at the end of the table.
 */
export function collectEntries(
  shard: Shard,
  table: number,
  fromHash: number,
  countMin: number,
  out: number[],
): number {
  const words = shard.words;
  const lengthMin = out.length + countMin * 2;
  let hash = fromHash;
  while (hash >= 0) {
    const segment = segmentOf(shard, table, hash) >> 2;
    const end = segment + Segment.FirstSlot + words[segment + Segment.Slots]! * Slot.Words;
    let slot =
      segment + Segment.FirstSlot + (homeOf(hash, words[segment]!, words[segment + Segment.Homes]!) << 1);
    let last = -1;
    for (; slot < end; slot += Slot.Words) {
      const ref = words[slot + Slot.Ref]!;
      const other = words[slot]!;
      if (ref === 0 || other < hash) continue;
      if (out.length >= lengthMin && other !== last) return other;
      out.push(other, ref);
      last = other;
    }
    hash = segmentEndHash(hash, words[segment]!);
    if (out.length >= lengthMin) return hash;
  }
  return -1;
}

/**
 * A slot chosen by `random`, in [0, 2^32) and with a fraction, or 0: that place was empty, try again with another number.
 * Every entry is equally likely, however unequally segments are filled.
 */
export function randomSlot(shard: Shard, table: number, random: number): number {
  const slot = aimSlot(shard, table, random);
  return shard.words[slot + Slot.Ref] === 0 ? 0 : slot;
}

/**
 * `randomSlot` that leaves it to the caller to look whether the slot is empty. A number is drawn out of as many for each
 * place of the directory as hardly any segment has slots for each of its places.
 */
export function aimSlot(shard: Shard, table: number, random: number): number {
  const words = shard.words;
  const root = table >> 2;
  const depth = words[root + Root.Depth]!;
  const place = random * 2 ** (depth - 32);
  const index = Math.floor(place);
  const at = (words[root + Root.Directory]! >> 2) + index * Place.Words;
  const shape = words[at + Place.Shape]!;
  const homes = shape >>> SHAPE_DEPTH_BITS;
  const slots = homes + spillFor(homes);
  const numbers = slotsPerPlaceMax(words, root, depth, slots) << (depth - (shape & SHAPE_DEPTH_MASK));
  const number = Math.floor((place - index) * Math.max(numbers, slots));
  return number < slots ? (words[at]! >> 2) + Segment.FirstSlot + number * Slot.Words : 0;
}

/** What a segment at the directory's depth has at most: it is rebuilt smaller below a quarter of its homes. */
function slotsPerPlaceMax(words: Int32Array, root: number, depth: number, slots: number): number {
  if (words[root + Root.Segments] === 1) return slots;
  const mean = words[root + Root.Count]! / (1 << depth);
  const countMax = mean + 6 * Math.sqrt(mean) + 10;
  return Math.min(4 * Math.ceil(countMax), HOMES_SPLIT) + SPILL;
}

function directoryIndex(hash: number, depth: number): number {
  return hash >>> (HASH_BITS - depth);
}

function segmentOf(shard: Shard, table: number, hash: number): number {
  const words = shard.words;
  const root = table >> 2;
  const place = directoryIndex(hash, words[root + Root.Depth]!) * Place.Words;
  return words[(words[root + Root.Directory]! >> 2) + place]!;
}

/** Home slot of `hash` in a segment of `depth` and `homes`: its next 16 bits scaled to the homes. */
function homeOf(hash: number, depth: number, homes: number): number {
  return Math.imul((hash << (depth + 1)) >>> 16, homes) >>> 16;
}

/** First hash behind the segment that holds `hash`, or -1 behind the last. */
function segmentEndHash(hash: number, depth: number): number {
  const span = HASH_BITS - depth;
  const end = ((hash >>> span) + 1) * 2 ** span;
  return end >= 2 ** HASH_BITS ? -1 : end;
}

function createSegment(shard: Shard, depth: number, homes: number): number {
  const slots = homes + spillFor(homes);
  const segment = allocate(shard, segmentBytes(slots));
  if (segment === 0) return 0;
  const words = shard.words;
  const word = segment >> 2;
  words[word] = depth;
  words[word + Segment.Homes] = homes;
  words[word + Segment.Slots] = slots;
  words[word + Segment.Count] = 0;
  words.fill(0, word + Segment.FirstSlot, word + Segment.FirstSlot + (slots + 1) * Slot.Words);
  return segment;
}

function segmentBytes(slots: number): number {
  return Segment.HeaderBytes + (slots + 1) * (Slot.Words * 4);
}

/** Puts an entry into its place, moving larger ones up. Returns the slot, or 0 when the segment has no room. */
function placeEntry(words: Int32Array, segment: number, hash: number, ref: number): number {
  const homes = words[segment + Segment.Homes]!;
  const count = words[segment + Segment.Count]!;
  if (count >= loadMax(homes)) return 0;
  const end = segment + Segment.FirstSlot + words[segment + Segment.Slots]! * Slot.Words;
  let slot = segment + Segment.FirstSlot + (homeOf(hash, words[segment]!, homes) << 1);
  while (words[slot + Slot.Ref] !== 0 && words[slot]! <= hash) slot += Slot.Words;
  let hole = slot;
  while (words[hole + Slot.Ref] !== 0) hole += Slot.Words;
  if (hole >= end) return 0;
  for (; hole > slot; hole -= Slot.Words) {
    words[hole] = words[hole - 2]!;
    words[hole + Slot.Ref] = words[hole - 1]!;
  }
  words[slot] = hash;
  words[slot + Slot.Ref] = ref;
  words[segment + Segment.Count] = count + 1;
  return slot;
}

/** Copies every entry of `from` whose next hash bit is `bit` (or all, -1) into the emptier segment `to`. */
function copyEntries(words: Int32Array, from: number, to: number, bit: number, bitShift: number): boolean {
  const end = from + Segment.FirstSlot + words[from + Segment.Slots]! * Slot.Words;
  const first = to + Segment.FirstSlot;
  const toEnd = first + words[to + Segment.Slots]! * Slot.Words;
  const depth = words[to]!;
  const homes = words[to + Segment.Homes]!;
  let next = first;
  let count = words[to + Segment.Count]!;
  if (count > 0) {
    next = toEnd;
    while (words[next - 1] === 0) next -= Slot.Words;
  }
  for (let slot = from + Segment.FirstSlot; slot < end; slot += Slot.Words) {
    const ref = words[slot + Slot.Ref]!;
    if (ref === 0) continue;
    const hash = words[slot]!;
    if (bit >= 0 && ((hash >>> bitShift) & 1) !== bit) continue;
    const home = first + (homeOf(hash, depth, homes) << 1);
    if (home > next) next = home;
    if (next >= toEnd) return false;
    words[next] = hash;
    words[next + Slot.Ref] = ref;
    next += Slot.Words;
    count++;
  }
  words[to + Segment.Count] = count;
  return true;
}

/** Makes room in the full `segment`: by its next size, or by a split. False, no entry changed: the shard is full. */
function makeRoom(shard: Shard, table: number, segment: number, hash: number): boolean {
  const words = shard.words;
  const homes = words[(segment >> 2) + Segment.Homes]!;
  const depth = words[segment >> 2]!;
  if (homes < HOMES_SPLIT) return resize(shard, table, segment, hash, largerHomes(homes));
  if (maySplit(words, table >> 2, depth)) return split(shard, table, segment, hash);
  return resize(shard, table, segment, hash, homes * 2);
}

function maySplit(words: Int32Array, root: number, depth: number): boolean {
  const directoryDepth = words[root + Root.Depth]!;
  if (depth < directoryDepth) return true;
  return depth < DEPTH_MAX && 1 << directoryDepth <= words[root + Root.Segments]! * PLACES_PER_SEGMENT_MAX;
}

function largerHomes(homes: number): number {
  for (const candidate of HOMES) if (candidate > homes) return candidate;
  return homes * 2;
}

/** The smallest size that holds `count` entries with room to grow. */
function homesFor(count: number): number {
  for (const candidate of HOMES) if (count <= candidate * REBUILD_LOAD) return candidate;
  let homes = HOMES_SPLIT;
  while (homes < HOMES_MAX && count >= loadMax(homes)) homes *= 2;
  return homes;
}

/** Rebuilds a segment with at least `homes` homes (more if its entries cluster). False, nothing changed: no room. */
function resize(shard: Shard, table: number, segment: number, hash: number, homes: number): boolean {
  const words = shard.words;
  const depth = words[segment >> 2]!;
  for (let size = homes; size <= HOMES_MAX; size = largerHomes(size)) {
    const fresh = createSegment(shard, depth, size);
    if (fresh === 0) return false;
    if (copyEntries(words, segment >> 2, fresh >> 2, -1, 0)) {
      pointDirectory(words, table, hash, depth, fresh);
      free(shard, segment);
      return true;
    }
    free(shard, fresh);
  }
  return false;
}

function split(shard: Shard, table: number, segment: number, hash: number): boolean {
  const words = shard.words;
  const root = table >> 2;
  const depth = words[segment >> 2]!;
  if (depth === words[root + Root.Depth] && !doubleDirectory(shard, table)) return false;
  const bitShift = HASH_BITS - depth - 1;
  const low = splitHalf(shard, segment, depth + 1, 0, bitShift);
  const high = low === 0 ? 0 : splitHalf(shard, segment, depth + 1, 1, bitShift);
  if (high === 0) {
    if (low !== 0) free(shard, low);
    return false;
  }
  const bit = 2 ** bitShift;
  pointDirectory(words, table, hash & ~bit, depth + 1, low);
  pointDirectory(words, table, hash | bit, depth + 1, high);
  words[root + Root.Segments]!++;
  if (depth + 1 === words[root + Root.Depth]) words[root + Root.Deep]! += 2;
  free(shard, segment);
  return true;
}

function splitHalf(shard: Shard, segment: number, depth: number, bit: number, bitShift: number): number {
  const words = shard.words;
  const count = countHalf(words, segment >> 2, bit, bitShift);
  for (let size = homesFor(count); ; size = largerHomes(size)) {
    const half = createSegment(shard, depth, size);
    if (half === 0 || copyEntries(words, segment >> 2, half >> 2, bit, bitShift)) return half;
    free(shard, half);
  }
}

function countHalf(words: Int32Array, segment: number, bit: number, bitShift: number): number {
  const end = segment + Segment.FirstSlot + words[segment + Segment.Slots]! * Slot.Words;
  let count = 0;
  for (let slot = segment + Segment.FirstSlot; slot < end; slot += Slot.Words) {
    if (words[slot + Slot.Ref] !== 0 && ((words[slot]! >>> bitShift) & 1) === bit) count++;
  }
  return count;
}

function doubleDirectory(shard: Shard, table: number): boolean {
  const words = shard.words;
  const root = table >> 2;
  const size = 1 << words[root + Root.Depth]!;
  const fresh = allocate(shard, size * 2 * PLACE_BYTES);
  if (fresh === 0) return false;
  const old = words[root + Root.Directory]!;
  for (let index = 0; index < size; index++) {
    const segment = words[(old >> 2) + index * Place.Words]!;
    writePlace(words, (fresh >> 2) + index * 2 * Place.Words, segment);
    writePlace(words, (fresh >> 2) + (index * 2 + 1) * Place.Words, segment);
  }
  words[root + Root.Directory] = fresh;
  words[root + Root.Depth]!++;
  words[root + Root.Deep] = 0;
  free(shard, old);
  return true;
}

/** Lets every directory place of the prefix that `hash` has at `depth` point at `segment`. */
function pointDirectory(
  words: Int32Array,
  table: number,
  hash: number,
  depth: number,
  segment: number,
): void {
  const root = table >> 2;
  const span = 1 << (words[root + Root.Depth]! - depth);
  const start = (words[root + Root.Directory]! >> 2) + directoryIndex(hash, depth) * span * Place.Words;
  for (let index = 0; index < span; index++) writePlace(words, start + index * Place.Words, segment);
}

function writePlace(words: Int32Array, place: number, segment: number): void {
  words[place + Place.Segment] = segment;
  words[place + Place.Shape] =
    (words[(segment >> 2) + Segment.Homes]! << SHAPE_DEPTH_BITS) | words[segment >> 2]!;
}

/** A segment fell below 1/4 load: gives it a smaller block, or joins it with its sibling. Failing is harmless. */
function shrink(shard: Shard, table: number, segment: number, hash: number): void {
  const words = shard.words;
  const word = segment >> 2;
  const depth = words[word]!;
  const homes = words[word + Segment.Homes]!;
  const smaller = homesFor(words[word + Segment.Count]!);
  if (depth > 0 && smaller <= HOMES_SPLIT >> 3) {
    const sibling = segmentOf(shard, table, hash ^ (2 ** (HASH_BITS - depth)));
    const total = words[word + Segment.Count]! + words[(sibling >> 2) + Segment.Count]!;
    if (words[sibling >> 2] === depth && total <= HOMES_SPLIT / 4) {
      merge(shard, table, segment, sibling, hash);
      return;
    }
  }
  if (smaller < homes) resize(shard, table, segment, hash, smaller);
}

function merge(shard: Shard, table: number, segment: number, sibling: number, hash: number): void {
  const words = shard.words;
  const root = table >> 2;
  const depth = words[segment >> 2]!;
  const bit = 2 ** (HASH_BITS - depth);
  const low = (hash & bit) === 0 ? segment : sibling;
  const high = low === segment ? sibling : segment;
  const total = words[(low >> 2) + Segment.Count]! + words[(high >> 2) + Segment.Count]!;
  const joined = createSegment(shard, depth - 1, homesFor(total));
  if (joined === 0) return;
  const fits =
    copyEntries(words, low >> 2, joined >> 2, -1, 0) && copyEntries(words, high >> 2, joined >> 2, -1, 0);
  if (!fits) return free(shard, joined);
  pointDirectory(words, table, hash, depth - 1, joined);
  free(shard, low);
  free(shard, high);
  words[root + Root.Segments]!--;
  if (depth === words[root + Root.Depth]) words[root + Root.Deep]! -= 2;
  while (words[root + Root.Deep] === 0 && words[root + Root.Depth]! > 0 && halveDirectory(shard, table))
    continue;
}

/** No segment needs the last directory bit any more: drops it. */
function halveDirectory(shard: Shard, table: number): boolean {
  const words = shard.words;
  const root = table >> 2;
  const depth = words[root + Root.Depth]! - 1;
  const fresh = allocate(shard, PLACE_BYTES << depth);
  if (fresh === 0) return false;
  const old = words[root + Root.Directory]!;
  let deep = 0;
  for (let index = 0; index < 1 << depth; index++) {
    const segment = words[(old >> 2) + index * 2 * Place.Words]!;
    writePlace(words, (fresh >> 2) + index * Place.Words, segment);
    if (words[segment >> 2] === depth) deep++;
  }
  words[root + Root.Directory] = fresh;
  words[root + Root.Depth] = depth;
  words[root + Root.Deep] = deep;
  free(shard, old);
  return true;
}

/** Bytes of the table's own blocks. */
export function tableBytesUsed(shard: Shard, table: number): number {
  const words = shard.words;
  const root = table >> 2;
  let bytes = blockBytes(Root.Bytes) + blockBytes(PLACE_BYTES << words[root + Root.Depth]!);
  for (let hash = 0; hash >= 0;) {
    const segment = segmentOf(shard, table, hash) >> 2;
    bytes += blockBytes(segmentBytes(words[segment + Segment.Slots]!));
    hash = segmentEndHash(hash, words[segment]!);
  }
  return bytes;
}

/** Walks the table and asserts every invariant; returns the number of entries. */
export function verifyTable(shard: Shard, table: number): number {
  const words = shard.words;
  const root = table >> 2;
  const depth = words[root + Root.Depth]!;
  let count = 0;
  let segments = 0;
  let deep = 0;
  for (let hash = 0; hash >= 0; segments++) {
    const segment = segmentOf(shard, table, hash);
    const segmentDepth = words[segment >> 2]!;
    assert(segmentDepth <= depth, 'table: segment deeper than the directory');
    if (segmentDepth === depth) deep++;
    verifyDirectory(words, table, hash, segment);
    count += verifySegment(words, segment >> 2, hash);
    hash = segmentEndHash(hash, segmentDepth);
  }
  assert(count === words[root + Root.Count], 'table: count');
  assert(segments === words[root + Root.Segments], 'table: segment count');
  assert(deep === words[root + Root.Deep], 'table: deep count');
  return count;
}

function verifyDirectory(words: Int32Array, table: number, hash: number, segment: number): void {
  const root = table >> 2;
  const depth = words[segment >> 2]!;
  const span = 1 << (words[root + Root.Depth]! - depth);
  const start = (words[root + Root.Directory]! >> 2) + directoryIndex(hash, depth) * span * Place.Words;
  const shape = (words[(segment >> 2) + Segment.Homes]! << SHAPE_DEPTH_BITS) | depth;
  for (let index = 0; index < span; index++) {
    assert(words[start + index * Place.Words] === segment, 'table: directory');
    assert(words[start + index * Place.Words + Place.Shape] === shape, 'table: shape in the directory');
  }
}

function verifySegment(words: Int32Array, segment: number, firstHash: number): number {
  const depth = words[segment]!;
  const homes = words[segment + Segment.Homes]!;
  const slots = words[segment + Segment.Slots]!;
  const first = segment + Segment.FirstSlot;
  let count = 0;
  let lastHash = -1;
  let lastEmpty = -1;
  assert(homes > 0 && homes <= HOMES_MAX && slots === homes + spillFor(homes), 'table: segment size');
  for (let index = 0; index < slots; index++) {
    const hash = words[first + index * Slot.Words]!;
    if (words[first + index * Slot.Words + Slot.Ref] === 0) {
      lastEmpty = index;
      continue;
    }
    const home = homeOf(hash, depth, homes);
    assert(hash >= lastHash, 'table: slots out of order');
    assert(
      directoryIndex(hash, depth) === directoryIndex(firstHash, depth),
      'table: entry in the wrong segment',
    );
    assert(home <= index && home > lastEmpty, 'table: entry away from its home');
    lastHash = hash;
    count++;
  }
  assert(words[first + slots * Slot.Words + Slot.Ref] === 0, 'table: end slot used');
  assert(count === words[segment + Segment.Count], 'table: segment count');
  return count;
}

/** One line for DEBUG and test failures. */
export function describeTable(shard: Shard, table: number): string {
  const words = shard.words;
  const root = table >> 2;
  const segments = words[root + Root.Segments]!;
  const entries = words[root + Root.Count]!;
  return `table at ${table}: ${entries} entries, ${segments} segments, directory depth ${words[root + Root.Depth]}, ${tableBytesUsed(shard, table)} bytes`;
}
