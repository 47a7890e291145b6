/** The options that SET, GETEX, MSETEX and INCREX share: conditions and expiry. */
import { Bytes, equalBytes } from '../../base/bytes.ts';
import { xxh3Hex } from '../../base/xxh3.ts';
import type { Key } from '../../store/key.ts';
import { KEEP_EXPIRY } from '../../store/keyspace.ts';
import { valueAt, valueBytes } from '../../store/record.ts';
import { isWord } from '../argument.ts';
import { ExpiryOption, expiryOptionAt, parseExpiryOption, takesTime } from '../expiry-argument.ts';
import { SYNTAX_ERROR } from '../replies.ts';
import type { Call } from '../row.ts';

/** When a command is to do its work. Those from `Equal` on compare the value with an operand. */
export const enum Condition {
  None = 0,
  Missing = 1,
  Exists = 2,
  Equal = 3,
  NotEqual = 4,
  DigestEqual = 5,
  DigestNotEqual = 6,
}

/** Which options a command takes, besides EX, PX, EXAT and PXAT. */
export const enum Takes {
  /** NX and XX. */
  Existence = 1,
  /** IFEQ, IFNE, IFDEQ and IFDNE. */
  Comparison = 2,
  Get = 4,
  KeepTtl = 8,
  Persist = 16,
}

/** The options of one command. Kept and filled again for command after command. */
export class StringOptions {
  condition = Condition.None;
  /** Argument that the condition compares with. */
  operandIndex = 0;
  get = false;
  expiry = ExpiryOption.None;
  /** Argument with the time that belongs to `expiry`. */
  timeIndex = 0;

  clear(): void {
    this.condition = Condition.None;
    this.operandIndex = 0;
    this.get = false;
    this.expiry = ExpiryOption.None;
    this.timeIndex = 0;
  }
}

/** Reads the options from argument `index` on. False: they make no sense, and the error has been replied. */
export function parseOptions(call: Call, index: number, takes: number, into: StringOptions): boolean {
  into.clear();
  let next = index;
  while (next < call.count) {
    const taken = takeOption(call, next, takes, into);
    if (taken === 0) {
      call.reply.error(SYNTAX_ERROR);
      return false;
    }
    next += taken;
  }
  return true;
}

function takeOption(call: Call, index: number, takes: number, into: StringOptions): number {
  if ((takes & Takes.Get) !== 0 && isWord(call, index, 'GET')) {
    into.get = true;
    return 1;
  }
  const condition = conditionAt(call, index);
  if (condition === Condition.None) return takeExpiry(call, index, takes, into);
  const compares = condition >= Condition.Equal;
  if ((takes & (compares ? Takes.Comparison : Takes.Existence)) === 0) return 0;
  if (compares && index + 1 >= call.count) return 0;
  // Redis: a word may be repeated, but NX, XX and the comparisons exclude each other.
  if (into.condition !== Condition.None && (compares || into.condition !== condition)) return 0;
  into.condition = condition;
  into.operandIndex = index + 1;
  return compares ? 2 : 1;
}

/**
 * Takes in the expiry option at argument `index`. Returns how many arguments it is, 0: it is none that the command takes
 * here. Redis: the same word may be repeated, and the last one counts.
 */
export function takeExpiry(call: Call, index: number, takes: number, into: StringOptions): number {
  const option = expiryOptionAt(call, index);
  if (option === ExpiryOption.None) return 0;
  if (option === ExpiryOption.KeepTtl && (takes & Takes.KeepTtl) === 0) return 0;
  if (option === ExpiryOption.Persist && (takes & Takes.Persist) === 0) return 0;
  if (into.expiry !== ExpiryOption.None && into.expiry !== option) return 0;
  if (takesTime(option) && index + 1 >= call.count) return 0;
  into.expiry = option;
  into.timeIndex = index + 1;
  return takesTime(option) ? 2 : 1;
}

/**
 * The expiry that the options ask for, as `putString` takes it: 0 for none. NaN: the time is not acceptable, and the
 * error has been replied.
 */
export function expiryOf(call: Call, options: StringOptions): number {
  if (takesTime(options.expiry)) return parseExpiryOption(call, options.timeIndex, options.expiry);
  return options.expiry === ExpiryOption.KeepTtl ? KEEP_EXPIRY : 0;
}

/** The condition that argument `index` names, in any case. */
export function conditionAt(call: Call, index: number): Condition {
  switch (call.args[index * 2 + 1]) {
    case 2:
      if (isWord(call, index, 'NX')) return Condition.Missing;
      return isWord(call, index, 'XX') ? Condition.Exists : Condition.None;
    case 4:
      if (isWord(call, index, 'IFEQ')) return Condition.Equal;
      return isWord(call, index, 'IFNE') ? Condition.NotEqual : Condition.None;
    case 5:
      if (isWord(call, index, 'IFDEQ')) return Condition.DigestEqual;
      return isWord(call, index, 'IFDNE') ? Condition.DigestNotEqual : Condition.None;
    default:
      return Condition.None;
  }
}

export const enum Outcome {
  Fails = 0,
  Holds = 1,
  /** The operand is not acceptable, and the error has been replied. */
  Error = 2,
}

/** Whether a condition holds for the string found under `key` (record 0: it is missing). */
export function checkCondition(call: Call, key: Key, condition: Condition, operandIndex: number): Outcome {
  const exists = key.record !== 0;
  switch (condition) {
    case Condition.None:
      return Outcome.Holds;
    case Condition.Exists:
      return exists ? Outcome.Holds : Outcome.Fails;
    case Condition.Missing:
      return exists ? Outcome.Fails : Outcome.Holds;
    case Condition.Equal:
      return exists && equalsArgument(call, key, operandIndex) ? Outcome.Holds : Outcome.Fails;
    case Condition.NotEqual:
      return exists && equalsArgument(call, key, operandIndex) ? Outcome.Fails : Outcome.Holds;
    default:
      return checkDigest(call, key, condition, operandIndex);
  }
}

/** Whether the string found under `key` is what argument `index` says. */
export function equalsArgument(call: Call, key: Key, index: number): boolean {
  const shard = key.shard;
  const byteCount = call.args[index * 2 + 1]!;
  if (valueBytes(shard, key.record) !== byteCount) return false;
  return equalLongBytes(
    shard.bytes,
    valueAt(shard, key.record),
    call.source,
    call.args[index * 2]!,
    byteCount,
  );
}

/** From here on the native comparison is faster than `equalBytes`. */
const NATIVE_COMPARE_BYTES = 256;

function equalLongBytes(a: Bytes, aAt: number, b: Bytes, bAt: number, byteCount: number): boolean {
  if (byteCount < NATIVE_COMPARE_BYTES) return equalBytes(a, aAt, b, bAt, byteCount);
  return a.u8.compare(b.u8, bAt, bAt + byteCount, aAt, aAt + byteCount) === 0;
}

const DIGEST_DIGITS = 16;

function checkDigest(call: Call, key: Key, condition: Condition, operandIndex: number): Outcome {
  const wantsEqual = condition === Condition.DigestEqual;
  if (key.record === 0) return wantsEqual ? Outcome.Fails : Outcome.Holds;
  if (call.args[operandIndex * 2 + 1] !== DIGEST_DIGITS) {
    call.reply.error('ERR must be exactly 16 hexadecimal characters');
    return Outcome.Error;
  }
  const isEqual = digestOf(key) === call.text(operandIndex).toLowerCase();
  return isEqual === wantsEqual ? Outcome.Holds : Outcome.Fails;
}

/** XXH3 of the string found under `key`, in hexadecimal. */
export function digestOf(key: Key): string {
  const shard = key.shard;
  const at = valueAt(shard, key.record);
  return xxh3Hex(shard.bytes.u8, at, at + valueBytes(shard, key.record));
}
