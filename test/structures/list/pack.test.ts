import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import {
  countRun,
  nextEntry,
  packedBytes,
  previousEntry,
  readEntry,
  seekEntry,
  writePacked,
} from '../../../src/structures/list/pack.ts';
import { Element, encodeElement, EntryText } from '../../../src/structures/packed-entry.ts';

const START = 3;

/** A run of these texts from START on, and where it ends. */
function runOf(texts: readonly string[]): { bytes: Bytes; end: number } {
  const bytes = Bytes.allocate(START + texts.reduce((sum, text) => sum + text.length + 10, 0) + 8);
  const element = new Element();
  let at = START;
  for (const text of texts) {
    encodeElement(element, Bytes.fromText(text), 0, Buffer.byteLength(text));
    writePacked(element, bytes, at);
    at += packedBytes(element);
  }
  return { bytes, end: at };
}

function forward({ bytes, end }: { bytes: Bytes; end: number }): string[] {
  const text = new EntryText();
  const texts: string[] = [];
  for (let at = START; at < end; at = nextEntry(bytes, at)) {
    expect(readEntry(bytes, at, text)).toBe(nextEntry(bytes, at));
    texts.push(text.toString());
  }
  return texts;
}

function backward({ bytes, end }: { bytes: Bytes; end: number }): string[] {
  const text = new EntryText();
  const texts: string[] = [];
  for (let at = end; at > START;) {
    at = previousEntry(bytes, at);
    text.point(bytes, at);
    texts.push(text.toString());
  }
  return texts;
}

/** Every kind of entry. */
const MIXED = ['', '0', '127', '128', '-4096', '70000', '-8388608', '99999999', '9223372036854775807', 'abc'];
/** Texts around the lengths at which the length behind an entry takes another byte. */
const EDGES = [62, 63, 64, 124, 125, 126, 127, 4095, 4096, 16377, 16378, 16379, 2_097_144, 2_097_147].map(
  (byteCount) => 'x'.repeat(byteCount),
);

describe('runs of packed entries', () => {
  test.each([[MIXED], [EDGES], [[...EDGES, ...MIXED]]])('are walked in both directions', (texts) => {
    const run = runOf(texts);
    expect(forward(run)).toEqual([...texts]);
    expect(backward(run)).toEqual(texts.toReversed());
    expect(countRun(run.bytes, START, run.end)).toBe(texts.length);
  });

  test('find entries by index from either end', () => {
    const { bytes, end } = runOf(MIXED);
    let at = START;
    for (let index = 0; index <= MIXED.length; index++) {
      expect(seekEntry(bytes, START, end, MIXED.length, index)).toBe(at);
      if (index < MIXED.length) at = nextEntry(bytes, at);
    }
  });

  test('have behind each entry the bytes that listpack has there', () => {
    // Entry bytes and, as listpack writes them, the bytes of that number.
    const lengths: [number, string][] = [
      [1, '01'],
      [127, '7f'],
      [128, '0180'],
      [16382, '7ffe'],
      [16383, '00ffff'],
      [2_097_150, '7ffffe'],
      [2_097_151, '00ffffff'],
    ];
    for (const [entryBytes, hex] of lengths) {
      const headBytes = entryBytes <= 64 ? 1 : entryBytes <= 4097 ? 2 : 5;
      const text = entryBytes === 1 ? '' : 'x'.repeat(entryBytes - headBytes);
      const { bytes, end } = runOf([text]);
      expect(bytes.u8.toString('hex', START + entryBytes, end)).toBe(hex);
    }
  });

  test('are told from what is no run', () => {
    const { bytes, end } = runOf(['abc', 'def']);
    expect(countRun(bytes, START, end - 1)).toBe(-1);
    bytes.u8[end - 1] = 3;
    expect(countRun(bytes, START, end)).toBe(-1);
  });
});
