/**
 * The arguments of the commands around field expiry: FIELDS with a count and the fields, and the options beside it.
 * Redis: requests are read as 8.8 reads them, options in front of FIELDS or behind its fields, and those that it refuses
 * are refused in the words of 8.0.
 */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { TimeCondition } from '../../store/hash/hash.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { ExpiryOption, expiryOptionAt, type ExpiryUnit, takesTime } from '../expiry-argument.ts';
import { invalidExpiry, NOT_AN_INTEGER, wrongArity } from '../replies.ts';
import type { Call } from '../row.ts';

const FIELDS_MISSING = 'ERR Mandatory argument FIELDS is missing or not at the right position';
const COUNT_MISMATCH = 'ERR The `numfields` parameter must match the number of arguments';
const COUNT_NOT_POSITIVE = 'ERR Number of fields must be a positive integer';
const EXPIRE_COUNT_NOT_POSITIVE = 'ERR Parameter `numFields` should be greater than 0';
const INVALID_COUNT = 'ERR invalid number of fields';

/** Redis: the latest time a field can have, 2^46 - 1 ms. */
const TIME_MAX_MS = 2 ** 46 - 1;
const INT32_MAX = 2147483647;

/** Whether fields must exist: HSETEX's FNX and FXX. */
export const enum FieldCondition {
  None = 0,
  NoneExists = 1,
  AllExist = 2,
}

/** What one request asks for. Kept and filled again for request after request. */
export class FieldOptions {
  /** Argument of the first field, and how many fields there are. */
  first = 0;
  count = 0;
  expiry = ExpiryOption.None;
  /** The time that belongs to `expiry`, in Unix milliseconds. */
  timeMs = 0;
  timeCondition = TimeCondition.None;
  fieldCondition = FieldCondition.None;

  clear(): void {
    this.first = 0;
    this.count = 0;
    this.expiry = ExpiryOption.None;
    this.timeMs = 0;
    this.timeCondition = TimeCondition.None;
    this.fieldCondition = FieldCondition.None;
  }
}

const scratchNumber = new Int64();

/** Replies with an error. Returns false, for parsers to pass on. */
function refuse(call: Call, text: string): false {
  call.reply.error(text);
  return false;
}

/** Argument `index` as a number of fields from 1 to 2^63 (rounded), or NaN. */
function parseCount(call: Call, index: number): number {
  if (index >= call.count || !parseInt64Argument(call, index, scratchNumber)) return NaN;
  const count = int64ToNumber(scratchNumber);
  return count >= 1 ? count : NaN;
}

/** Takes in FIELDS at argument `index` and what belongs to it. False: the error has been replied. */
function takeFields(call: Call, index: number, wrongCount: string, into: FieldOptions): boolean {
  const count = parseCount(call, index + 1);
  if (count !== count) return refuse(call, wrongCount);
  if (count > call.count - index - 2) return refuse(call, COUNT_MISMATCH);
  into.first = index + 2;
  into.count = count;
  return true;
}

/** The arguments of HTTL, HPERSIST, HGETDEL and their kin: FIELDS and nothing else. False: the error has been replied. */
export function parseFields(call: Call, into: FieldOptions): boolean {
  into.clear();
  if (!isWord(call, 2, 'FIELDS')) return refuse(call, FIELDS_MISSING);
  if (!takeFields(call, 2, COUNT_NOT_POSITIVE, into)) return false;
  return into.first + into.count === call.count || refuse(call, COUNT_MISMATCH);
}

/** The arguments of HEXPIRE and its kin behind the key. False: the error has been replied. */
export function parseExpireOptions(
  call: Call,
  unit: ExpiryUnit,
  isAbsolute: boolean,
  into: FieldOptions,
): boolean {
  into.clear();
  if (!parseTime(call, 2, unit, isAbsolute, into)) return false;
  for (let index = 3; index < call.count;) {
    if (into.first === 0 && isWord(call, index, 'FIELDS')) {
      if (!takeFields(call, index, EXPIRE_COUNT_NOT_POSITIVE, into)) return false;
      index += 2 + into.count;
      continue;
    }
    const condition = timeConditionAt(call, index);
    if (condition === TimeCondition.None || into.timeCondition !== TimeCondition.None) {
      return refuseStranger(call, into);
    }
    into.timeCondition = condition;
    index++;
  }
  return into.first !== 0 || refuse(call, FIELDS_MISSING);
}

/** Refuses an argument that has no place where it stands. */
function refuseStranger(call: Call, options: FieldOptions): false {
  return refuse(call, options.first === 0 ? FIELDS_MISSING : COUNT_MISMATCH);
}

function timeConditionAt(call: Call, index: number): TimeCondition {
  if (isWord(call, index, 'NX')) return TimeCondition.IfNone;
  if (isWord(call, index, 'XX')) return TimeCondition.IfSome;
  if (isWord(call, index, 'GT')) return TimeCondition.IfLater;
  return isWord(call, index, 'LT') ? TimeCondition.IfEarlier : TimeCondition.None;
}

/** The arguments of HGETEX behind the key. False: the error has been replied. */
export function parseGetOptions(call: Call, into: FieldOptions): boolean {
  into.clear();
  for (let index = 2; index < call.count;) {
    if (into.first === 0 && isWord(call, index, 'FIELDS')) {
      if (!takeFields(call, index, COUNT_NOT_POSITIVE, into)) return false;
      index += 2 + into.count;
      continue;
    }
    const option = expiryOptionAt(call, index);
    const isOurs = takesTime(option) || option === ExpiryOption.Persist;
    if (!isOurs || into.expiry !== ExpiryOption.None) return refuseStranger(call, into);
    into.expiry = option;
    index++;
    if (!takesTime(option)) continue;
    if (index === call.count) return refuseStranger(call, into);
    if (!parseOptionTime(call, index, option, into)) return false;
    index++;
  }
  return into.first !== 0 || refuse(call, FIELDS_MISSING);
}

/** The arguments of HSETEX behind the key. False: the error has been replied. */
export function parseSetOptions(call: Call, into: FieldOptions): boolean {
  into.clear();
  for (let index = 2; index < call.count;) {
    if (into.first === 0 && isWord(call, index, 'FIELDS')) {
      if (!takePairs(call, index, into)) return false;
      index = into.first + into.count * 2;
      continue;
    }
    const taken = takeSetOption(call, index, into);
    if (taken === 0) return false;
    index += taken;
  }
  if (into.first === 0) wrongArity(call.reply, 'hsetex');
  return into.first !== 0;
}

function takePairs(call: Call, index: number, into: FieldOptions): boolean {
  const rest = call.count - index - 2;
  const count = rest < 2 ? 0 : parseCount(call, index + 1);
  if (count !== count || count > INT32_MAX) return refuse(call, INVALID_COUNT);
  if (count === 0 || count * 2 > rest) {
    wrongArity(call.reply, 'hsetex');
    return false;
  }
  into.first = index + 2;
  into.count = count;
  return true;
}

/** Takes in the option at argument `index`. Returns how many arguments it is, 0: the error has been replied. */
function takeSetOption(call: Call, index: number, into: FieldOptions): number {
  const option = expiryOptionAt(call, index);
  if (takesTime(option) || option === ExpiryOption.KeepTtl) {
    if (into.expiry !== ExpiryOption.None) {
      call.reply.error('ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified');
      return 0;
    }
    into.expiry = option;
    if (!takesTime(option)) return 1;
    if (index + 1 < call.count) return parseOptionTime(call, index + 1, option, into) ? 2 : 0;
    call.reply.error('ERR missing expire time');
    return 0;
  }
  const condition = isWord(call, index, 'FXX')
    ? FieldCondition.AllExist
    : isWord(call, index, 'FNX')
      ? FieldCondition.NoneExists
      : FieldCondition.None;
  if (condition !== FieldCondition.None && into.fieldCondition === FieldCondition.None) {
    into.fieldCondition = condition;
    return 1;
  }
  if (condition !== FieldCondition.None) {
    call.reply.error('ERR Only one of FXX or FNX arguments can be specified');
  } else if (into.first !== 0) wrongArity(call.reply, 'hsetex');
  else call.reply.error(`ERR unknown argument: ${call.text(index)}`);
  return 0;
}

function parseOptionTime(call: Call, index: number, option: ExpiryOption, into: FieldOptions): boolean {
  const unit = option === ExpiryOption.Ex || option === ExpiryOption.ExAt ? 'seconds' : 'milliseconds';
  return parseTime(call, index, unit, option >= ExpiryOption.ExAt, into);
}

/** Argument `index` as the time at which fields are to expire; it may be past. False: the error has been replied. */
function parseTime(
  call: Call,
  index: number,
  unit: ExpiryUnit,
  isAbsolute: boolean,
  into: FieldOptions,
): boolean {
  if (!parseInt64Argument(call, index, scratchNumber)) return refuse(call, NOT_AN_INTEGER);
  const value = int64ToNumber(scratchNumber);
  if (value < 0) return refuse(call, 'ERR invalid expire time, must be >= 0');
  into.timeMs = (unit === 'seconds' ? value * 1000 : value) + (isAbsolute ? 0 : call.keyspace.nowMs);
  if (into.timeMs <= TIME_MAX_MS) return true;
  invalidExpiry(call.reply, call.row.name.toLowerCase());
  return false;
}
