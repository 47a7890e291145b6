/**
 * Times of expiry as commands take them: seconds or milliseconds, from now or since 1970, checked as Redis checks them.
 * Redis allows times up to 2^63 ms; ours end at 2^53 ms, the year 287396: later ones are accepted and mean that.
 */
import { Int64 } from '../base/int64.ts';
import { parseInteger } from '../base/number.ts';
import { isWord, parseInt64Argument } from './argument.ts';
import { invalidExpiry, NOT_AN_INTEGER } from './replies.ts';
import type { Call } from './row.ts';

export type ExpiryUnit = 'seconds' | 'milliseconds';

/** What an option word says about the expiry. The first four are followed by a time. */
export const enum ExpiryOption {
  Ex = 0,
  Px = 1,
  ExAt = 2,
  PxAt = 3,
  KeepTtl = 4,
  Persist = 5,
  None = 6,
}

/** Whether the option is followed by a time: for `parseExpiryOption`. */
export function takesTime(option: ExpiryOption): boolean {
  return option <= ExpiryOption.PxAt;
}

/** The option that argument `index` spells, in any case. */
export function expiryOptionAt(call: Call, index: number): ExpiryOption {
  switch (call.args[index * 2 + 1]) {
    case 2:
      if (isWord(call, index, 'EX')) return ExpiryOption.Ex;
      return isWord(call, index, 'PX') ? ExpiryOption.Px : ExpiryOption.None;
    case 4:
      if (isWord(call, index, 'EXAT')) return ExpiryOption.ExAt;
      return isWord(call, index, 'PXAT') ? ExpiryOption.PxAt : ExpiryOption.None;
    case 7:
      if (isWord(call, index, 'KEEPTTL')) return ExpiryOption.KeepTtl;
      return isWord(call, index, 'PERSIST') ? ExpiryOption.Persist : ExpiryOption.None;
    default:
      return ExpiryOption.None;
  }
}

/** `parseExpiry` of the time at argument `index` that belongs to `option` (EX, PX, EXAT or PXAT). */
export function parseExpiryOption(call: Call, index: number, option: ExpiryOption): number {
  const unit = option === ExpiryOption.Ex || option === ExpiryOption.ExAt ? 'seconds' : 'milliseconds';
  return parseExpiry(call, index, unit, option >= ExpiryOption.ExAt);
}

/**
 * Argument `index` as a time of expiry in Unix milliseconds. It must be positive, as for SET, SETEX and GETEX. NaN: it
 * is not acceptable, and the error has been replied. The time may be past (`hasPassed`).
 */
export function parseExpiry(call: Call, index: number, unit: ExpiryUnit, isAbsolute: boolean): number {
  return parseTime(call, index, unit, isAbsolute, false);
}

/** `parseExpiry` for EXPIRE and its kin, which also take zero and negative times. */
export function parseSignedExpiry(call: Call, index: number, unit: ExpiryUnit, isAbsolute: boolean): number {
  return parseTime(call, index, unit, isAbsolute, true);
}

/** Whether a key with this time of expiry should rather be removed at once. */
export function hasPassed(call: Call, whenMs: number): boolean {
  return whenMs <= call.keyspace.nowMs;
}

/** Times up to here, in either unit, cannot overflow anything. */
const FAST_LIMIT = 1e12;
const INT64_MAX = (1n << 63n) - 1n;
const TIME_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const scratchTime = new Int64();

function parseTime(
  call: Call,
  index: number,
  unit: ExpiryUnit,
  isAbsolute: boolean,
  isSigned: boolean,
): number {
  const at = call.args[index * 2]!;
  const value = parseInteger(call.source.u8, at, at + call.args[index * 2 + 1]!);
  if (!(value >= -FAST_LIMIT && value <= FAST_LIMIT)) {
    return parseWideTime(call, index, unit, isAbsolute, isSigned);
  }
  if (value <= 0 && !isSigned) return refuse(call);
  return (unit === 'seconds' ? value * 1000 : value) + (isAbsolute ? 0 : call.keyspace.nowMs);
}

/** The rare rest: no integer, or one near the limits of 64 bits. */
function parseWideTime(
  call: Call,
  index: number,
  unit: ExpiryUnit,
  isAbsolute: boolean,
  isSigned: boolean,
): number {
  if (!parseInt64Argument(call, index, scratchTime)) {
    call.reply.error(NOT_AN_INTEGER);
    return NaN;
  }
  const value = (BigInt(scratchTime.hi) << 32n) | BigInt(scratchTime.lo >>> 0);
  const timeMs = unit === 'seconds' ? value * 1000n : value;
  const whenMs = timeMs + (isAbsolute ? 0n : BigInt(call.keyspace.nowMs));
  if ((value <= 0n && !isSigned) || timeMs < -INT64_MAX - 1n || whenMs > INT64_MAX) return refuse(call);
  return Number(whenMs > TIME_MAX ? TIME_MAX : whenMs < -TIME_MAX ? -TIME_MAX : whenMs);
}

function refuse(call: Call): number {
  invalidExpiry(call.reply, call.row.name.toLowerCase());
  return NaN;
}
