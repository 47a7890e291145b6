/** BITFIELD: integers of 1 to 64 bits at any place in a string, read, set and added to. */
import { Int64, int64ToBigInt, parseInt64 } from '../../base/int64.ts';
import { readField, writeField } from '../../store/bitmap/bits.ts';
import { valueAt, valueBytes, ValueType } from '../../store/record.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';
import { BAD_OFFSET, makeBits, parseBitOffset, resizedBits } from './place.ts';

export const fieldRows: readonly Row[] = [
  {
    name: 'BITFIELD',
    since: '3.2.0',
    arity: -2,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['bitmap'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update | KeyFlag.Access | KeyFlag.VariableFlags)],
    grows: true,
    summary: 'Reads, sets and adds to integers of any width in the string at a key.',
    run: (call) => runFields(call, false),
  },
  {
    name: 'BITFIELD_RO',
    since: '6.0.0',
    arity: -2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['bitmap'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Reads integers of any width in the string at a key.',
    run: (call) => runFields(call, true),
  },
];

const BAD_TYPE =
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.';
const BAD_OVERFLOW = 'ERR Invalid OVERFLOW type specified';
const READ_ONLY = 'ERR BITFIELD_RO only supports the GET subcommand';
const LETTER_I = 0x69;
const LETTER_U = 0x75;

const enum Action {
  None,
  Get,
  Set,
  Add,
}

const enum Overflow {
  Wrap,
  Saturate,
  Fail,
}

interface FieldStep {
  readonly action: Action;
  readonly isSigned: boolean;
  readonly bitCount: number;
  readonly offset: number;
  readonly overflow: Overflow;
  readonly operand: bigint;
}

const scratchNumber = new Int64();

function runFields(call: Call, isReadOnly: boolean): void {
  const { key, reply } = call;
  const steps = parseSteps(call);
  if (steps === null) return;
  let bitCount = 0;
  for (const step of steps) {
    if (step.action !== Action.Get) bitCount = Math.max(bitCount, step.offset + step.bitCount);
  }
  if (bitCount === 0) {
    if (readTyped(call, key, ValueType.String) === WRONG) return;
  } else {
    if (isReadOnly) return reply.error(READ_ONLY);
    if (findTyped(call, key, ValueType.String) === WRONG) return;
    if (makeBits(call, Math.ceil(bitCount / 8)) === 0) return reply.error(OUT_OF_MEMORY);
  }
  let isChanged = bitCount > 0 && resizedBits.hasGrown;
  reply.array(steps.length);
  for (const step of steps) if (runStep(call, step)) isChanged = true;
  if (isChanged) call.keyspace.touched(key);
}

/** Null: the error has been replied. Redis: the whole request is read before anything is looked up. */
function parseSteps(call: Call): FieldStep[] | null {
  const { count, reply } = call;
  const steps: FieldStep[] = [];
  let overflow: Overflow = Overflow.Wrap;
  for (let index = 2; index < count;) {
    const rest = count - index - 1;
    if (rest >= 1 && isWord(call, index, 'OVERFLOW')) {
      const parsed = overflowAt(call, index + 1);
      if (parsed === null) {
        reply.error(BAD_OVERFLOW);
        return null;
      }
      overflow = parsed;
      index += 2;
      continue;
    }
    const action = actionAt(call, index, rest);
    if (action === Action.None) {
      reply.error(SYNTAX_ERROR);
      return null;
    }
    const step = parseStep(call, index, action, overflow);
    if (step === null) return null;
    steps.push(step);
    index += action === Action.Get ? 3 : 4;
  }
  return steps;
}

/** The action at `index`, behind which there are `rest` arguments. */
function actionAt(call: Call, index: number, rest: number): Action {
  if (rest >= 2 && isWord(call, index, 'GET')) return Action.Get;
  if (rest >= 3 && isWord(call, index, 'SET')) return Action.Set;
  if (rest >= 3 && isWord(call, index, 'INCRBY')) return Action.Add;
  return Action.None;
}

function overflowAt(call: Call, index: number): Overflow | null {
  if (isWord(call, index, 'WRAP')) return Overflow.Wrap;
  if (isWord(call, index, 'SAT')) return Overflow.Saturate;
  return isWord(call, index, 'FAIL') ? Overflow.Fail : null;
}

/** Type, offset and operand of the action at `index`. Null: the error has been replied. */
function parseStep(call: Call, index: number, action: Action, overflow: Overflow): FieldStep | null {
  const { reply } = call;
  const { u8 } = call.source;
  const typeAt = call.args[(index + 1) * 2]!;
  const typeEnd = typeAt + call.args[(index + 1) * 2 + 1]!;
  const letter = typeEnd > typeAt ? u8[typeAt]! : 0;
  const isSigned = letter === LETTER_I;
  const isType = (isSigned || letter === LETTER_U) && parseInt64(u8, typeAt + 1, typeEnd, scratchNumber);
  const bitCount = isType && scratchNumber.hi === 0 ? scratchNumber.lo : 0;
  if (bitCount < 1 || bitCount > (isSigned ? 64 : 63)) {
    reply.error(BAD_TYPE);
    return null;
  }
  const offset = parseBitOffset(call, index + 2, bitCount);
  if (offset === BAD_OFFSET) return null;
  let operand = 0n;
  if (action !== Action.Get) {
    if (!parseInt64Argument(call, index + 3, scratchNumber)) {
      reply.error(NOT_AN_INTEGER);
      return null;
    }
    operand = int64ToBigInt(scratchNumber);
  }
  return { action, isSigned, bitCount, offset, overflow, operand };
}

/** Replies to one step. Whether it has changed the string. */
function runStep(call: Call, step: FieldStep): boolean {
  const { key, reply } = call;
  const { shard, record } = key;
  const { bitCount, offset, isSigned, action } = step;
  const at = record === 0 ? 0 : valueAt(shard, record);
  const byteCount = record === 0 ? 0 : valueBytes(shard, record);
  const bits = readField(shard, at, byteCount, offset, bitCount);
  const old = isSigned ? BigInt.asIntN(bitCount, bits) : bits;
  if (action === Action.Get) {
    reply.bigInteger(old);
    return false;
  }
  const wanted = action === Action.Set ? fitted(step.operand, 0n, step) : fitted(old, step.operand, step);
  if (wanted === null) {
    reply.nil();
    return false;
  }
  writeField(shard, at, offset, bitCount, wanted);
  reply.bigInteger(action === Action.Set ? old : wanted);
  return old !== wanted;
}

/** `value` + `increment` as the field can hold it, by the way of overflow that was asked for. Null: it fails. */
function fitted(value: bigint, increment: bigint, step: FieldStep): bigint | null {
  const { isSigned, bitCount, overflow } = step;
  const direction = isSigned
    ? signedOverflow(value, increment, bitCount)
    : unsignedOverflow(value, increment, bitCount);
  const sum = value + increment;
  if (direction === 0) return sum;
  if (overflow === Overflow.Fail) return null;
  if (overflow === Overflow.Wrap) {
    return isSigned ? BigInt.asIntN(bitCount, sum) : BigInt.asUintN(bitCount, sum);
  }
  const max = isSigned ? (1n << BigInt(bitCount - 1)) - 1n : (1n << BigInt(bitCount)) - 1n;
  if (direction > 0) return max;
  return isSigned ? -max - 1n : 0n;
}

/** 1, -1 or 0 as the sum is above, below or in the range of the field. Redis: a value below 0 that is set is above. */
function unsignedOverflow(value: bigint, increment: bigint, bitCount: number): number {
  const max = (1n << BigInt(bitCount)) - 1n;
  const unsigned = BigInt.asUintN(64, value);
  if (unsigned > max || (increment > 0n && increment > max - unsigned)) return 1;
  return increment < 0n && increment < -unsigned ? -1 : 0;
}

/** Redis: the room above a value is one of 64 bits, so that far below the range it comes out negative: above it. */
function signedOverflow(value: bigint, increment: bigint, bitCount: number): number {
  const max = (1n << BigInt(bitCount - 1)) - 1n;
  const min = -max - 1n;
  const room = BigInt.asIntN(64, max - value);
  const isRoomSure = bitCount !== 64 || (value >= 0n && increment > 0n);
  if (value > max || (isRoomSure && increment > room)) return 1;
  const depth = BigInt.asIntN(64, min - value);
  const isDepthSure = bitCount !== 64 || (value < 0n && increment < 0n);
  return value < min || (isDepthSure && increment < depth) ? -1 : 0;
}
