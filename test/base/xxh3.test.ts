import { expect, test } from 'bun:test';
import { xxh3, xxh3Hex } from '../../src/base/xxh3.ts';

/** From the reference implementation, seed 0, over bytes i * 131 + 7: each side of every length at which XXH3
 *  changes its method. */
const VECTORS: [number, string][] = [
  [0, '2d06800538d394c2'],
  [1, '4c5cca45d0f4811f'],
  [3, '6e3e2670e61106ac'],
  [4, '5c4c63133443d03f'],
  [8, 'f9fd4dd0b04d78f5'],
  [9, '7c20df9712c26edf'],
  [16, '86abf6baccea0858'],
  [17, 'b58bf5dc5022d071'],
  [128, '10d17f72c0ccba41'],
  [129, '1648bdc3db49d1a2'],
  [240, 'b6cfaf343fab81e6'],
  [241, '956cae592c67279e'],
  [512, 'a0e9790eb93990d7'],
  [1024, '70bd377d9574f4bb'],
  [1025, '66c4487c41e127a7'],
  [5000, 'e4007929540f095c'],
];

const fill = (into: Uint8Array, byteCount: number): void => {
  for (let i = 0; i < byteCount; i++) into[3 + i] = i * 131 + 7;
};

test('equals the reference at every change of method, in ordinary and in shared memory', () => {
  const ordinary = new Uint8Array(5010);
  const shared = new Uint8Array(new SharedArrayBuffer(5010));
  for (const [byteCount, digest] of VECTORS) {
    for (const memory of [ordinary, shared]) {
      fill(memory, byteCount);
      expect(xxh3Hex(memory, 3, 3 + byteCount)).toBe(digest);
      expect(xxh3(memory, 3, 3 + byteCount)).toBe(BigInt(`0x${digest}`));
    }
  }
});

test('keeps leading zeros', () => {
  const bytes = new Uint8Array(4);
  const view = new DataView(bytes.buffer);
  let found = '';
  for (let i = 0; i < 1000 && !found.startsWith('0'); i++) {
    view.setUint32(0, i);
    found = xxh3Hex(bytes, 0, 4);
    expect(found).toMatch(/^[0-9a-f]{16}$/);
  }
  expect(found).toStartWith('0');
});
