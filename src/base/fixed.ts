/** Numbers with a fixed count of decimals, as C's printf writes them: an exact half goes to the even digit. */

/** From here on toFixed answers in scientific notation; such numbers are integers. */
const TO_FIXED_LIMIT = 1e21;

/** As "%.<decimals>f"; `decimals` is at least 1. */
export function formatFixed(value: number, decimals: number): string {
  if (value !== value) return 'nan';
  if (Math.abs(value) === Infinity) return value > 0 ? 'inf' : '-inf';
  if (Math.abs(value) >= TO_FIXED_LIMIT) return `${BigInt(value)}.${'0'.repeat(decimals)}`;
  const text = value.toFixed(decimals);
  // toFixed takes halves away from zero. A half is one with exactly one decimal more, which is one binary digit more too.
  const isHalf = Math.abs((value * 2 ** (decimals + 1)) % 2) === 1;
  if (!isHalf) return text;
  const longer = value.toFixed(decimals + 1).slice(0, -1);
  return Number(longer.at(-1)) % 2 === 0 ? longer : text;
}

/** As Redis writes a long double for people: "%.17Lf" without trailing zeros. */
export function formatHuman(value: number): string {
  const text = formatFixed(value, 17).replace(/\.?0+$/, '');
  return text === '-0' ? '0' : text;
}
