import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Crc64 } from '../../src/base/crc64.ts';
import { freshSeed } from '../support/seed.ts';

const POLYNOMIAL = 0x95ac9329ac4bc9b5n;

/** Bit by bit, as the definition has it. */
function slowly(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 0n ? crc >> 1n : (crc >> 1n) ^ POLYNOMIAL;
  }
  return crc;
}

function sumOf(crc: Crc64): bigint {
  return (BigInt(crc.hi >>> 0) << 32n) | BigInt(crc.lo >>> 0);
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

describe('Crc64', () => {
  test('gives the check value of the Jones polynomial', () => {
    const crc = new Crc64();
    crc.update(viewOf(Buffer.from('123456789')), 0, 9);
    expect(sumOf(crc)).toBe(0xe9c6d914c4b8d9can);
  });

  test('agrees with the definition for every length and place, and in pieces', () => {
    const run = (bytes: Uint8Array, cut: number): void => {
      const crc = new Crc64();
      const middle = Math.min(cut, bytes.length);
      crc.update(viewOf(bytes), 0, middle);
      crc.update(viewOf(bytes), middle, bytes.length);
      expect(sumOf(crc)).toBe(slowly(bytes));
      crc.reset();
      expect(sumOf(crc)).toBe(0n);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), run), {
      seed: freshSeed('crc64'),
    });
  });
});
