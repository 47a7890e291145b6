/** Random operations on sets of integers and on packed sets against plain JavaScript ones, at odd addresses, with every
 *  width and length class; not a byte beside them may change. */

import { Bytes } from '../../src/base/bytes.ts';
import { Int64 } from '../../src/base/int64.ts';
import {
  bytesWithInteger,
  findInteger,
  insertInteger,
  integerSetCount,
  readInteger,
  removeInteger,
  removeIntegers,
  verifyIntegerSet,
  writeEmptyIntegerSet,
} from '../../src/structures/set/integer-set.ts';
import { Element, encodeElement, entryBytesAt, EntryText } from '../../src/structures/packed-entry.ts';
import {
  appendPackedMember,
  findPackedMember,
  packedMemberAt,
  packedSetCount,
  removePackedMember,
  removePackedMembers,
  verifyPackedSet,
  writeEmptyPackedSet,
} from '../../src/structures/set/packed-set.ts';
import { Prng } from '../support/prng.ts';

const BYTES = 1 << 16;
const COUNT_MAX = 150;
const GUARD = 0xa5;
const PHASE_OPERATIONS = 1000;
const TEXTS = ['', '00', '-0', 'text', 'x'.repeat(63), 'y'.repeat(64), 'z'.repeat(300)];

/** What both have in common: a stretch of bytes with guards around it. */
abstract class SmallSetFuzz {
  protected readonly bytes = Bytes.allocate(BYTES);
  protected at = 0;
  protected byteCount = 0;
  protected growShare = 50;

  constructor(protected readonly random: Prng) {}

  run(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % PHASE_OPERATIONS === 0) this.begin();
      if (this.random.below(30) === 0) this.removeSome();
      else if (this.random.below(100) < this.growShare) this.add();
      else this.remove();
      this.compare();
      this.checkGuards();
    }
  }

  private begin(): void {
    this.bytes.u8.fill(GUARD);
    this.at = 1 + this.random.below(16);
    this.growShare = 40 + this.random.below(40);
    this.empty();
  }

  private checkGuards(): void {
    const { u8 } = this.bytes;
    if (u8[this.at - 1] !== GUARD || u8[this.at + this.byteCount] === undefined) throw new Error('guard');
    if (u8[BYTES - 1] !== GUARD) throw new Error('guard');
  }

  /** The set has shrunk: what is behind it now is nobody's. */
  protected clearBehind(): void {
    this.bytes.u8.fill(GUARD, this.at + this.byteCount);
  }

  /** A choice of the numbers below `count`, ascending, at least one. */
  protected chooseSome(count: number): number[] {
    const chosen = Array.from({ length: count }, (_, index) => index).filter(
      () => this.random.below(3) === 0,
    );
    return chosen.length === 0 ? [this.random.below(count)] : chosen;
  }

  protected abstract empty(): void;
  protected abstract add(): void;
  protected abstract remove(): void;
  protected abstract removeSome(): void;
  protected abstract compare(): void;
}

const INTEGERS: ((random: Prng) => bigint)[] = [
  (random) => BigInt(random.below(50) - 25),
  (random) => BigInt(random.below(70_000) - 35_000),
  (random) => BigInt(random.below(2 ** 32)) - (1n << 31n) + BigInt(random.below(10)),
  (random) => BigInt.asIntN(64, (BigInt(random.next32()) << 32n) | BigInt(random.next32())),
  (random) => [-(1n << 63n), (1n << 63n) - 1n, -32769n, -32768n, 32767n, 32768n][random.below(6)]!,
  (random) => [-(1n << 31n) - 1n, -(1n << 31n), (1n << 31n) - 1n, 1n << 31n, 1n << 32n][random.below(5)]!,
];

class IntegerSetFuzz extends SmallSetFuzz {
  private model: bigint[] = [];
  private readonly integer = new Int64();

  protected empty(): void {
    this.model = [];
    this.byteCount = writeEmptyIntegerSet(this.bytes, this.at);
  }

  private choose(): bigint {
    const { random, model, integer } = this;
    // At first narrow ones only, so that sets are widened when they have members.
    const kinds = Math.min(INTEGERS.length, 1 + (model.length >> 2));
    const value = INTEGERS[random.below(kinds)]!(random);
    integer.hi = Number(value >> 32n);
    integer.lo = Number(BigInt.asIntN(32, value));
    return value;
  }

  private find(value: bigint): number {
    const index = findInteger(this.bytes, this.at, this.byteCount, this.integer);
    const place = this.model.findIndex((other) => other >= value);
    const expected = place < 0 ? this.model.length : place;
    const isThere = this.model[expected] === value;
    if (index !== (isThere ? expected : -1 - expected)) throw new Error(`found ${value} at ${index}`);
    return index;
  }

  protected add(): void {
    const value = this.choose();
    const index = this.find(value);
    if (index >= 0 || this.model.length >= COUNT_MAX) return;
    const wanted = bytesWithInteger(this.bytes, this.at, this.byteCount, this.integer);
    insertInteger(this.bytes, this.at, this.byteCount, -1 - index, this.integer);
    this.byteCount = wanted;
    this.model.splice(-1 - index, 0, value);
  }

  protected remove(): void {
    const { model } = this;
    const present = model.length === 0 ? 0n : model[this.random.below(model.length)]!;
    const value = this.random.below(3) === 0 ? this.choose() : present;
    this.integer.hi = Number(value >> 32n);
    this.integer.lo = Number(BigInt.asIntN(32, value));
    const index = this.find(value);
    if (index < 0) return;
    this.byteCount = removeInteger(this.bytes, this.at, this.byteCount, index);
    model.splice(index, 1);
    this.clearBehind();
  }

  protected removeSome(): void {
    if (this.model.length === 0) return;
    const indexes = this.chooseSome(this.model.length);
    this.byteCount = removeIntegers(this.bytes, this.at, this.byteCount, indexes);
    this.model = this.model.filter((_, index) => !indexes.includes(index));
    this.clearBehind();
  }

  protected compare(): void {
    const { bytes, at, byteCount, model, integer } = this;
    if (integerSetCount(bytes, at, byteCount) !== model.length) throw new Error('count');
    if (model.length > 0) verifyIntegerSet(bytes, at, byteCount);
    model.forEach((value, index) => {
      readInteger(bytes, at, index, integer);
      if (((BigInt(integer.hi) << 32n) | BigInt(integer.lo >>> 0)) !== value)
        throw new Error(`integer ${index}`);
    });
  }
}

class PackedSetFuzz extends SmallSetFuzz {
  private model: string[] = [];
  private readonly input = Bytes.allocate(8192);
  private readonly element = new Element();
  private readonly text = new EntryText();

  protected empty(): void {
    this.model = [];
    this.byteCount = writeEmptyPackedSet(this.bytes, this.at);
  }

  private choose(): string {
    const { random } = this;
    switch (random.below(4)) {
      case 0:
        return TEXTS[random.below(TEXTS.length)]!;
      case 1:
        return String(INTEGERS[random.below(INTEGERS.length)]!(random));
      case 2:
        return String.fromCharCode(random.below(256)).repeat(random.below(70));
      default:
        return `member:${random.below(200)}`;
    }
  }

  private find(text: string): number {
    this.input.u8.write(text, 0, 'latin1');
    encodeElement(this.element, this.input, 0, text.length);
    const place = findPackedMember(this.bytes, this.at, this.byteCount, this.element);
    const index = this.model.indexOf(text);
    const expected = index < 0 ? 0 : packedMemberAt(this.bytes, this.at, index);
    if (place !== expected) throw new Error(`found ${JSON.stringify(text)} at ${place}, not ${expected}`);
    return place;
  }

  protected add(): void {
    const text = this.choose();
    if (this.find(text) !== 0 || this.model.length >= COUNT_MAX) return;
    this.byteCount = appendPackedMember(this.bytes, this.at, this.byteCount, this.element);
    this.model.push(text);
  }

  protected remove(): void {
    const { model, random } = this;
    const text = random.below(3) === 0 ? this.choose() : (model[random.below(model.length)] ?? '');
    const place = this.find(text);
    if (place === 0) return;
    this.byteCount = removePackedMember(this.bytes, this.at, this.byteCount, place);
    model.splice(model.indexOf(text), 1);
    this.clearBehind();
  }

  protected removeSome(): void {
    if (this.model.length === 0) return;
    const indexes = this.chooseSome(this.model.length);
    const places = indexes.map((index) => packedMemberAt(this.bytes, this.at, index));
    this.byteCount = removePackedMembers(this.bytes, this.at, this.byteCount, places);
    this.model = this.model.filter((_, index) => !indexes.includes(index));
    this.clearBehind();
  }

  protected compare(): void {
    const { bytes, at, byteCount, model, text } = this;
    if (packedSetCount(bytes, at) !== model.length) throw new Error('count');
    if (model.length > 0) verifyPackedSet(bytes, at, byteCount);
    let place = packedMemberAt(bytes, at, 0);
    for (const wanted of model) {
      text.point(bytes, place);
      if (text.toString() !== wanted) throw new Error(`${text.toString()} instead of ${wanted}`);
      place += entryBytesAt(bytes, place);
    }
    if (place !== at + byteCount) throw new Error('size');
  }
}

export function fuzzSmallSets(seed: number, operationCount: number): void {
  new IntegerSetFuzz(new Prng(seed)).run(operationCount >> 1);
  new PackedSetFuzz(new Prng(seed + 1)).run(operationCount >> 1);
}
