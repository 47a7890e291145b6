import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Bytes } from '../../src/base/bytes.ts';
import {
  Element,
  encodeElement,
  entryBytesAt,
  entryNumber,
  EntryText,
  isElementAt,
  writeElement,
} from '../../src/structures/packed-entry.ts';

const block = Bytes.allocate(1 << 20);

function encoded(text: Buffer): Buffer {
  const element = new Element();
  const source = Bytes.allocate(text.length);
  text.copy(source.u8);
  encodeElement(element, source, 0, text.length);
  block.u8.fill(0xee);
  writeElement(element, block, 7);
  expect(entryBytesAt(block, 7)).toBe(element.entryBytes);
  expect(isElementAt(element, block, 7)).toBe(true);
  return Buffer.from(block.u8.subarray(7, 7 + element.entryBytes));
}

function decoded(entry: Buffer): Buffer {
  entry.copy(block.u8, 3);
  const text = new EntryText();
  text.point(block, 3);
  return Buffer.from(text.bytes.u8.subarray(text.at, text.at + text.byteCount));
}

describe('packed entries', () => {
  test('have the sizes that listpack gives them', () => {
    const sizes: [string, number][] = [
      ['0', 1],
      ['127', 1],
      ['128', 2],
      ['-1', 2],
      ['-4096', 2],
      ['4095', 2],
      ['4096', 3],
      ['-32768', 3],
      ['32768', 4],
      ['-8388608', 4],
      ['8388608', 5],
      ['2147483648', 9],
      ['-9223372036854775808', 9],
      ['9223372036854775808', 20],
      ['01', 3],
      ['', 1],
      ['x'.repeat(63), 64],
      ['x'.repeat(64), 66],
      ['x'.repeat(4095), 4097],
      ['x'.repeat(4096), 4101],
    ];
    for (const [text, bytes] of sizes)
      expect([text, encoded(Buffer.from(text)).length]).toEqual([text, bytes]);
  });

  test('give back the text they were made of', () => {
    const integer = fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      .map((value) => Buffer.from(`${value}`));
    const small = fc.integer({ min: -70_000, max: 70_000 }).map((value) => Buffer.from(`${value}`));
    const text = fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(integer, small, text), (content) => {
        expect(decoded(encoded(content)).equals(content)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('tell integers from strings', () => {
    const numbers: [string, number][] = [
      ['-1', -1],
      ['-4096', -4096],
      ['-8388608', -8388608],
      ['-2147483648', -2147483648],
      ['4294967296', 4294967296],
      ['abc', NaN],
      ['+1', NaN],
    ];
    for (const [text, value] of numbers) {
      encoded(Buffer.from(text)).copy(block.u8, 3);
      expect(entryNumber(block, 3)).toBe(value);
    }
  });
});
