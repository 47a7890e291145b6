/**
 * Reading the packed forms that collections had in Redis through the years, element by element: listpack, ziplist, zipmap and
 * intset. None of their bytes is trusted: every length is checked before it is used, what stands behind each entry must
 * agree with it, counts must be right. What is wrong is thrown as RdbError.
 *
 *  listpack  total u32, count u16, { entry, back } ..., 255                               see listpack-writer.ts
 *  ziplist   total u32, last entry u32, count u16, { previous, form, content } ..., 255
 *              previous = bytes of the entry in front: one byte, or 254 and four
 *              form     = 00nnnnnn, 01nnnnnn n, 10...... nnnn (big-endian): n bytes; 1100 two, 1101 four, 1110 eight,
 *                         11110000 three, 11111110 one byte: an integer; 1111vvvv: the integer v - 1
 *  zipmap    count, { length, field, length, free, value, unused } ..., 255               length = one byte, or 254 and four
 *  intset    width u32, count u32, integers, ascending
 */
import type { Bytes } from '../../base/bytes.ts';
import { compareInt64, Int64, setInt64 } from '../../base/int64.ts';
import { EntryText, entryBytesAt } from '../../structures/packed-entry.ts';
import type { RdbInput, TextSlot } from './input.ts';
import { LISTPACK_COUNT_UNKNOWN, LISTPACK_END, LISTPACK_HEAD_BYTES } from './listpack-writer.ts';

/** Elements of a packed form. */
export interface PackedReader {
  /** The element that `next` came to; valid until the next one. */
  readonly text: EntryText;
  /** Begins with what lies in `blob`, which was read from `input` and must stay. */
  open(input: RdbInput, blob: TextSlot): void;
  /** Goes on to the next element. False: there is none. */
  next(): boolean;
}

/** First bytes that no entry of a listpack has. */
const LISTPACK_LEAD_MAX = 0xf4;
const LISTPACK_LONG_STRING = 0xf0;
const LISTPACK_BACK_BYTES_MAX = 5;

abstract class Reader {
  readonly text = new EntryText();
  protected input!: RdbInput;
  protected bytes!: Bytes;
  protected at = 0;
  protected end = 0;
  protected start = 0;
  protected countLeft = 0;
  /** Where in the input the blob ended: for messages. */
  private inputAt = 0;

  protected begin(input: RdbInput, blob: TextSlot): void {
    this.input = input;
    this.inputAt = input.at;
    this.bytes = blob.bytes;
    this.start = blob.at;
    this.at = blob.at;
    this.end = blob.at + blob.byteCount;
  }

  fail(reason: string): never {
    return this.input.fail(reason, this.inputAt);
  }

  /** Counts an entry; `isUnknown` when no count was given. */
  protected finish(isUnknown: boolean): false {
    if (!isUnknown && this.countLeft !== 0) this.fail('a packed value with fewer elements than it says');
    return false;
  }
}

export class ListpackReader extends Reader implements PackedReader {
  private isCounted = true;

  open(input: RdbInput, blob: TextSlot): void {
    this.begin(input, blob);
    if (blob.byteCount <= LISTPACK_HEAD_BYTES) this.fail('a listpack that is too short');
    const { view, u8 } = this.bytes;
    if (view.getUint32(this.at, true) !== blob.byteCount)
      this.fail('a listpack of another length than it says');
    this.end--;
    if (u8[this.end] !== LISTPACK_END) this.fail('a listpack without an end');
    this.countLeft = view.getUint16(this.at + 4, true);
    this.isCounted = this.countLeft !== LISTPACK_COUNT_UNKNOWN;
    this.at += LISTPACK_HEAD_BYTES;
  }

  next(): boolean {
    const { at, bytes } = this;
    if (at === this.end) return this.finish(!this.isCounted);
    const lead = bytes.u8[at]!;
    if (lead > LISTPACK_LEAD_MAX) this.fail('a listpack with an entry of an unknown form');
    const room = this.end - at;
    const headBytes = lead === LISTPACK_LONG_STRING ? 5 : 2;
    const entryBytes = headBytes > room ? (lead < 0x80 ? 1 : room + 1) : entryBytesAt(bytes, at);
    if (entryBytes <= 0 || entryBytes >= room) this.fail('a listpack with an entry beyond its end');
    if (this.isCounted && this.countLeft-- === 0) this.fail('a listpack with more entries than it says');
    this.at = this.behindBack(at + entryBytes, entryBytes);
    this.text.point(bytes, at);
    return true;
  }

  /** Where the length behind an entry ends, which must be that of the entry. */
  private behindBack(backAt: number, entryBytes: number): number {
    const { u8 } = this.bytes;
    if (entryBytes < 128) {
      if (u8[backAt] !== entryBytes) this.fail('a listpack with a wrong length behind an entry');
      return backAt + 1;
    }
    const bytes = backBytesOf(entryBytes);
    if (bytes > LISTPACK_BACK_BYTES_MAX || backAt + bytes > this.end) {
      this.fail('a listpack with an entry beyond its end');
    }
    let rest = entryBytes;
    for (let i = bytes - 1; i >= 0; i--) {
      const wanted = i === 0 ? rest : (rest & 127) | 128;
      if (u8[backAt + i] !== wanted) this.fail('a listpack with a wrong length behind an entry');
      rest = Math.floor(rest / 128);
    }
    return backAt + bytes;
  }
}

function backBytesOf(entryBytes: number): number {
  if (entryBytes < 128) return 1;
  if (entryBytes < 16383) return 2;
  if (entryBytes < 2097151) return 3;
  return entryBytes < 268435455 ? 4 : 5;
}

const ZIPLIST_HEAD_BYTES = 10;
const ZIPLIST_END = 255;
const ZIPLIST_LONG = 254;
const ZIPLIST_COUNT_UNKNOWN = 65535;

export class ZiplistReader extends Reader implements PackedReader {
  private isCounted = true;
  private previousBytes = 0;
  private lastAt = 0;
  private tailAt = 0;
  private readonly integer = new Int64();

  open(input: RdbInput, blob: TextSlot): void {
    this.begin(input, blob);
    if (blob.byteCount <= ZIPLIST_HEAD_BYTES) this.fail('a ziplist that is too short');
    const { view, u8 } = this.bytes;
    if (view.getUint32(this.at, true) !== blob.byteCount)
      this.fail('a ziplist of another length than it says');
    this.end--;
    if (u8[this.end] !== ZIPLIST_END) this.fail('a ziplist without an end');
    this.tailAt = this.start + view.getUint32(this.at + 4, true);
    this.countLeft = view.getUint16(this.at + 8, true);
    this.isCounted = this.countLeft !== ZIPLIST_COUNT_UNKNOWN;
    this.at += ZIPLIST_HEAD_BYTES;
    this.previousBytes = 0;
    this.lastAt = this.at;
  }

  next(): boolean {
    const { u8, view } = this.bytes;
    const start = this.at;
    if (start === this.end) {
      if (this.tailAt !== this.lastAt) this.fail('a ziplist whose last entry is elsewhere than it says');
      return this.finish(!this.isCounted);
    }
    if (this.isCounted && this.countLeft-- === 0) this.fail('a ziplist with more entries than it says');
    this.need(1);
    let previous = u8[this.at]!;
    if (previous === ZIPLIST_END) this.fail('a ziplist with an end in its middle');
    if (previous === ZIPLIST_LONG) {
      this.need(5);
      previous = view.getUint32(this.at + 1, true);
      this.at += 5;
    } else this.at++;
    if (previous !== this.previousBytes) this.fail('a ziplist with a wrong length in front of an entry');
    this.need(1);
    this.content(u8[this.at]!);
    this.previousBytes = this.at - start;
    this.lastAt = start;
    return true;
  }

  private need(byteCount: number): void {
    if (this.end - this.at < byteCount) this.fail('a ziplist with an entry beyond its end');
  }

  private content(form: number): void {
    const { u8, view } = this.bytes;
    const { at } = this;
    if (form < 0x40) return this.string(1, form);
    if (form < 0x80) {
      this.need(2);
      return this.string(2, ((form & 0x3f) << 8) | u8[at + 1]!);
    }
    if (form === 0x80) {
      this.need(5);
      return this.string(5, view.getUint32(at + 1));
    }
    if (form >= 0xf1 && form <= 0xfd) return this.number(1, (form & 0x0f) - 1);
    const byteCount = integerBytesOf(form);
    if (byteCount === 0) this.fail('a ziplist with an entry of an unknown form');
    this.need(1 + byteCount);
    if (byteCount === 8) {
      this.integer.lo = view.getInt32(at + 1, true);
      this.integer.hi = view.getInt32(at + 5, true);
      this.text.setInteger(this.integer);
      this.at += 9;
    } else if (byteCount === 4) this.number(5, view.getInt32(at + 1, true));
    else if (byteCount === 3) this.number(4, (view.getInt16(at + 2, true) << 8) | u8[at + 1]!);
    else if (byteCount === 2) this.number(3, view.getInt16(at + 1, true));
    else this.number(2, view.getInt8(at + 1));
  }

  private string(headBytes: number, byteCount: number): void {
    this.need(headBytes + byteCount);
    this.text.set(this.bytes, this.at + headBytes, byteCount);
    this.at += headBytes + byteCount;
  }

  private number(entryBytes: number, value: number): void {
    setInt64(this.integer, value);
    this.text.setInteger(this.integer);
    this.at += entryBytes;
  }
}

/** Bytes of the integer behind a form, or 0: it is none. */
function integerBytesOf(form: number): number {
  switch (form) {
    case 0xc0:
      return 2;
    case 0xd0:
      return 4;
    case 0xe0:
      return 8;
    case 0xf0:
      return 3;
    case 0xfe:
      return 1;
    default:
      return 0;
  }
}

const ZIPMAP_LONG = 254;
const ZIPMAP_END = 255;

/** Fields and values in turn. */
export class ZipmapReader extends Reader implements PackedReader {
  private isValue = false;
  private isCounted = true;

  open(input: RdbInput, blob: TextSlot): void {
    this.begin(input, blob);
    if (blob.byteCount < 2) this.fail('a zipmap that is too short');
    this.end--;
    if (this.bytes.u8[this.end] !== ZIPMAP_END) this.fail('a zipmap without an end');
    this.countLeft = this.bytes.u8[this.at]! * 2;
    this.isCounted = this.countLeft < ZIPMAP_LONG * 2;
    this.at++;
    this.isValue = false;
  }

  next(): boolean {
    if (this.at === this.end) {
      if (this.isValue) this.fail('a zipmap with a field without a value');
      return this.finish(!this.isCounted);
    }
    if (this.isCounted && this.countLeft-- === 0) this.fail('a zipmap with more fields than it says');
    const byteCount = this.length();
    let unused = 0;
    if (this.isValue) {
      this.need(1);
      unused = this.bytes.u8[this.at++]!;
    }
    this.need(byteCount + unused);
    this.text.set(this.bytes, this.at, byteCount);
    this.at += byteCount + unused;
    this.isValue = !this.isValue;
    return true;
  }

  private length(): number {
    this.need(1);
    const first = this.bytes.u8[this.at++]!;
    if (first === ZIPMAP_END) this.fail('a zipmap with an end in its middle');
    if (first < ZIPMAP_LONG) return first;
    this.need(4);
    this.at += 4;
    return this.bytes.view.getUint32(this.at - 4, true);
  }

  private need(byteCount: number): void {
    if (this.end - this.at < byteCount) this.fail('a zipmap with an entry beyond its end');
  }
}

const INTSET_HEAD_BYTES = 8;

export class IntsetReader extends Reader implements PackedReader {
  private width = 0;
  private isFirst = true;
  private readonly integer = new Int64();
  private readonly last = new Int64();

  open(input: RdbInput, blob: TextSlot): void {
    this.begin(input, blob);
    if (blob.byteCount < INTSET_HEAD_BYTES) this.fail('an intset that is too short');
    const { view } = this.bytes;
    this.width = view.getUint32(this.at, true);
    this.countLeft = view.getUint32(this.at + 4, true);
    if (this.width !== 2 && this.width !== 4 && this.width !== 8) this.fail('an intset of an unknown width');
    if (this.countLeft * this.width !== blob.byteCount - INTSET_HEAD_BYTES) {
      this.fail('an intset of another length than it says');
    }
    this.at += INTSET_HEAD_BYTES;
    this.isFirst = true;
  }

  next(): boolean {
    if (this.at === this.end) return false;
    const { integer, last, width, at } = this;
    const { view } = this.bytes;
    if (width === 8) {
      integer.lo = view.getInt32(at, true);
      integer.hi = view.getInt32(at + 4, true);
    } else setInt64(integer, width === 2 ? view.getInt16(at, true) : view.getInt32(at, true));
    if (!this.isFirst && compareInt64(last, integer) >= 0) this.fail('an intset that is out of order');
    this.isFirst = false;
    last.hi = integer.hi;
    last.lo = integer.lo;
    this.text.setInteger(integer);
    this.at += width;
    return true;
  }
}
