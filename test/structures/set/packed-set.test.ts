/** Packed sets. Random runs, together with those on sets of integers, are in test/fuzz. */

import { describe, expect, test } from 'bun:test';
import { AssertionError } from '../../../src/base/assert.ts';
import { Bytes } from '../../../src/base/bytes.ts';
import { Element, encodeElement, EntryText, loadElement } from '../../../src/structures/packed-entry.ts';
import {
  appendPackedMember,
  findPackedMember,
  packedMemberAt,
  packedSetCount,
  removePackedMember,
  removePackedMembers,
  verifyPackedSet,
  writeEmptyPackedSet,
} from '../../../src/structures/set/packed-set.ts';

const AT = 5;
const element = new Element();

function encode(text: string): Element {
  const source = Bytes.fromText(text);
  encodeElement(element, source, 0, source.u8.length);
  return element;
}

function setOf(...texts: string[]): { bytes: Bytes; byteCount: number } {
  const bytes = Bytes.allocate(65536);
  let byteCount = writeEmptyPackedSet(bytes, AT);
  for (const text of texts) byteCount = appendPackedMember(bytes, AT, byteCount, encode(text));
  return { bytes, byteCount };
}

function listOf(bytes: Bytes): string[] {
  const text = new EntryText();
  return Array.from({ length: packedSetCount(bytes, AT) }, (_, index) => {
    text.point(bytes, packedMemberAt(bytes, AT, index));
    return text.toString();
  });
}

const TEXTS = [
  '',
  '1',
  '-1',
  '01',
  'a',
  'ab',
  '127',
  '128',
  '9223372036854775807',
  'x'.repeat(64),
  'y'.repeat(5000),
];

test('members are found where they were put, in every form an entry has', () => {
  const { bytes, byteCount } = setOf(...TEXTS);
  TEXTS.forEach((text, index) => {
    const place = packedMemberAt(bytes, AT, index);
    expect(findPackedMember(bytes, AT, byteCount, encode(text))).toBe(place);
    loadElement(element, bytes, place);
    expect(findPackedMember(bytes, AT, byteCount, element)).toBe(place);
  });
  for (const text of ['b', '2', '129', 'x'.repeat(63), 'y'.repeat(4999)]) {
    expect(findPackedMember(bytes, AT, byteCount, encode(text))).toBe(0);
  }
  expect(listOf(bytes)).toEqual(TEXTS);
  expect(verifyPackedSet(bytes, AT, byteCount)).toBe(TEXTS.length);
});

test('members are taken out, one or several, and the others keep their order', () => {
  for (let index = 0; index < TEXTS.length; index++) {
    const { bytes, byteCount } = setOf(...TEXTS);
    const left = removePackedMember(bytes, AT, byteCount, packedMemberAt(bytes, AT, index));
    expect(listOf(bytes)).toEqual(TEXTS.toSpliced(index, 1));
    expect(verifyPackedSet(bytes, AT, left)).toBe(TEXTS.length - 1);
  }
  const { bytes, byteCount } = setOf(...TEXTS);
  const places = [0, 3, 4, TEXTS.length - 1].map((index) => packedMemberAt(bytes, AT, index));
  const left = removePackedMembers(bytes, AT, byteCount, places);
  expect(listOf(bytes)).toEqual(TEXTS.filter((_, index) => ![0, 3, 4, TEXTS.length - 1].includes(index)));
  expect(verifyPackedSet(bytes, AT, left)).toBe(TEXTS.length - 4);
});

describe('verifyPackedSet notices', () => {
  test('a wrong count, a member twice, and an entry that ends elsewhere', () => {
    const { bytes, byteCount } = setOf('abc', 'abd', 'x');
    bytes.u8[AT] = 4;
    expect(() => verifyPackedSet(bytes, AT, byteCount)).toThrow(AssertionError);
    bytes.u8[AT] = 3;
    expect(verifyPackedSet(bytes, AT, byteCount)).toBe(3);
    expect(() => verifyPackedSet(bytes, AT, byteCount - 1)).toThrow(AssertionError);
    bytes.u8[AT + 9] = 0x63;
    expect(() => verifyPackedSet(bytes, AT, byteCount)).toThrow(AssertionError);
  });
});
