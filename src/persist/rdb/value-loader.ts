/**
 * Values out of the RDB format, in every form that Redis ever wrote, into a keyspace. A value is built apart and takes the
 * key's place when all of it has been read and found sound; bytes that are none throw RdbError, and nothing was changed
 * then.  The lock of the key's shard is held.
 */
import { parseFloatStrict } from '../../base/double.ts';
import { copyBytes } from '../../base/bytes.ts';
import { free } from '../../memory/allocator.ts';
import { Building } from '../../store/building.ts';
import { HashBuilder } from '../../store/hash/builder.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { ListBuilder } from '../../store/list/builder.ts';
import { Encoding, RecordFlag, valueAt, ValueType, writeExpiryAtMs } from '../../store/record.ts';
import { Added } from '../../store/set/set.ts';
import { SetBuilder } from '../../store/set/builder.ts';
import { SortedSetBuilder } from '../../store/sorted-set/builder.ts';
import { Status } from '../../store/status.ts';
import { enterStream } from '../../store/stream/stream.ts';
import { readTime as readFieldTime } from '../../structures/hash/packed-fields.ts';
import { decompress } from '../lzf.ts';
import { PACKED_NODE, PLAIN_NODE, RdbType, StringForm } from './format.ts';
import { AUX_TIME_BYTES } from './hash-writer.ts';
import { type RdbInput, TextSlot } from './input.ts';
import {
  IntsetReader,
  ListpackReader,
  type PackedReader,
  ZiplistReader,
  ZipmapReader,
} from './packed-readers.ts';
import { StreamLoader, streamVersionOf } from './stream-loader.ts';
import { failUnknown } from './value-skimmer.ts';

/** What became of a value. */
export const enum Loaded {
  /** Nothing was changed. */
  OutOfMemory = 0,
  Yes = 1,
  /** A collection without elements, which there cannot be. Nothing was changed. */
  Empty = 2,
}

/** Scores as text: a length that says what there is instead of one. */
const SCORE_NOT_A_NUMBER = 253;
const SCORE_INFINITY = 254;
const SCORE_MINUS_INFINITY = 255;
/** Times of fields end here, as those of the structures do. */
const FIELD_TIME_MAX = 2 ** 48 - 2;

/** Whoever builds a collection. */
interface Builder {
  readonly count: number;
  /** `flags`: optional fields that its record is to have. */
  finish(key: Key, flags: number): Status;
  abandon(): void;
}

export class ValueLoader {
  private readonly keyspace: Keyspace;
  private readonly text = new TextSlot();
  private readonly field = new TextSlot();
  private readonly listpack = new ListpackReader();
  private readonly ziplist = new ZiplistReader();
  private readonly zipmap = new ZipmapReader();
  private readonly intset = new IntsetReader();
  private readonly list = new ListBuilder();
  private readonly hash = new HashBuilder();
  private readonly set = new SetBuilder();
  private readonly sortedSet = new SortedSetBuilder();
  private readonly stream = new StreamLoader();
  private input!: RdbInput;
  private key!: Key;
  private isOutOfMemory = false;
  private flags = 0;
  /** When the fields of the hash that comes next expire, in the order of the fields, as an aux field has said; or null. */
  fieldTimes: TextSlot | null = null;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /**
   * Reads a value of this type, and makes `key`, whatever it was, that value, with `whenMs` as its expiry (0: none). `touched`
   * is the caller's to call. Throws RdbError, with nothing changed.
   */
  load(input: RdbInput, type: number, key: Key, whenMs: number): Loaded {
    if (type === RdbType.String) return this.loadString(input, key, whenMs);
    this.input = input;
    this.key = key;
    // With room for the time: once the value has taken the place of the old one it is too late to find that there is none.
    this.flags = whenMs === 0 ? 0 : RecordFlag.Expiry;
    const loaded = this.loadCollection(type);
    this.text.release();
    this.field.release();
    if (loaded === Loaded.Yes && whenMs !== 0) writeExpiryAtMs(key.shard, key.record, whenMs);
    return loaded;
  }

  /** Hot. */
  private loadString(input: RdbInput, key: Key, whenMs: number): Loaded {
    const { keyspace, text } = this;
    const { shard } = key;
    const flags = whenMs === 0 ? 0 : RecordFlag.Expiry;
    const start = input.at;
    let byteCount = input.lengthOrForm();
    let packedBytes = 0;
    if (input.form === StringForm.Lzf) {
      const head = input.lzfHead(start);
      byteCount = head.byteCount;
      packedBytes = head.packedBytes;
    } else if (input.form >= 0) {
      input.at = start;
      input.text(text);
      byteCount = text.byteCount;
    } else input.need(byteCount);
    const record = keyspace.prepareRecord(key, flags, ValueType.String, Encoding.Plain, byteCount);
    if (record === 0) return Loaded.OutOfMemory;
    const to = valueAt(shard, record);
    if (packedBytes !== 0) {
      if (!decompress(input.bytes, input.at, packedBytes, shard.bytes, to, byteCount)) {
        free(shard, record);
        input.fail('a compressed text that is damaged', start);
      }
      input.at += packedBytes;
    } else if (input.form >= 0) copyBytes(text.bytes, text.at, shard.bytes, to, byteCount);
    else {
      copyBytes(input.bytes, input.at, shard.bytes, to, byteCount);
      input.at += byteCount;
    }
    if (whenMs !== 0) writeExpiryAtMs(shard, record, whenMs);
    return keyspace.enterRecord(key, record) === Status.Ok ? Loaded.Yes : Loaded.OutOfMemory;
  }

  private loadCollection(type: number): Loaded {
    const { keyspace, key } = this;
    const { shard } = key;
    switch (type) {
      case RdbType.List:
      case RdbType.ListZiplist:
      case RdbType.ListQuicklist:
      case RdbType.ListQuicklist2:
        this.list.begin(keyspace, shard);
        return this.build(this.list, type, this.readList);
      case RdbType.Set:
      case RdbType.IntegerSet:
      case RdbType.SetListpack:
        this.set.begin(keyspace, shard, Encoding.IntegerSet);
        return this.build(this.set, type, this.readSet);
      case RdbType.SortedSet:
      case RdbType.SortedSetText:
      case RdbType.SortedSetZiplist:
      case RdbType.SortedSetListpack:
        this.sortedSet.begin(keyspace, shard);
        return this.build(this.sortedSet, type, this.readSortedSet);
      case RdbType.Hash:
      case RdbType.HashTimed:
      case RdbType.HashTimedPreGa:
      case RdbType.HashZipmap:
      case RdbType.HashZiplist:
      case RdbType.HashListpack:
      case RdbType.HashListpackTimed:
      case RdbType.HashListpackTimedPreGa:
        this.hash.begin(keyspace, shard);
        return this.build(this.hash, type, this.readHash);
      default:
        return this.loadStream(type);
    }
  }

  /** Lets `read` fill a builder and enters what it has built; whatever happens, nothing is left behind. */
  private build(builder: Builder, type: number, read: (type: number) => void): Loaded {
    this.isOutOfMemory = false;
    let isDone = false;
    try {
      read.call(this, type);
      if (this.isOutOfMemory) return Loaded.OutOfMemory;
      if (builder.count === 0) return Loaded.Empty;
      isDone = builder.finish(this.key, this.flags) === Status.Ok;
      return isDone ? Loaded.Yes : Loaded.OutOfMemory;
    } finally {
      if (!isDone) builder.abandon();
    }
  }

  private loadStream(type: number): Loaded {
    const { keyspace, key, input } = this;
    const { shard } = key;
    const version = streamVersionOf(type);
    if (version === 0) failUnknown(input, type);
    const root = this.stream.load(keyspace, shard, input, version);
    if (root === 0) return Loaded.OutOfMemory;
    return enterStream(keyspace, key, root, this.flags) ? Loaded.Yes : Loaded.OutOfMemory;
  }

  private readList(type: number): void {
    const { input, text, list } = this;
    if (type === RdbType.ListZiplist) return this.pushPacked(this.ziplist);
    for (let left = input.length(); left > 0 && !this.isOutOfMemory; left--) {
      const start = input.at;
      const container = type === RdbType.ListQuicklist2 ? input.length() : 0;
      if (type === RdbType.ListQuicklist) this.pushPacked(this.ziplist);
      else if (container === PACKED_NODE) this.pushPacked(this.listpack);
      else if (type === RdbType.List || container === PLAIN_NODE) {
        input.text(text);
        if (!list.push(text.bytes, text.at, text.byteCount)) this.isOutOfMemory = true;
      } else input.fail('a list node of an unknown kind', start);
    }
  }

  /** Opens the next text of the input as a packed value. */
  private open(reader: PackedReader): PackedReader {
    this.input.text(this.text);
    reader.open(this.input, this.text);
    return reader;
  }

  private pushPacked(reader: PackedReader): void {
    const { text } = this.open(reader);
    while (reader.next()) {
      if (this.list.push(text.bytes, text.at, text.byteCount)) continue;
      this.isOutOfMemory = true;
      return;
    }
  }

  private readSet(type: number): void {
    const { input, text } = this;
    if (type !== RdbType.Set) {
      const reader = this.open(type === RdbType.IntegerSet ? this.intset : this.listpack);
      while (reader.next() && this.addMember(reader.text)) continue;
      return;
    }
    for (let left = input.length(); left > 0; left--) {
      input.text(text);
      if (!this.addMember(text)) return;
    }
  }

  /** False: there is no memory. */
  private addMember({
    bytes,
    at,
    byteCount,
  }: {
    bytes: TextSlot['bytes'];
    at: number;
    byteCount: number;
  }): boolean {
    const added = this.set.add(bytes, at, byteCount);
    if (added === Added.No) this.input.fail('a set with a member that is there twice');
    this.isOutOfMemory = added === Added.OutOfMemory;
    return !this.isOutOfMemory;
  }

  private readSortedSet(type: number): void {
    const { input, text } = this;
    if (type === RdbType.SortedSetZiplist) return this.readScores(this.ziplist);
    if (type === RdbType.SortedSetListpack) return this.readScores(this.listpack);
    for (let left = input.length(); left > 0; left--) {
      input.text(text);
      const score = type === RdbType.SortedSet ? input.double() : this.scoreText();
      if (!this.addScore(text, score)) return;
    }
  }

  private readScores(reader: PackedReader): void {
    const { field } = this;
    const { text } = this.open(reader);
    while (reader.next()) {
      // The next element's digits take the place of this one's.
      copyBytes(text.bytes, text.at, field.makeOwn(text.byteCount), 0, text.byteCount);
      if (!reader.next()) this.input.fail('a sorted set with a member without a score');
      if (!this.addScore(field, parseFloatStrict(text.bytes.u8, text.at, text.at + text.byteCount))) return;
    }
  }

  /** False: there is no memory. */
  private addScore(member: TextSlot, score: number): boolean {
    if (score !== score) this.input.fail('a sorted set with a score that is not a number');
    return this.isAdded(this.sortedSet.add(member, score), 'a sorted set with a member that is there twice');
  }

  private isAdded(building: Building, reason: string): boolean {
    if (building === Building.Duplicate) this.input.fail(reason);
    this.isOutOfMemory = building === Building.OutOfMemory;
    return !this.isOutOfMemory;
  }

  private scoreText(): number {
    const { input } = this;
    const byteCount = input.byte();
    if (byteCount === SCORE_NOT_A_NUMBER) return NaN;
    if (byteCount === SCORE_INFINITY) return Infinity;
    if (byteCount === SCORE_MINUS_INFINITY) return -Infinity;
    input.skip(byteCount);
    return parseFloatStrict(input.bytes.u8, input.at - byteCount, input.at);
  }

  private readHash(type: number): void {
    switch (type) {
      case RdbType.HashZipmap:
        return this.readFields(this.zipmap);
      case RdbType.HashZiplist:
        return this.readFields(this.ziplist);
      case RdbType.HashListpack:
        return this.readFields(this.listpack);
      case RdbType.HashListpackTimed:
        this.input.skip(8);
        return this.readTimedFields();
      case RdbType.HashListpackTimedPreGa:
        return this.readTimedFields();
      default:
        return this.readPairs(type);
    }
  }

  /** Fields and values of a packed form; its text slot is taken by the form itself, so fields are copied. */
  private readFields(reader: PackedReader): void {
    const { field, hash, input } = this;
    const { text } = this.open(reader);
    for (let index = 0; reader.next(); index++) {
      copyBytes(text.bytes, text.at, field.makeOwn(text.byteCount), 0, text.byteCount);
      if (!reader.next()) input.fail('a hash with a field without a value');
      if (!this.isAdded(hash.add(field, text, this.timeOf(index)), TWICE)) return;
    }
  }

  private readTimedFields(): void {
    const { field, hash, input, listpack, value } = this;
    const { text } = this.open(listpack);
    while (listpack.next()) {
      copyBytes(text.bytes, text.at, field.makeOwn(text.byteCount), 0, text.byteCount);
      if (!listpack.next()) input.fail('a hash with a field without a value');
      copyBytes(text.bytes, text.at, value.makeOwn(text.byteCount), 0, text.byteCount);
      if (!listpack.next()) input.fail('a hash with a field without a time');
      const timeMs = parseFloatStrict(text.bytes.u8, text.at, text.at + text.byteCount);
      if (!Number.isInteger(timeMs) || timeMs < 0) input.fail('a hash with a field with a wrong time');
      if (!this.isAdded(hash.add(field, value, Math.min(timeMs, FIELD_TIME_MAX)), TWICE)) return;
    }
  }

  private readonly value = new TextSlot();

  /** Fields and values one by one, with times or without. */
  private readPairs(type: number): void {
    const { input, field, text, hash } = this;
    const earliestMs = type === RdbType.HashTimed ? input.time() : 0;
    const isTimed = type !== RdbType.Hash;
    const count = input.length();
    for (let index = 0; index < count; index++) {
      const start = input.at;
      let timeMs = 0;
      if (isTimed) {
        const distance = input.length();
        if (distance !== 0) timeMs = type === RdbType.HashTimed ? earliestMs + distance - 1 : distance;
        if (timeMs < 0 || (distance !== 0 && timeMs === 0))
          input.fail('a hash with a field with a wrong time', start);
      } else timeMs = this.timeOf(index);
      input.text(field);
      input.text(text);
      if (!this.isAdded(hash.add(field, text, Math.min(timeMs, FIELD_TIME_MAX)), TWICE)) return;
    }
  }

  /** When field `index` expires by the aux field in front of the hash, or 0. */
  private timeOf(index: number): number {
    const times = this.fieldTimes;
    if (times === null || (index + 1) * AUX_TIME_BYTES > times.byteCount) return 0;
    return Math.min(readFieldTime(times.bytes, times.at + index * AUX_TIME_BYTES), FIELD_TIME_MAX);
  }
}

const TWICE = 'a hash with a field that is there twice';
