/** Numbers as C's printf writes them: what Lua, cjson and redis.call make of a number that becomes text. */

/** `%.<precision>g`. */
export function formatGeneral(value: number, precision: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const text = value.toExponential(precision - 1);
  const split = text.indexOf('e');
  const exponent = Number(text.slice(split + 1));
  if (exponent >= -4 && exponent < precision) {
    return withoutZeros(value.toFixed(precision - 1 - exponent));
  }
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  return `${withoutZeros(text.slice(0, split))}e${exponent < 0 ? '-' : '+'}${digits}`;
}

function withoutZeros(digits: string): string {
  if (!digits.includes('.')) return digits;
  return digits.replace(/\.?0+$/, '');
}

/** `%.17g` with a short way for the integers that most numbers are. */
export function formatExact(value: number): string {
  if (Number.isInteger(value) && value < 1e17 && value > -1e17 && value !== 0) return String(value);
  return formatGeneral(value, 17);
}
