/** Walking over sorted sets: by rank in either direction, or in the order of the hashes, as a SCAN does. */
import { HASH_LIMIT } from '../../base/hash.ts';
import type { Shard } from '../../memory/shard.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import {
  behindPackedScore,
  firstPacked,
  nextPacked,
  packedAtRank,
  packedCount,
  packedScoreAt,
  readPackedScore,
} from '../../structures/sorted-set/packed-scores.ts';
import { blockScore, pointAtBlock, tableOf, treeOf } from '../../structures/sorted-set/scored-members.ts';
import {
  placeRef,
  placeScore,
  seekRank,
  stepBack,
  stepForward,
  TreePlace,
} from '../../structures/sorted-set/score-tree.ts';
import { collectEntries } from '../../structures/table.ts';
import { rootOf, valueAt } from '../record.ts';
import { isPacked } from './sorted-set.ts';

const enum Mode {
  PackedUp,
  PackedDown,
  TreeUp,
  TreeDown,
  Scan,
}

/** Entries of a table looked at in one go. */
const SCAN_ENTRIES = 256;

/** One walk at a time; the sorted set must not change meanwhile. `next` leaves the member in `text` and `score`. */
export class SortedSetWalk {
  readonly text = new EntryText();
  score = 0;
  /** After `beginScan` and the last `next`: the cursor to go on with, 0 at the end. */
  cursor = 0;
  private shard!: Shard;
  private mode = Mode.PackedUp;
  /** Members still to come. */
  private rest = 0;
  /** The next packed member. */
  private entry = 0;
  /** Packed members from the first one to be visited on, to be visited from the last. */
  private offsets = new Int32Array(128);
  private readonly place = new TreePlace();
  private table = 0;
  private tree = 0;
  private readonly entries: number[] = [];
  private entryIndex = 0;

  /** Begins at the member with rank `first`, which there must be, to visit `count` members upwards or downwards. */
  begin(shard: Shard, record: number, first: number, count: number, isDown: boolean): void {
    this.shard = shard;
    this.rest = count;
    if (count === 0) return;
    if (isPacked(shard, record)) {
      this.mode = isDown ? Mode.PackedDown : Mode.PackedUp;
      this.beginPacked(valueAt(shard, record), first, count, isDown);
    } else this.beginTree(shard, rootOf(shard, record), first, count, isDown);
  }

  /** `begin` for scored members that belong to no record. */
  beginTree(shard: Shard, root: number, first: number, count: number, isDown: boolean): void {
    this.shard = shard;
    this.rest = count;
    this.mode = isDown ? Mode.TreeDown : Mode.TreeUp;
    if (count > 0) seekRank(this.shard, treeOf(root), first, this.place);
  }

  private beginPacked(value: number, first: number, count: number, isDown: boolean): void {
    this.entry = packedAtRank(this.shard.bytes, value, isDown ? first - count + 1 : first);
    if (isDown) this.noteOffsets(count);
  }

  /** Notes where `count` packed members lie, from `entry` on. */
  private noteOffsets(count: number): void {
    const { bytes } = this.shard;
    if (this.offsets.length < count) this.offsets = new Int32Array(count * 2);
    for (let i = 0, entry = this.entry; i < count; i++) {
      this.offsets[i] = entry;
      entry = nextPacked(bytes, entry);
    }
  }

  /** Begins visits to members in whatever order: see `goTo`. */
  beginJumps(shard: Shard, record: number): void {
    this.shard = shard;
    this.rest = 0;
    if (isPacked(shard, record)) {
      const value = valueAt(shard, record);
      this.mode = Mode.PackedUp;
      this.entry = firstPacked(value);
      this.noteOffsets(packedCount(shard.bytes, value));
    } else {
      this.mode = Mode.TreeUp;
      this.tree = treeOf(rootOf(shard, record));
    }
  }

  /** After `beginJumps`: leaves the member with this rank in `text` and `score`. */
  goTo(rank: number): void {
    this.rest = 1;
    if (this.mode === Mode.PackedUp) this.entry = this.offsets[rank]!;
    else seekRank(this.shard, this.tree, rank, this.place);
    this.next();
  }

  /** Begins to visit about `count` members from the place `cursor` on: all of them where the set is packed. */
  beginScan(shard: Shard, record: number, cursor: number, count: number): void {
    this.shard = shard;
    this.cursor = 0;
    if (isPacked(shard, record)) {
      const value = valueAt(shard, record);
      this.mode = Mode.PackedUp;
      this.entry = firstPacked(value);
      this.rest = packedCount(shard.bytes, value);
      return;
    }
    this.mode = Mode.Scan;
    this.table = tableOf(shard, rootOf(shard, record));
    this.rest = count;
    this.entries.length = 0;
    this.entryIndex = 0;
    this.cursor = cursor < HASH_LIMIT ? cursor : -1;
    this.refill();
  }

  /** Takes the next entries of the table. False: there are none, or enough have been visited. */
  private refill(): boolean {
    this.entries.length = 0;
    this.entryIndex = 0;
    if (this.rest <= 0 || this.cursor < 0) return false;
    const wanted = Math.min(this.rest, SCAN_ENTRIES);
    this.cursor = collectEntries(this.shard, this.table, this.cursor, wanted, this.entries);
    this.rest -= this.entries.length >> 1;
    return this.entries.length > 0;
  }

  /** Goes on to the next member. False: there is none. Hot. */
  next(): boolean {
    const { shard } = this;
    if (this.mode === Mode.Scan) return this.nextScanned();
    if (this.rest === 0) return false;
    this.rest--;
    if (this.mode >= Mode.TreeUp) {
      const { place } = this;
      this.score = placeScore(shard, place);
      pointAtBlock(shard, placeRef(shard, place), this.text);
      if (this.mode === Mode.TreeUp) stepForward(shard, place);
      else stepBack(shard, place);
      return true;
    }
    const { bytes } = shard;
    const entry = this.mode === Mode.PackedUp ? this.entry : this.offsets[this.rest]!;
    const scoreAt = packedScoreAt(bytes, entry);
    this.text.point(bytes, entry);
    this.score = readPackedScore(bytes, scoreAt);
    this.entry = behindPackedScore(bytes, scoreAt);
    return true;
  }

  private nextScanned(): boolean {
    if (this.entryIndex === this.entries.length && !this.refill()) {
      if (this.cursor < 0) this.cursor = 0;
      return false;
    }
    const block = this.entries[this.entryIndex + 1]!;
    this.entryIndex += 2;
    pointAtBlock(this.shard, block, this.text);
    this.score = blockScore(this.shard, block);
    return true;
  }
}
