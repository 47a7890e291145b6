import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import { Element, encodeElement, EntryText } from '../../../src/structures/packed-entry.ts';
import {
  appendField,
  clearFields,
  describePackedFields,
  emptyFieldsBytes,
  findPackedField,
  firstField,
  makeTimed,
  NEVER,
  nextField,
  packedExpiringCount,
  packedFieldCount,
  packedMinimum,
  pairBytes,
  readTime,
  removeDueFields,
  removePackedField,
  replaceValue,
  setTimeOfField,
  timedBytes,
  timeOfField,
  valueOfField,
  verifyPackedFields,
  writeTime,
} from '../../../src/structures/hash/packed-fields.ts';

/** Blocks stand at an odd position, with other bytes on either side. */
const AT = 13;
const block = Bytes.allocate(100_000);

function element(text: string): Element {
  const source = Bytes.fromText(text);
  const encoded = new Element();
  encodeElement(encoded, source, 0, source.u8.length);
  return encoded;
}

/** A block with fields; returns its bytes. */
function fill(timed: boolean, pairs: Record<string, string>): number {
  block.u8.fill(0xee);
  clearFields(block, AT, timed);
  let byteCount = emptyFieldsBytes(timed);
  for (const [name, text] of Object.entries(pairs)) {
    const field = element(name);
    const value = element(text);
    appendField(block, AT, byteCount, timed, field, value);
    byteCount += pairBytes(field, value, timed);
  }
  expect(block.u8[AT - 1]).toBe(0xee);
  expect(block.u8[AT + byteCount]).toBe(0xee);
  return byteCount;
}

function textAt(at: number): string {
  const text = new EntryText();
  text.point(block, at);
  return text.toString();
}

function content(byteCount: number, timed: boolean): Record<string, string> {
  verifyPackedFields(block, AT, byteCount, timed);
  const pairs: Record<string, string> = {};
  let fieldAt = firstField(AT, timed);
  for (; fieldAt < AT + byteCount; fieldAt = nextField(block, fieldAt, timed)) {
    pairs[textAt(fieldAt)] = textAt(valueOfField(block, fieldAt));
  }
  return pairs;
}

const PAIRS = { a: '1', longer: 'x'.repeat(100), '12345': '', '': 'empty', z: '-9223372036854775808' };

describe.each([false, true])('packed fields, timed: %p', (timed) => {
  test('hold what was added, in that order', () => {
    const byteCount = fill(timed, PAIRS);
    expect(content(byteCount, timed)).toEqual(PAIRS);
    expect(packedFieldCount(block, AT)).toBe(5);
    expect(describePackedFields(block, AT, byteCount, timed)).toContain('packed fields: 5');
  });

  test('are found by their text', () => {
    const byteCount = fill(timed, PAIRS);
    for (const [name, text] of Object.entries(PAIRS)) {
      const at = findPackedField(block, AT, byteCount, timed, element(name));
      expect(textAt(at)).toBe(name);
      expect(textAt(valueOfField(block, at))).toBe(text);
    }
    for (const name of ['b', 'longe', 'longer.', '12346', '1', 'empty']) {
      expect(findPackedField(block, AT, byteCount, timed, element(name))).toBe(0);
    }
  });

  test('take values of another length', () => {
    let byteCount = fill(timed, PAIRS);
    const expected: Record<string, string> = { ...PAIRS };
    for (const [name, text] of [
      ['longer', ''],
      ['a', 'y'.repeat(300)],
      ['z', '7'],
      ['a', '8'],
    ] as const) {
      const value = element(text);
      const valueAt = valueOfField(block, findPackedField(block, AT, byteCount, timed, element(name)));
      const oldBytes = element(expected[name]!).entryBytes;
      replaceValue(block, valueAt, oldBytes, AT + byteCount, value);
      byteCount += value.entryBytes - oldBytes;
      expected[name] = text;
      expect(content(byteCount, timed)).toEqual(expected);
    }
  });

  test('lose fields wherever they stand', () => {
    let byteCount = fill(timed, PAIRS);
    const expected: Record<string, string> = { ...PAIRS };
    for (const name of ['longer', 'a', 'z', '', '12345']) {
      const fieldAt = findPackedField(block, AT, byteCount, timed, element(name));
      byteCount = removePackedField(block, AT, byteCount, timed, fieldAt);
      delete expected[name];
      expect(content(byteCount, timed)).toEqual(expected);
    }
    expect(byteCount).toBe(emptyFieldsBytes(timed));
  });
});

describe('times of packed fields', () => {
  const find = (name: string, byteCount: number): number =>
    findPackedField(block, AT, byteCount, true, element(name));

  test('are read as they were written, up to the last', () => {
    for (const timeMs of [0, 1, 2 ** 32 - 1, 2 ** 32, 1_700_000_000_123, 2 ** 46 - 1, NEVER]) {
      writeTime(block, AT, timeMs);
      expect(readTime(block, AT)).toBe(timeMs);
    }
  });

  test('come into a plain block, in place', () => {
    const plain = fill(false, PAIRS);
    const byteCount = timedBytes(block, AT, plain);
    makeTimed(block, AT, plain);
    expect(block.u8[AT + byteCount]).toBe(0xee);
    expect(content(byteCount, true)).toEqual(PAIRS);
    expect(packedExpiringCount(block, AT)).toBe(0);
    expect(packedMinimum(block, AT)).toBe(NEVER);
  });

  test('are counted, and none is below the minimum', () => {
    const byteCount = fill(true, PAIRS);
    setTimeOfField(block, AT, find('a', byteCount), 500);
    setTimeOfField(block, AT, find('z', byteCount), 300);
    setTimeOfField(block, AT, find('', byteCount), 900);
    expect([packedExpiringCount(block, AT), packedMinimum(block, AT)]).toEqual([3, 300]);
    setTimeOfField(block, AT, find('z', byteCount), 0);
    expect(verifyPackedFields(block, AT, byteCount, true)).toBe(2);
    expect(timeOfField(block, find('a', byteCount))).toBe(500);
    setTimeOfField(block, AT, find('a', byteCount), 0);
    setTimeOfField(block, AT, find('', byteCount), 0);
    expect([packedExpiringCount(block, AT), packedMinimum(block, AT)]).toEqual([0, NEVER]);
  });

  test('take their fields away once they are over, and not before', () => {
    let byteCount = fill(true, PAIRS);
    setTimeOfField(block, AT, find('a', byteCount), 500);
    setTimeOfField(block, AT, find('z', byteCount), 300);
    setTimeOfField(block, AT, find('', byteCount), 400);
    byteCount = removeDueFields(block, AT, byteCount, 300);
    expect(content(byteCount, true)).toEqual(PAIRS);
    byteCount = removeDueFields(block, AT, byteCount, 401);
    const { a, longer, '12345': number } = PAIRS;
    expect(content(byteCount, true)).toEqual({ a, longer, '12345': number });
    expect([packedExpiringCount(block, AT), packedMinimum(block, AT)]).toEqual([1, 500]);
    byteCount = removeDueFields(block, AT, byteCount, NEVER);
    expect(content(byteCount, true)).toEqual({ longer, '12345': number });
    expect(packedMinimum(block, AT)).toBe(NEVER);
  });
});

describe('the checker of packed fields', () => {
  test.each([
    ['a count that is wrong', AT, 7],
    ['an entry that runs over the end', AT + 2, 0xbf],
  ])('finds %s', (_name, at, byte) => {
    const byteCount = fill(false, { a: '1', b: '2' });
    block.u8[at] = byte;
    expect(() => verifyPackedFields(block, AT, byteCount, false)).toThrow();
  });

  test('finds a time below the minimum', () => {
    const byteCount = fill(true, { a: '1' });
    setTimeOfField(block, AT, firstField(AT, true), 1000);
    writeTime(block, firstField(AT, true) - 6, 999);
    expect(() => verifyPackedFields(block, AT, byteCount, true)).toThrow('below the minimum');
  });
});
