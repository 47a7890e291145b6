/** The timeouts of blocking commands: seconds with a fraction, read as a long double as Redis does. */
import { parseFloatStrict } from '../base/double.ts';
import { parseLongDouble } from '../base/long-double.ts';
import type { Call } from './row.ts';

/** Up to this many seconds nothing can overflow. */
const FAST_SECONDS_MAX = 1e9;
const INT64_MAX = (1n << 63n) - 1n;
const NOT_A_TIMEOUT = 'ERR timeout is not a float or out of range';
const NEGATIVE = 'ERR timeout is negative';
const OUT_OF_RANGE = 'ERR timeout is out of range';

/** Argument `index` as a timeout in milliseconds, rounded up; 0 is for ever. NaN: it is none, and the error has been replied. */
export function timeoutArgument(call: Call, index: number): number {
  const at = call.args[index * 2]!;
  const end = at + call.args[index * 2 + 1]!;
  const seconds = parseFloatStrict(call.source.u8, at, end);
  if (seconds >= 0 && seconds <= FAST_SECONDS_MAX) return Math.ceil(seconds * 1000);
  const timeout = parseWideTimeout(call, at, end);
  if (typeof timeout === 'number') return timeout;
  call.reply.error(timeout);
  return NaN;
}

/** The rare rest: negative, huge, or no number. */
function parseWideTimeout(call: Call, at: number, end: number): number | string {
  const seconds = parseLongDouble(call.source.u8, at, end);
  if (seconds === null) return NOT_A_TIMEOUT;
  const { mantissa, exponent } = seconds;
  if (exponent === Infinity) return mantissa < 0n ? NEGATIVE : OUT_OF_RANGE;
  const timeMs = ceiling(mantissa * 1000n, exponent);
  // Redis: what rounds to 0 is no negative number, and so for ever.
  if (timeMs < 0n) return NEGATIVE;
  return timeMs + BigInt(call.keyspace.nowMs) > INT64_MAX ? OUT_OF_RANGE : Number(timeMs);
}

/** The least integer that is not below `mantissa` x 2^exponent. */
function ceiling(mantissa: bigint, exponent: number): bigint {
  if (exponent >= 0) return mantissa << BigInt(exponent);
  // A shift to the right rounds down.
  return -(-mantissa >> BigInt(-exponent));
}
