import { describe, expect, test } from 'bun:test';
import { Bytes, copyBytes, equalBytes } from '../../src/base/bytes.ts';
import { Prng } from '../support/prng.ts';

const LENGTHS = [...Array.from({ length: 140 }, (_, i) => i), 255, 256, 1000, 5000];

function randomBytes(byteCount: number, seed: number): Bytes {
  const random = new Prng(seed);
  const bytes = Bytes.allocate(byteCount);
  for (let i = 0; i < byteCount; i++) bytes.u8[i] = random.next32();
  return bytes;
}

describe('copyBytes', () => {
  test('copies exactly the range, at every length and alignment, between private and shared memory', () => {
    const shared = new Bytes(new SharedArrayBuffer(6000));
    const source = randomBytes(6000, 1);
    for (const byteCount of LENGTHS) {
      for (const [fromAt, toAt] of [
        [0, 0],
        [3, 16],
        [8, 5],
        [7, 7],
      ] as const) {
        shared.u8.fill(0xee);
        copyBytes(source, fromAt, shared, toAt, byteCount);
        expect(shared.u8.compare(source.u8, fromAt, fromAt + byteCount, toAt, toAt + byteCount)).toBe(0);
        if (toAt > 0) expect(shared.u8[toAt - 1]).toBe(0xee);
        expect(shared.u8[toAt + byteCount]).toBe(0xee);
      }
    }
  });

  test('keeps bit patterns that are NaNs', () => {
    const source = Bytes.allocate(64);
    source.u8.fill(0xff);
    source.u8[3] = 0x7f;
    const target = Bytes.allocate(64);
    copyBytes(source, 0, target, 0, 64);
    expect(target.u8.equals(source.u8)).toBe(true);
  });
});

describe('equalBytes', () => {
  test('is true for the same bytes at every length and alignment', () => {
    const source = randomBytes(6000, 2);
    const target = Bytes.allocate(6000);
    for (const byteCount of LENGTHS) {
      source.u8.copy(target.u8, 5, 2, 2 + byteCount);
      expect(equalBytes(source, 2, target, 5, byteCount)).toBe(true);
    }
  });

  test('sees a difference of one bit anywhere, and none outside the range', () => {
    const source = randomBytes(200, 3);
    for (let byteCount = 1; byteCount < 70; byteCount++) {
      for (let at = 0; at < byteCount; at++) {
        const target = Bytes.allocate(200);
        source.u8.copy(target.u8);
        target.u8[8 + at]! ^= 0x10;
        expect(equalBytes(source, 8, target, 8, byteCount)).toBe(false);
        expect(equalBytes(source, 8, target, 8, at)).toBe(true);
        expect(equalBytes(source, 9 + at, target, 9 + at, byteCount)).toBe(true);
      }
    }
  });
});

test('a window of a larger buffer has its own positions', () => {
  const whole = Bytes.fromText('0123456789');
  const part = new Bytes(whole.u8.buffer, whole.u8.byteOffset + 4, 3);
  expect(part.u8.toString()).toBe('456');
  expect(part.view.getUint8(0)).toBe(0x34);
  expect(part.view.byteLength).toBe(3);
});
