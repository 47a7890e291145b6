/** Amounts of memory as people write them in redis.conf ("100mb") and read them in INFO ("1.00M"). */

const MULTIPLIERS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1000],
  ['kb', 1024],
  ['m', 1000 ** 2],
  ['mb', 1024 ** 2],
  ['g', 1000 ** 3],
  ['gb', 1024 ** 3],
]);

/** Bytes meant by "1024", "1k" (1000), "1kb" (1024), "100MB", "1gb"; NaN for anything else or beyond 2^53. */
export function parseMemorySize(text: string): number {
  const match = /^(\d+)([a-z]*)$/i.exec(text);
  const multiplier = MULTIPLIERS.get(match?.[2]?.toLowerCase() ?? 'none');
  if (!match || multiplier === undefined) return NaN;
  const bytes = Number(match[1]) * multiplier;
  return bytes <= Number.MAX_SAFE_INTEGER ? bytes : NaN;
}

/** As INFO's used_memory_human: "512B", "976.56K", "1.00M", up to petabytes. */
export function formatMemoryHuman(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${twoDecimals(value)}${UNITS[unit]}`;
}

const UNITS = 'KMGTP';

/** printf's %.2f. toFixed(2) rounds exact halves up and printf to even, and eighths are common here (1152 bytes). */
function twoDecimals(value: number): string {
  const whole = Math.floor(value);
  const scaled = (value - whole) * 100;
  let hundredths = Math.floor(scaled);
  const rest = scaled - hundredths;
  if (rest > 0.5 || (rest === 0.5 && hundredths % 2 === 1)) hundredths++;
  if (hundredths === 100) return `${whole + 1}.00`;
  return `${whole}.${String(hundredths).padStart(2, '0')}`;
}
