/** Sparse HyperLogLogs against plain arrays of registers. That their bytes are Redis' is test/differential's to show. */
import { expect, test } from 'bun:test';
import {
  describeSparse,
  estimateSparse,
  HyperLogLogImage,
  mergeSparse,
  Raise,
} from '../../../src/structures/hyperloglog/image.ts';
import {
  DENSE_BYTES,
  estimateDense,
  estimateRegisters,
  mergeDense,
  raiseDense,
  REGISTER_COUNT,
} from '../../../src/structures/hyperloglog/registers.ts';
import { chooseSeed } from '../../support/differential.ts';
import { Prng } from '../../support/prng.ts';

const seed = chooseSeed();

function registersOf(image: HyperLogLogImage): Uint8Array {
  const registers = new Uint8Array(REGISTER_COUNT);
  const { u8 } = image.bytes;
  if (image.isDense) mergeDense(u8, 0, registers);
  else expect(mergeSparse(u8, 0, image.byteCount, registers)).toBe(true);
  return registers;
}

test.each([0, 200, 3000, 100_000])(
  'raises registers as an array does, sparse up to %d bytes',
  (sparseBytes) => {
    console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
    const random = new Prng(seed + sparseBytes);
    const image = new HyperLogLogImage();
    for (const [width, valueMax] of [
      [REGISTER_COUNT, 8],
      [60, 3],
      [2000, 32],
      [REGISTER_COUNT, 51],
    ] as const) {
      image.clear();
      const wanted = new Uint8Array(REGISTER_COUNT);
      for (let round = 0; round < 1500; round++) {
        const index = random.below(width);
        const value = 1 + random.below(valueMax);
        const isRaised = value > wanted[index]!;
        expect(image.raise(index, value, sparseBytes)).toBe(isRaised ? Raise.Raised : Raise.Same);
        if (isRaised) wanted[index] = value;
        if (!image.isDense && round > 100)
          expect(image.byteCount).toBeLessThanOrEqual(Math.max(sparseBytes, 18));
      }
      expect(registersOf(image)).toEqual(wanted);
      const { u8 } = image.bytes;
      const estimated = image.isDense ? estimateDense(u8, 0) : estimateSparse(u8, 0, image.byteCount);
      expect(estimated).toBe(estimateRegisters(wanted));
      expect(image.becomeDense()).toBe(true);
      expect(image.byteCount).toBe(DENSE_BYTES);
      expect(registersOf(image)).toEqual(wanted);
    }
  },
);

test('neighbours of one value share a run', () => {
  const image = new HyperLogLogImage();
  image.clear();
  const describe = (): string => describeSparse(image.bytes.u8, 0, image.byteCount);
  expect(describe()).toBe('Z:16384');
  for (const index of [10, 12, 11, 13, 14]) image.raise(index, 2, 3000);
  expect(describe()).toBe('z:10 v:2,4 v:2,1 Z:16369');
  image.raise(11, 3, 3000);
  expect(describe()).toBe('z:10 v:2,1 v:3,1 v:2,3 Z:16369');
  image.raise(16383, 1, 3000);
  expect(describe()).toBe('z:10 v:2,1 v:3,1 v:2,3 Z:16368 v:1,1');
});

test('a register of a dense one is raised without a change to its neighbours', () => {
  const random = new Prng(seed);
  const u8 = new Uint8Array(DENSE_BYTES);
  const wanted = new Uint8Array(REGISTER_COUNT);
  for (let round = 0; round < 50_000; round++) {
    const index = random.below(REGISTER_COUNT);
    const value = random.below(64);
    expect(raiseDense(u8, 0, index, value)).toBe(value > wanted[index]!);
    wanted[index] = Math.max(value, wanted[index]!);
  }
  const registers = new Uint8Array(REGISTER_COUNT);
  mergeDense(u8, 0, registers);
  expect(registers).toEqual(wanted);
});
