import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Bytes } from '../../src/base/bytes.ts';
import { compress, decompress } from '../../src/persist/lzf.ts';
import { freshSeed } from '../support/seed.ts';

function bytesOf(content: Uint8Array): Bytes {
  const bytes = Bytes.allocate(content.length);
  bytes.u8.set(content);
  return bytes;
}

function packed(content: Uint8Array, bytesMax: number): Buffer | null {
  const into = Bytes.allocate(bytesMax + 16);
  into.u8.fill(0xee);
  const byteCount = compress(bytesOf(content), 0, content.length, into, 8, bytesMax);
  expect(into.u8.subarray(0, 8).every((byte) => byte === 0xee)).toBe(true);
  expect(into.u8.subarray(8 + bytesMax).every((byte) => byte === 0xee)).toBe(true);
  return byteCount === 0 ? null : Buffer.from(into.u8.subarray(8, 8 + byteCount));
}

function unpacked(content: Uint8Array, byteCount: number): Buffer | null {
  const into = Bytes.allocate(byteCount + 16);
  into.u8.fill(0xee);
  const isSound = decompress(bytesOf(content), 0, content.length, into, 8, byteCount);
  expect(into.u8.subarray(0, 8).every((byte) => byte === 0xee)).toBe(true);
  expect(into.u8.subarray(8 + byteCount).every((byte) => byte === 0xee)).toBe(true);
  return isSound ? Buffer.from(into.u8.subarray(8, 8 + byteCount)) : null;
}

/** Texts of few letters, so that there is something to find. */
const repetitive = fc
  .array(fc.constantFrom('a', 'b', 'abc', 'abcabc', '0123456789'), { maxLength: 400 })
  .map((parts) => Buffer.from(parts.join('')));

describe('LZF', () => {
  test('gives back what it was given, and stays within its bounds', () => {
    const run = (content: Uint8Array, cut: number): void => {
      const whole = packed(content, content.length + 64);
      if (content.length > 0) expect(unpacked(whole!, content.length)?.equals(content)).toBe(true);
      const short = packed(content, cut);
      if (short !== null) expect(unpacked(short, content.length)?.equals(content)).toBe(true);
    };
    const seed = freshSeed('lzf');
    fc.assert(fc.property(repetitive, fc.nat(300), run), { seed });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), run), { seed });
  });

  test('makes little of what repeats itself, near and far', () => {
    const far = Buffer.concat([
      Buffer.from('a first part of it'),
      Buffer.alloc(8000, '-'),
      Buffer.from('a first part of it'),
    ]);
    const whole = packed(far, far.length)!;
    expect(whole.length).toBeLessThan(200);
    expect(unpacked(whole, far.length)?.equals(far)).toBe(true);
  });

  test('tells the same text in the same bytes, whatever was compressed before', () => {
    const content = Buffer.from('abcabcabcabcabcabcabcabcabcabcabcabc');
    const first = packed(content, 100)!;
    packed(Buffer.from('xabcabcabcyabcabcabcabcabcabcabcabczabcabc'), 100);
    expect(packed(content, 100)!.equals(first)).toBe(true);
  });

  test('refuses what is none, and a length that is not its own', () => {
    const content = Buffer.from('abcabcabcabcabcabcabcabcabcabcabcabc');
    const whole = packed(content, 100)!;
    expect(unpacked(whole, content.length - 1)).toBeNull();
    expect(unpacked(whole, content.length + 1)).toBeNull();
    expect(unpacked(whole.subarray(0, -1), content.length)).toBeNull();
    expect(unpacked(Buffer.from([0x20, 0x00]), 3)).toBeNull();
    expect(unpacked(Buffer.from([0xe0]), 9)).toBeNull();
    const run = (bytes: Uint8Array, byteCount: number): void => void unpacked(bytes, byteCount);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(600), run), {
      seed: freshSeed('lzf noise'),
    });
  });
});
