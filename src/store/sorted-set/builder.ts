/**
 * Building a sorted set apart from any key, of members in whatever order, to enter it as a whole: nobody sees it before it is
 * complete. Small ones are gathered outside the shard and take a record when they are finished; large ones are scored
 * members that are ordered at the end.
 */
import { type Bytes, compareBytes, copyBytes } from '../../base/bytes.ts';
import { WriteBuffer } from '../../base/write-buffer.ts';
import type { Shard } from '../../memory/shard.ts';
import { Element, encodeElement, EntryText } from '../../structures/packed-entry.ts';
import {
  behindPackedScore,
  findPacked,
  firstPacked,
  PackedScore,
  packedCount,
  packedMemberBytes,
  packedScoreAt,
  PACKED_SCORES_EMPTY_BYTES,
  readPackedScore,
  setPackedCount,
  writePackedMember,
} from '../../structures/sorted-set/packed-scores.ts';
import {
  addUnordered,
  createScoredMembers,
  findScored,
  freeUnordered,
  orderMembers,
} from '../../structures/sorted-set/scored-members.ts';
import { Building, type Text } from '../building.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, valueAt, ValueType } from '../record.ts';
import { Status } from '../status.ts';
import { enterRooted, fitsPacked } from './sorted-set.ts';

export class SortedSetBuilder {
  private keyspace!: Keyspace;
  private shard!: Shard;
  /** The members while they are few: a packed block, perhaps out of order. */
  private readonly staging = new WriteBuffer();
  /** Scored members of a large set, or 0. */
  private root = 0;
  private scoredCount = 0;
  private readonly element = new Element();
  private readonly score = new PackedScore();
  private readonly text = new EntryText();
  private readonly other = new EntryText();

  begin(keyspace: Keyspace, shard: Shard): void {
    this.keyspace = keyspace;
    this.shard = shard;
    this.root = 0;
    this.staging.length = PACKED_SCORES_EMPTY_BYTES;
    setPackedCount(this.staging.bytes, 0, 0);
  }

  /** Members so far. */
  get count(): number {
    return this.root === 0 ? packedCount(this.staging.bytes, 0) : this.scoredCount;
  }

  /** Adds a member with a score that is a number. The text does not lie in the shard. */
  add(member: Text, score: number): Building {
    if (this.root !== 0) return this.addScored(member, score);
    if (!fitsPacked(this.keyspace, packedCount(this.staging.bytes, 0) + 1, member.byteCount)) {
      if (!this.becomeScored()) return Building.OutOfMemory;
      return this.addScored(member, score);
    }
    encodeElement(this.element, member.bytes, member.at, member.byteCount);
    if (findPacked(this.staging.bytes, 0, this.staging.length, this.element) !== 0) return Building.Duplicate;
    this.score.encode(score);
    const added = packedMemberBytes(this.element, this.score);
    this.staging.reserve(added);
    writePackedMember(this.element, this.score, this.staging.bytes, this.staging.length);
    this.staging.length += added;
    setPackedCount(this.staging.bytes, 0, packedCount(this.staging.bytes, 0) + 1);
    return Building.Added;
  }

  private becomeScored(): boolean {
    this.scoredCount = 0;
    this.root = createScoredMembers(this.shard);
    if (this.root === 0) return false;
    const { text } = this;
    const { bytes: staging, length } = this.staging;
    for (let entry = firstPacked(0); entry < length;) {
      const scoreAt = packedScoreAt(staging, entry);
      text.point(staging, entry);
      if (this.addScored(text, readPackedScore(staging, scoreAt)) !== Building.Added) return false;
      entry = behindPackedScore(staging, scoreAt);
    }
    return true;
  }

  private addScored({ bytes, at, byteCount }: Text, score: number): Building {
    const { shard, root } = this;
    const hash = this.keyspace.memberHash(bytes, at, byteCount);
    if (findScored(shard, root, hash, bytes, at, byteCount) !== 0) return Building.Duplicate;
    if (addUnordered(shard, root, hash, score, bytes, at, byteCount) === 0) return Building.OutOfMemory;
    this.scoredCount++;
    return Building.Added;
  }

  /**
   * Lets the set, which must have members, take the place of whatever `key` was; without an expiry. OutOfMemory: nothing
   * was changed, and the set must be abandoned.
   */
  finish(key: Key, flags: number): Status {
    const { keyspace, shard } = this;
    if (this.root !== 0) {
      if (!orderMembers(shard, this.root)) return Status.OutOfMemory;
      if (!enterRooted(keyspace, key, this.root, flags)) return Status.OutOfMemory;
      this.root = 0;
      this.staging.clear();
      return Status.Ok;
    }
    const record = keyspace.prepareRecord(
      key,
      flags,
      ValueType.SortedSet,
      Encoding.Packed,
      this.staging.length,
    );
    if (record === 0) return Status.OutOfMemory;
    this.copyInOrder(shard.bytes, valueAt(shard, record));
    if (keyspace.enterRecord(key, record) !== Status.Ok) return Status.OutOfMemory;
    this.staging.clear();
    return Status.Ok;
  }

  /** Copies the packed members to `at`, each to its place. */
  private copyInOrder(into: Bytes, at: number): void {
    const { bytes: staging, length } = this.staging;
    const places: number[] = [];
    let isAscending = true;
    for (let entry = firstPacked(0); entry < length;) {
      if (places.length > 0 && this.compare(places.at(-1)!, entry) > 0) isAscending = false;
      places.push(entry);
      entry = behindPackedScore(staging, packedScoreAt(staging, entry));
    }
    if (isAscending) return copyBytes(staging, 0, into, at, length);
    places.sort((a, b) => this.compare(a, b));
    setPackedCount(into, at, places.length);
    let to = firstPacked(at);
    for (const entry of places) {
      const byteCount = behindPackedScore(staging, packedScoreAt(staging, entry)) - entry;
      copyBytes(staging, entry, into, to, byteCount);
      to += byteCount;
    }
  }

  /** How two packed members stand to each other: by score, then by text. */
  private compare(a: number, b: number): number {
    const { text, other } = this;
    const staging = this.staging.bytes;
    const aScore = readPackedScore(staging, packedScoreAt(staging, a));
    const bScore = readPackedScore(staging, packedScoreAt(staging, b));
    if (aScore !== bScore) return aScore < bScore ? -1 : 1;
    text.point(staging, a);
    other.point(staging, b);
    return compareBytes(text.bytes, text.at, text.byteCount, other.bytes, other.at, other.byteCount);
  }

  /** Frees what a set that is not to be entered has taken. */
  abandon(): void {
    if (this.root !== 0) freeUnordered(this.shard, this.root);
    this.root = 0;
    this.staging.clear();
  }
}
