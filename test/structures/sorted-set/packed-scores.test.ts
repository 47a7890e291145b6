/** Members with scores in one packed block. */
import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import { Element, encodeElement, EntryText } from '../../../src/structures/packed-entry.ts';
import {
  behindPackedScore,
  comparePacked,
  findPacked,
  firstPacked,
  nextPacked,
  packedAtRank,
  packedCount,
  PackedScore,
  packedMemberBytes,
  packedScoreAt,
  PACKED_SCORES_EMPTY_BYTES,
  placeInPacked,
  readPackedScore,
  setPackedCount,
  verifyPackedScores,
  writePackedMember,
} from '../../../src/structures/sorted-set/packed-scores.ts';

/** A block somewhere in a buffer, its members put where they belong. */
class Block {
  readonly bytes = Bytes.allocate(4096);
  readonly at = 100;
  end = this.at + PACKED_SCORES_EMPTY_BYTES;
  private readonly element = new Element();
  private readonly score = new PackedScore();

  constructor(members: readonly (readonly [string, number])[] = []) {
    setPackedCount(this.bytes, this.at, 0);
    for (const [text, score] of members) this.add(text, score);
  }

  private encode(text: string): void {
    const source = Bytes.fromText(text);
    encodeElement(this.element, source, 0, source.u8.length);
  }

  place(text: string, score: number): number {
    this.encode(text);
    return placeInPacked(this.bytes, this.at, this.end, score, this.element);
  }

  add(text: string, score: number): void {
    const place = this.place(text, score);
    this.score.encode(score);
    const size = packedMemberBytes(this.element, this.score);
    this.bytes.u8.copyWithin(place + size, place, this.end);
    writePackedMember(this.element, this.score, this.bytes, place);
    this.end += size;
    setPackedCount(this.bytes, this.at, packedCount(this.bytes, this.at) + 1);
  }

  find(text: string): number {
    this.encode(text);
    return findPacked(this.bytes, this.at, this.end, this.element);
  }

  members(): [string, number][] {
    const text = new EntryText();
    const members: [string, number][] = [];
    for (let entry = firstPacked(this.at); entry < this.end; entry = nextPacked(this.bytes, entry)) {
      text.point(this.bytes, entry);
      members.push([text.toString(), readPackedScore(this.bytes, packedScoreAt(this.bytes, entry))]);
    }
    return members;
  }

  verify(): number {
    return verifyPackedScores(this.bytes, this.at, this.end);
  }
}

describe('scores', () => {
  test.each([
    [0, 1],
    [127, 1],
    [128, 2],
    [-1, 2],
    [-4096, 2],
    [32_767, 3],
    [-8_388_608, 4],
    [2_147_483_647, 5],
    [-2_147_483_648, 5],
    [2_147_483_648, 9],
    [0.5, 9],
    [1e300, 9],
    [5e-324, 9],
    [Infinity, 9],
    [-Infinity, 9],
  ])('%d takes %d bytes and is read back', (score, byteCount) => {
    const packed = new PackedScore();
    packed.encode(score);
    expect(packed.headBytes).toBe(byteCount);
    expect(readPackedScore(packed.head, 0)).toBe(score);
    expect(behindPackedScore(packed.head, 0)).toBe(byteCount);
  });

  test('-0 becomes 0', () => {
    const packed = new PackedScore();
    packed.encode(-0);
    expect(Object.is(readPackedScore(packed.head, 0), 0)).toBe(true);
  });
});

describe('a block', () => {
  test('is in the order of scores, then of the bytes of texts, integers too', () => {
    const block = new Block([
      ['b', 2],
      ['10', 1],
      ['9', 1],
      ['', 1],
      ['a', 2],
      ['-5', 1],
      ['z'.repeat(70), -1.5],
      ['x', -Infinity],
    ]);
    expect(block.members()).toEqual([
      ['x', -Infinity],
      ['z'.repeat(70), -1.5],
      ['', 1],
      ['-5', 1],
      ['10', 1],
      ['9', 1],
      ['a', 2],
      ['b', 2],
    ]);
    expect(block.verify()).toBe(8);
    expect(packedAtRank(block.bytes, block.at, 6)).toBe(block.find('a'));
  });

  test('finds members by their text and not by what looks like it', () => {
    const block = new Block([
      ['12', 1],
      ['012', 2],
      ['a', 3.5],
    ]);
    for (const text of ['12', '012', 'a']) expect(block.find(text)).toBeGreaterThan(block.at);
    for (const text of ['1', '', 'b', '3.5', '2']) expect(block.find(text)).toBe(0);
  });

  test('tells where a member belongs', () => {
    const block = new Block([
      ['a', 1],
      ['c', 1],
      ['a2', 2],
    ]);
    expect(block.place('0', 0)).toBe(firstPacked(block.at));
    expect(block.place('b', 1)).toBe(block.find('c'));
    expect(block.place('d', 1)).toBe(block.find('a2'));
    expect(block.place('a', 3)).toBe(block.end);
  });

  test('compares texts with other bytes', () => {
    const block = new Block([['100', 1]]);
    const compare = (text: string): number => {
      const bytes = Bytes.fromText(text);
      return Math.sign(comparePacked(block.bytes, block.find('100'), bytes, 0, bytes.u8.length));
    };
    expect(['1', '100', '1000', '2', ''].map(compare)).toEqual([1, 0, -1, -1, 1]);
  });
});

describe('the checker', () => {
  test('finds members out of order, twice, or miscounted', () => {
    const swapped = new Block([
      ['a', 1],
      ['b', 2],
    ]);
    const scoreAt = packedScoreAt(swapped.bytes, swapped.find('a'));
    swapped.bytes.u8[scoreAt] = 3;
    expect(() => swapped.verify()).toThrow('order');
    const doubled = new Block([['a', 1]]);
    doubled.add('a', 2);
    expect(() => doubled.verify()).toThrow('twice');
    const miscounted = new Block([['a', 1]]);
    setPackedCount(miscounted.bytes, miscounted.at, 2);
    expect(() => miscounted.verify()).toThrow('count');
    const cut = new Block([['abc', 1]]);
    cut.end--;
    expect(() => cut.verify()).toThrow('over the end');
  });
});
