import { expect, test } from 'bun:test';
import { formatFixed, formatHuman } from '../../src/base/fixed.ts';

test('rounds as printf does: exact halves to even', () => {
  expect(formatFixed(0.03125, 4)).toBe('0.0312');
  expect(formatFixed(0.09375, 4)).toBe('0.0938');
  expect(formatFixed(-0.03125, 4)).toBe('-0.0312');
  expect(formatFixed(0.00005, 4)).toBe('0.0001');
  expect(formatFixed(166274.15156960033, 4)).toBe('166274.1516');
  expect(formatFixed(200.0078125, 6)).toBe('200.007812');
  expect(formatFixed(200.0234375, 6)).toBe('200.023438');
  expect(formatFixed(0, 4)).toBe('0.0000');
  expect(formatFixed(1e30, 6)).toBe('1000000000000000019884624838656.000000');
  expect(formatFixed(Infinity, 6)).toBe('inf');
  expect(formatFixed(-Infinity, 6)).toBe('-inf');
  expect(formatFixed(NaN, 4)).toBe('nan');
});

test('numbers for people have no zeros at their end', () => {
  expect(formatHuman(13.361389338970184)).toBe('13.36138933897018433');
  expect(formatHuman(-180)).toBe('-180');
  expect(formatHuman(100)).toBe('100');
  expect(formatHuman(0.5)).toBe('0.5');
  expect(formatHuman(-1e-20)).toBe('0');
  // An odd multiple of 2^-18: its eighteenth decimal is a five, and the seventeenth is even.
  expect(formatHuman(2 ** -18)).toBe('0.00000381469726562');
});
