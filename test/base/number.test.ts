import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatInteger, integerDigits, parseInteger } from '../../src/base/number.ts';

const SAFE_MAX = Number.MAX_SAFE_INTEGER;
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const parse = (text: string): number => parseInteger(bytesOf(`<${text}>`), 1, text.length + 1);

function format(value: number): string {
  const room = new Uint8Array(32).fill(0x23);
  const end = formatInteger(room, 3, value);
  expect(room.subarray(0, 3)).toEqual(bytesOf('###'));
  expect(room[end]).toBe(0x23);
  return Buffer.from(room.subarray(3, end)).toString('latin1');
}

/** Around every power of ten and of two, and every multiple of 1e9 that could tempt a quotient to round up. */
function* edges(): Generator<number> {
  for (let power = 0; power <= 15; power++) for (const d of [-1, 0, 1]) yield 10 ** power + d;
  for (let power = 0; power <= 52; power++) for (const d of [-1, 0, 1]) yield 2 ** power + d;
  for (const high of [4194304, 8388607, 8388608, 8388609, 9007198, 9007199]) {
    for (const d of [-1, 0, 1]) yield high * 1e9 + d;
  }
  yield SAFE_MAX;
}

describe('formatInteger', () => {
  test('prints what String prints, at every edge and sign', () => {
    for (const value of edges()) {
      expect(format(value)).toBe(String(value));
      expect(format(-value)).toBe(value === 0 ? '0' : String(-value));
    }
  });

  test('prints what String prints for any safe integer, in integerDigits bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -999, max: 999 })),
        (value) => {
          expect(format(value)).toBe(String(value));
          expect(integerDigits(value)).toBe(String(value).length);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('parseInteger', () => {
  test('reads back every safe integer', () => {
    for (const value of edges()) {
      expect(parse(String(value))).toBe(value);
      if (value > 0) expect(parse(String(-value))).toBe(-value);
    }
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => Object.is(parse(String(value)), value)));
  });

  test('refuses everything that is not exactly one safe integer', () => {
    const refused = ['', '-', '-0', '+1', ' 1', '1 ', '01', '-01', '00', '1.0', '1e3', '0x10', 'abc', '--1'];
    const tooLarge = ['9007199254740992', '9007199254740993', '-9007199254740992', '99999999999999999'];
    for (const text of [...refused, ...tooLarge]) expect(parse(text)).toBeNaN();
  });

  test('agrees with a regular expression on short arbitrary texts', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789-+ ./:'), maxLength: 18 });
    fc.assert(
      fc.property(text, (candidate) => {
        const isStrict = /^(0|-?[1-9]\d*)$/.test(candidate) && Number.isSafeInteger(Number(candidate));
        expect(parse(candidate)).toBe(isStrict ? Number(candidate) : NaN);
      }),
      { numRuns: 5000 },
    );
  });
});
