/** Commands that set, clear and ask the times at which fields expire. */
import { hasRoomFor } from '../../memory/allocator.ts';
import {
  fieldTime,
  hashChanged,
  isMet,
  prepareTimes,
  removeField,
  roomForTime,
  setFieldTime,
  TimeCondition,
  TimeStatus,
} from '../../store/hash/hash.ts';
import { type ExpiryUnit, hasPassed } from '../expiry-argument.ts';
import { OUT_OF_MEMORY } from '../replies.ts';
import { type Call, Flag, type Handler, key, KeyFlag, type Row } from '../row.ts';
import { timesEffect } from './effects.ts';
import { FieldOptions, parseExpireOptions, parseFields } from './field-options.ts';
import { argumentElement, findHash, NOT_A_HASH, readHash } from './value.ts';

/** For the tips of what depends on the time of asking. */
const VARIES = ['NONDETERMINISTIC_OUTPUT'];
/** What the commands reply for a field, as Redis numbers it. */
const NO_FIELD = -2;
const NO_TIME = -1;
const REFUSED = 0;
const DONE = 1;
const DELETED = 2;
/** The most that one of them takes. */
const RESULT_REPLY_BYTES = 5;

export const expiryRows: readonly Row[] = [
  setterRow('HEXPIRE', 'Lets fields of a hash expire in some seconds.', (call) =>
    expire(call, 'seconds', false),
  ),
  setterRow('HPEXPIRE', 'Lets fields of a hash expire in some milliseconds.', (call) =>
    expire(call, 'milliseconds', false),
  ),
  setterRow('HEXPIREAT', 'Lets fields of a hash expire at a Unix time in seconds.', (call) =>
    expire(call, 'seconds', true),
  ),
  setterRow('HPEXPIREAT', 'Lets fields of a hash expire at a Unix time in milliseconds.', (call) =>
    expire(call, 'milliseconds', true),
  ),
  getterRow('HTTL', VARIES, 'Tells the seconds until fields of a hash expire.', (call) =>
    replyTimes(call, call.keyspace.nowMs, 'seconds'),
  ),
  getterRow('HPTTL', VARIES, 'Tells the milliseconds until fields of a hash expire.', (call) =>
    replyTimes(call, call.keyspace.nowMs, 'milliseconds'),
  ),
  getterRow('HEXPIRETIME', [], 'Tells the Unix times in seconds at which fields of a hash expire.', (call) =>
    replyTimes(call, 0, 'seconds'),
  ),
  getterRow(
    'HPEXPIRETIME',
    [],
    'Tells the Unix times in milliseconds at which fields of a hash expire.',
    (call) => replyTimes(call, 0, 'milliseconds'),
  ),
  {
    name: 'HPERSIST',
    since: '7.4.0',
    arity: -5,
    flags: Flag.Write | Flag.Fast,
    acl: ['hash'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    summary: 'Lets fields of a hash stay for ever.',
    run: hpersistCommand,
  },
];

function setterRow(name: string, summary: string, run: Handler): Row {
  const keys = [key(1, KeyFlag.ReadWrite | KeyFlag.Update)];
  const flags = Flag.Write | Flag.DenyOom | Flag.Fast;
  return { name, since: '7.4.0', arity: -6, flags, acl: ['hash'], keys, summary, run, effect: timesEffect };
}

function getterRow(name: string, tips: readonly string[], summary: string, run: Handler): Row {
  const keys = [key(1, KeyFlag.ReadOnly | KeyFlag.Access)];
  const flags = Flag.ReadOnly | Flag.Fast;
  return { name, since: '7.4.0', arity: -5, flags, acl: ['hash'], keys, tips, summary, run };
}

const scratchOptions = new FieldOptions();

function expire(call: Call, unit: ExpiryUnit, isAbsolute: boolean): void {
  const options = scratchOptions;
  const record = findHash(call, call.key);
  if (record === NOT_A_HASH || !parseExpireOptions(call, unit, isAbsolute, options)) return;
  if (record === 0) return replySame(call, options.count, NO_FIELD);
  if (!hasRoomForTimes(call, options)) return call.reply.error(OUT_OF_MEMORY);
  const { reply, keyspace } = call;
  // Nothing has been changed yet when that is too much.
  reply.ensure(options.count * RESULT_REPLY_BYTES);
  const start = reply.at;
  reply.array(options.count);
  let changed = false;
  for (let index = options.first; index < options.first + options.count; index++) {
    const result = expireField(call, index, options);
    if (result === TimeStatus.OutOfMemory) {
      reply.at = start;
      reply.error(OUT_OF_MEMORY);
      break;
    }
    if (result === TimeStatus.Set) changed = true;
  }
  if (changed) hashChanged(keyspace, call.key);
}

/** Makes room for the times of all the fields asked for, or sees to it that there is. False, nothing changed: none. */
export function hasRoomForTimes(call: Call, options: FieldOptions): boolean {
  const { key, keyspace } = call;
  if (!prepareTimes(key)) return false;
  // One field is all or nothing by itself.
  if (options.count === 1) return true;
  let byteCount = 0;
  for (let index = options.first; index < options.first + options.count; index++) {
    byteCount += roomForTime(keyspace, key, argumentElement(call, index));
  }
  return byteCount === 0 || hasRoomFor(key.shard, byteCount);
}

/** Lets the field at argument `index` expire, and replies what came of it. Removing it counts as setting its time. */
function expireField(call: Call, index: number, options: FieldOptions): TimeStatus {
  const { key, keyspace, reply } = call;
  const { timeMs, timeCondition } = options;
  const field = argumentElement(call, index);
  if (hasPassed(call, timeMs)) return expireAtOnce(call, index, options);
  const status = setFieldTime(keyspace, key, field, timeMs, timeCondition);
  if (status === TimeStatus.Missing) reply.integer(NO_FIELD);
  else if (status === TimeStatus.Refused) reply.integer(REFUSED);
  else if (status === TimeStatus.Set) reply.integer(DONE);
  return status;
}

function expireAtOnce(call: Call, index: number, { timeMs, timeCondition }: FieldOptions): TimeStatus {
  const { key, keyspace, reply } = call;
  const field = argumentElement(call, index);
  const oldMs = fieldTime(keyspace, key, field);
  if (oldMs < 0) {
    reply.integer(NO_FIELD);
    return TimeStatus.Missing;
  }
  if (!isMet(timeCondition, timeMs, oldMs)) {
    reply.integer(REFUSED);
    return TimeStatus.Refused;
  }
  removeField(keyspace, key, field);
  reply.integer(DELETED);
  return TimeStatus.Set;
}

function replySame(call: Call, count: number, value: number): void {
  call.reply.array(count);
  for (let i = 0; i < count; i++) call.reply.integer(value);
}

/** Replies the times counted from `fromMs`, seconds rounded up. */
function replyTimes(call: Call, fromMs: number, unit: ExpiryUnit): void {
  const { key, keyspace, reply } = call;
  const options = scratchOptions;
  const record = readHash(call, key);
  if (record === NOT_A_HASH || !parseFields(call, options)) return;
  if (record === 0) return replySame(call, options.count, NO_FIELD);
  reply.array(options.count);
  for (let index = options.first; index < options.first + options.count; index++) {
    const timeMs = fieldTime(keyspace, key, argumentElement(call, index));
    if (timeMs < 0) reply.integer(NO_FIELD);
    else if (timeMs === 0) reply.integer(NO_TIME);
    else reply.integer(unit === 'seconds' ? Math.ceil((timeMs - fromMs) / 1000) : timeMs - fromMs);
  }
}

function hpersistCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const options = scratchOptions;
  const record = findHash(call, key);
  if (record === NOT_A_HASH || !parseFields(call, options)) return;
  if (record === 0) return replySame(call, options.count, NO_FIELD);
  reply.ensure(options.count * RESULT_REPLY_BYTES);
  reply.array(options.count);
  let changed = false;
  for (let index = options.first; index < options.first + options.count; index++) {
    const oldMs = fieldTime(keyspace, key, argumentElement(call, index));
    if (oldMs <= 0) {
      reply.integer(oldMs < 0 ? NO_FIELD : NO_TIME);
      continue;
    }
    // Taking a time away needs no memory.
    setFieldTime(keyspace, key, argumentElement(call, index), 0, TimeCondition.None);
    reply.integer(DONE);
    changed = true;
  }
  if (changed) hashChanged(keyspace, key);
}
