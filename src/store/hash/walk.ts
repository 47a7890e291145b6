/** Walking the fields of a hash in the order in which they lie, and drawing some at random. Nothing is changed. */
import type { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  pointAtBlockField,
  pointAtBlockValue,
  tableExpiringCount,
  tableMinimum,
  tableOfFields,
  timeOfBlock,
} from '../../structures/hash/field-table.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import {
  firstField,
  nextField,
  packedMinimum,
  timeOfField,
  valueOfField,
} from '../../structures/hash/packed-fields.ts';
import { aimBlocks } from '../../structures/member-table.ts';
import { collectEntries, randomSlot, slotRef } from '../../structures/table.ts';
import { hashLength } from './hash.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, recordEncoding, rootOf, valueAt, valueBytes } from '../record.ts';

/** Fields of a table looked at in one go. */
const BATCH_FIELDS = 256;
/** Draws that may fall on empty places and expired fields before the live ones are gathered. */
const TRIES = 64;
/** Fields of a table drawn ahead of their use. */
const DRAWN_AHEAD = 64;
/** Where less than one field in so many is alive, draws are made from a list of those. */
const SPARSE = 4;

/** Whether fields of the hash found under `key` may have expired and still be there. */
function mayHoldExpired(keyspace: Keyspace, key: Key): boolean {
  const { shard, record } = key;
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.HashTable) return tableMinimum(shard, rootOf(shard, record)) < keyspace.nowMs;
  if (encoding === Encoding.Packed) return false;
  return packedMinimum(shard.bytes, valueAt(shard, record)) < keyspace.nowMs;
}

/** Number of fields of the hash found under `key` that have not expired. */
export function liveFieldCount(keyspace: Keyspace, key: Key): number {
  if (!mayHoldExpired(keyspace, key)) return hashLength(key.shard, key.record);
  let count = 0;
  scratchWalk.begin(keyspace, key);
  while (scratchWalk.next()) count++;
  return count;
}

/** A walk over the live fields of one hash, which must not change meanwhile. Kept and begun again. */
export class HashWalk {
  private bytes: Bytes | null = null;
  private shard: Shard | null = null;
  private nowMs = 0;
  private timed = false;
  /** Packed: the next field, and the end of the block. */
  private at = 0;
  private end = 0;
  /** Table: hashes and blocks, the place of the next one, and where the batch after them begins (-1: nowhere). */
  private table = 0;
  private readonly entries: number[] = [];
  private index = 0;
  private nextHash = -1;
  private once = false;
  /** Table: blocks drawn at random, 0 where none was met, and the next of them. */
  private readonly drawn = new Int32Array(DRAWN_AHEAD);
  private drawnIndex = DRAWN_AHEAD;
  /** The field that `next` came to: its position in the packed block, or its block. */
  place = 0;

  begin(keyspace: Keyspace, key: Key): void {
    const { shard, record } = key;
    this.shard = shard;
    this.bytes = shard.bytes;
    this.nowMs = keyspace.nowMs;
    this.once = false;
    this.entries.length = 0;
    this.index = 0;
    this.drawnIndex = DRAWN_AHEAD;
    const encoding = recordEncoding(shard, record);
    if (encoding === Encoding.HashTable) {
      const root = rootOf(shard, record);
      this.table = tableOfFields(shard, root);
      this.timed = tableExpiringCount(shard, root) !== 0;
      this.nextHash = 0;
      return;
    }
    this.table = 0;
    this.timed = encoding === Encoding.PackedExpiry;
    const at = valueAt(shard, record);
    this.at = firstField(at, this.timed);
    this.end = at + valueBytes(shard, record);
  }

  /**
   * Begins a walk over about `count` fields of a table from the hash `fromHash` on, or over all of a packed hash.
   * Returns where the next one is to begin, 0 at the end.
   */
  beginSlice(keyspace: Keyspace, key: Key, fromHash: number, count: number): number {
    this.begin(keyspace, key);
    if (this.table === 0) return 0;
    this.once = true;
    return Math.max(collectEntries(this.shard!, this.table, fromHash, count, this.entries), 0);
  }

  /** Goes on to the next live field. False: there is none. */
  next(): boolean {
    return this.table === 0 ? this.nextPacked() : this.nextBlock();
  }

  private nextPacked(): boolean {
    const bytes = this.bytes!;
    while (this.at < this.end) {
      const at = this.at;
      this.at = nextField(bytes, at, this.timed);
      this.place = at;
      if (!this.timed || this.isLive(timeOfField(bytes, at))) return true;
    }
    return false;
  }

  private nextBlock(): boolean {
    const shard = this.shard!;
    for (;;) {
      while (this.index < this.entries.length) {
        const block = this.entries[this.index + 1]!;
        this.index += 2;
        this.place = block;
        if (!this.timed || this.isLive(timeOfBlock(shard, block))) return true;
      }
      if (this.once || this.nextHash < 0) return false;
      this.entries.length = 0;
      this.index = 0;
      this.nextHash = collectEntries(shard, this.table, this.nextHash, BATCH_FIELDS, this.entries);
    }
  }

  private isLive(timeMs: number): boolean {
    return timeMs === 0 || timeMs >= this.nowMs;
  }

  /** Draws a live field at random. False: none was found in some tries. Only after `begin` for a table. */
  tryDraw(): boolean {
    const shard = this.shard!;
    for (let tries = 0; tries < TRIES; tries++) {
      const slot = randomSlot(shard, this.table, Math.random() * 2 ** 32);
      if (slot === 0) continue;
      const block = slotRef(shard, slot);
      if (this.timed && !this.isLive(timeOfBlock(shard, block))) continue;
      this.place = block;
      return true;
    }
    return false;
  }

  /** Draws a live field at random from a table most of whose fields are alive, drawing many ahead. */
  drawNext(): number {
    const shard = this.shard!;
    for (;;) {
      if (this.drawnIndex === DRAWN_AHEAD) {
        aimBlocks(shard, this.table, this.drawn);
        this.drawnIndex = 0;
      }
      const block = this.drawn[this.drawnIndex++]!;
      if (block !== 0 && (!this.timed || this.isLive(timeOfBlock(shard, block)))) return block;
    }
  }

  /** Points `into` at the field at `place`. */
  pointAtField(place: number, into: EntryText): void {
    if (this.table === 0) into.point(this.bytes!, place);
    else pointAtBlockField(this.shard!, place, into);
  }

  /** Points `into` at the value of the field at `place`. */
  pointAtValue(place: number, into: EntryText): void {
    if (this.table === 0) into.point(this.bytes!, valueOfField(this.bytes!, place));
    else pointAtBlockValue(this.shard!, place, into);
  }

  get isTable(): boolean {
    return this.table !== 0;
  }
}

const scratchWalk = new HashWalk();

/** Draws from the live fields of one hash, which must not change meanwhile. Kept and begun again. */
export class HashSample {
  readonly walk = new HashWalk();
  /** Number of fields to draw from. */
  liveCount = 0;
  /** Every live field's place, where those are few; empty where draws are made from the table itself. */
  private readonly places: number[] = [];

  begin(keyspace: Keyspace, key: Key): void {
    const { walk, places } = this;
    places.length = 0;
    walk.begin(keyspace, key);
    const total = hashLength(key.shard, key.record);
    if (walk.isTable && !mayHoldExpired(keyspace, key)) {
      this.liveCount = total;
      return;
    }
    const listMax = walk.isTable ? total / SPARSE : total;
    let count = 0;
    for (; walk.next(); count++) if (count < listMax) places.push(walk.place);
    this.liveCount = count;
    if (count > listMax) places.length = 0;
    walk.begin(keyspace, key);
  }

  /** The place of a live field chosen at random, each about as likely as any other. There must be one. */
  draw(): number {
    const { places, walk } = this;
    if (places.length > 0) return places[Math.floor(Math.random() * places.length)]!;
    return walk.drawNext();
  }
}
