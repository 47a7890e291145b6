/** INCREX: a counter with bounds and an expiry in one command, made for rate limiters. */
import { Int64, int64ToBigInt } from '../../base/int64.ts';
import {
  addLongDoubles,
  compareLongDoubles,
  formatLongDouble,
  type LongDouble,
  parseLongDouble,
} from '../../base/long-double.ts';
import { KEEP_EXPIRY } from '../../store/keyspace.ts';
import { Encoding, expiryAtMs } from '../../store/record.ts';
import { isWord, parseInt64Argument, parseLongDoubleArgument } from '../argument.ts';
import { stringOfKey } from '../effect.ts';
import { ExpiryOption, hasPassed, takesTime } from '../expiry-argument.ts';
import { NOT_A_FLOAT, NOT_AN_INTEGER, OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { putNumber, readInt64, readLongDouble } from './number.ts';
import { expiryOf, StringOptions, takeExpiry, Takes } from './options.ts';
import { findString, NOT_A_STRING } from './value.ts';

export const increxRows: readonly Row[] = [
  {
    name: 'INCREX',
    since: '8.8.0',
    arity: -2,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
    summary: 'Adds to the number at a key within bounds, and sets its expiry.',
    run: increxCommand,
    effect: stringOfKey,
  },
];

/** Where the arguments of the options stand; 0: not given. */
class IncrexOptions extends StringOptions {
  byInt = 0;
  byFloat = 0;
  lowerBound = 0;
  upperBound = 0;
  saturate = false;
  onlyNewExpiry = false;

  override clear(): void {
    super.clear();
    this.byInt = 0;
    this.byFloat = 0;
    this.lowerBound = 0;
    this.upperBound = 0;
    this.saturate = false;
    this.onlyNewExpiry = false;
  }
}

/** How a kind of number is read, added and printed: what the two modes do not share. */
interface Arithmetic<Value> {
  /** Argument `index` as an operand, or the error text. */
  parse(call: Call, index: number): Value | string;
  /** The value in a record, or the error text. */
  read(call: Call, record: number): Value | string;
  isInfinite(value: Value): boolean;
  /** null: beyond what the type holds. */
  add(a: Value, b: Value): Value | null;
  negate(value: Value): Value;
  compare(a: Value, b: Value): number;
  format(value: Value): string;
  readonly encoding: Encoding;
  reply(call: Call, text: string): void;
  readonly one: Value;
  readonly zero: Value;
  readonly least: Value;
  readonly greatest: Value;
}

const INT64_MAX = (1n << 63n) - 1n;
const INT64_MIN = -(1n << 63n);
const scratchInteger = new Int64();

const INTEGERS: Arithmetic<bigint> = {
  parse: (call, index) =>
    parseInt64Argument(call, index, scratchInteger) ? int64ToBigInt(scratchInteger) : NOT_AN_INTEGER,
  read: (call, record) =>
    readInt64(call, record, scratchInteger) ? int64ToBigInt(scratchInteger) : NOT_AN_INTEGER,
  isInfinite: () => false,
  add: (a, b) => (a + b > INT64_MAX || a + b < INT64_MIN ? null : a + b),
  negate: (value) => -value,
  compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
  format: String,
  encoding: Encoding.Plain,
  reply: (call, text) => call.reply.text(`:${text}\r\n`),
  one: 1n,
  zero: 0n,
  least: INT64_MIN,
  greatest: INT64_MAX,
};

/** The largest long double: 64 one bits, of which the first is worth 2^16383. */
const LONG_DOUBLE_MAX: LongDouble = { mantissa: (1n << 64n) - 1n, exponent: 16320 };
const LONG_DOUBLE_MIN: LongDouble = { mantissa: -LONG_DOUBLE_MAX.mantissa, exponent: 16320 };

function constant(text: string): LongDouble {
  return parseLongDouble(Buffer.from(text), 0, text.length)!;
}

const FLOATS: Arithmetic<LongDouble> = {
  parse: (call, index) => parseLongDoubleArgument(call, index) ?? NOT_A_FLOAT,
  read: (call, record) => readLongDouble(call, record) ?? NOT_A_FLOAT,
  isInfinite: (value) => value.exponent === Infinity,
  add: addLongDoubles,
  negate: (value) => ({ mantissa: -value.mantissa, exponent: value.exponent }),
  compare: compareLongDoubles,
  format: formatLongDouble,
  encoding: Encoding.Text,
  reply: (call, text) =>
    call.reply.version === 3 ? call.reply.text(`,${text}\r\n`) : call.reply.bulkText(text),
  one: constant('1'),
  zero: constant('0'),
  least: LONG_DOUBLE_MIN,
  greatest: LONG_DOUBLE_MAX,
};

const scratchOptions = new IncrexOptions();

function increxCommand(call: Call): void {
  const options = scratchOptions;
  options.clear();
  for (let index = 2; index < call.count;) {
    const taken = takeOption(call, index, options);
    if (taken === 0) return call.reply.error(SYNTAX_ERROR);
    index += taken;
  }
  if (options.onlyNewExpiry && options.expiry === ExpiryOption.Persist) return call.reply.error(SYNTAX_ERROR);
  if (options.onlyNewExpiry && !takesTime(options.expiry)) {
    return call.reply.error('ERR ENX flag requires an expiration');
  }
  if (options.byFloat !== 0) addWithin(call, options, FLOATS, options.byFloat);
  else addWithin(call, options, INTEGERS, options.byInt);
}

/** Takes in the option at argument `index`. Returns how many arguments it is, 0: a syntax error. */
function takeOption(call: Call, index: number, into: IncrexOptions): number {
  const expiryTaken = takeExpiry(call, index, Takes.Persist, into);
  if (expiryTaken > 0) return expiryTaken;
  if (isWord(call, index, 'ENX')) into.onlyNewExpiry = true;
  else if (isWord(call, index, 'SATURATE')) into.saturate = true;
  else return takeOperand(call, index, into) ? 2 : 0;
  return 1;
}

function takeOperand(call: Call, index: number, into: IncrexOptions): boolean {
  const operand = index + 1;
  if (operand >= call.count) return false;
  if (isWord(call, index, 'BYINT') && into.byFloat === 0) into.byInt = operand;
  else if (isWord(call, index, 'BYFLOAT') && into.byInt === 0) into.byFloat = operand;
  else if (isWord(call, index, 'LBOUND')) into.lowerBound = operand;
  else if (isWord(call, index, 'UBOUND')) into.upperBound = operand;
  else return false;
  return true;
}

function addWithin<Value>(
  call: Call,
  options: IncrexOptions,
  numbers: Arithmetic<Value>,
  operand: number,
): void {
  const { key, reply } = call;
  const added = operand === 0 ? numbers.one : numbers.parse(call, operand);
  if (typeof added === 'string') return reply.error(added);
  if (numbers.isInfinite(added)) return reply.error('ERR BYFLOAT increment cannot be Infinity');
  const least = options.lowerBound === 0 ? numbers.least : numbers.parse(call, options.lowerBound);
  if (typeof least === 'string') return reply.error(least);
  const greatest = options.upperBound === 0 ? numbers.greatest : numbers.parse(call, options.upperBound);
  if (typeof greatest === 'string') return reply.error(greatest);
  if (numbers.compare(least, greatest) > 0) {
    return reply.error("ERR LBOUND can't be greater than UBOUND");
  }
  const whenMs = expiryOf(call, options);
  if (whenMs !== whenMs) return;
  const record = findString(call, key);
  if (record === NOT_A_STRING) return;
  const value = numbers.read(call, record);
  if (typeof value === 'string') return reply.error(value);
  if (numbers.isInfinite(value)) return reply.error('ERR value cannot be Infinity');

  const sum = numbers.add(value, added);
  const isAbove =
    sum === null ? numbers.compare(added, numbers.zero) > 0 : numbers.compare(sum, greatest) > 0;
  const isBelow = sum === null ? !isAbove : numbers.compare(sum, least) < 0;
  if ((isAbove || isBelow) && !options.saturate) return replyPair(call, numbers, value, numbers.zero);
  const result = isAbove ? greatest : isBelow ? least : sum!;
  const applied = isAbove || isBelow ? numbers.add(result, numbers.negate(value)) : added;
  if (applied === null) return reply.error('ERR applied increment would overflow');
  if (storeResult(call, options, numbers, result, whenMs)) replyPair(call, numbers, result, applied);
  else reply.error(OUT_OF_MEMORY);
}

/** Stores the result with its expiry; one that is past removes the key. False, nothing changed: out of memory. */
function storeResult<Value>(
  call: Call,
  options: IncrexOptions,
  numbers: Arithmetic<Value>,
  result: Value,
  whenMs: number,
): boolean {
  const { key, keyspace } = call;
  const hasExpiry = key.record !== 0 && expiryAtMs(key.shard, key.record) !== 0;
  const keeps = options.expiry === ExpiryOption.None || (options.onlyNewExpiry && hasExpiry);
  if (!keeps && takesTime(options.expiry) && hasPassed(call, whenMs)) {
    if (key.record !== 0) keyspace.remove(key);
    return true;
  }
  return putNumber(call, numbers.format(result), numbers.encoding, keeps ? KEEP_EXPIRY : whenMs);
}

function replyPair<Value>(call: Call, numbers: Arithmetic<Value>, first: Value, second: Value): void {
  call.reply.array(2);
  numbers.reply(call, numbers.format(first));
  numbers.reply(call, numbers.format(second));
}
