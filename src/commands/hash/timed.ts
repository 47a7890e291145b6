/** Fields read or set together with their times of expiry, or read and removed. */
import {
  FieldStatus,
  findField,
  hashChanged,
  hasRoomForFields,
  KEEP_TIME,
  peekField,
  removeField,
  setField,
  setFieldTime,
  TimeCondition,
  TimeStatus,
} from '../../store/hash/hash.ts';
import { ExpiryOption, hasPassed, takesTime } from '../expiry-argument.ts';
import { OUT_OF_MEMORY } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { hgetdelEffect, hsetexEffect, timesEffect } from './effects.ts';
import { hasRoomForTimes } from './expiry.ts';
import {
  FieldCondition,
  FieldOptions,
  parseFields,
  parseGetOptions,
  parseSetOptions,
} from './field-options.ts';
import {
  argumentElement,
  findHash,
  NOT_A_HASH,
  otherElement,
  replyText,
  scratchText,
  textBytes,
} from './value.ts';

export const timedRows: readonly Row[] = [
  {
    name: 'HGETDEL',
    since: '8.0.0',
    arity: -5,
    flags: Flag.Write | Flag.Fast,
    acl: ['hash'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary: 'Returns the values of fields of a hash and removes the fields.',
    run: hgetdelCommand,
    effect: hgetdelEffect,
  },
  {
    name: 'HGETEX',
    since: '8.0.0',
    arity: -5,
    flags: Flag.Write | Flag.Fast,
    acl: ['hash'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
    summary: 'Returns the values of fields of a hash and changes when they expire.',
    run: hgetexCommand,
    effect: timesEffect,
  },
  {
    name: 'HSETEX',
    since: '8.0.0',
    arity: -6,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['hash'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    summary: 'Sets fields of a hash and when they expire, on a condition if wanted.',
    run: hsetexCommand,
    effect: hsetexEffect,
  },
];

/** The most that a reply of several values takes beside them, and with each of them. */
const REPLY_BYTES = 128;
const VALUE_REPLY_BYTES = 16;

const scratchOptions = new FieldOptions();

function replyNils(call: Call, count: number): void {
  call.reply.array(count);
  for (let i = 0; i < count; i++) call.reply.nil();
}

/**
 * Gives up a reply of the values of several fields, if it would grow too large, before the first of them is changed. That
 * of a single one is complete before its field is.
 */
function refuseLarge(call: Call, { first, count }: FieldOptions): void {
  const { key, keyspace, reply } = call;
  if (count === 1) return;
  let byteCount = REPLY_BYTES;
  for (let index = first; index < first + count; index++) {
    byteCount += VALUE_REPLY_BYTES;
    if (peekField(keyspace, key, argumentElement(call, index), scratchText))
      byteCount += scratchText.byteCount;
  }
  reply.refuseBeyond(byteCount);
}

function hgetdelCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const options = scratchOptions;
  const record = findHash(call, key);
  if (record === NOT_A_HASH || !parseFields(call, options)) return;
  if (record === 0) return replyNils(call, options.count);
  refuseLarge(call, options);
  reply.array(options.count);
  let removed = false;
  for (let index = options.first; index < call.count; index++) {
    const field = argumentElement(call, index);
    if (!findField(keyspace, key, field, scratchText)) {
      reply.nil();
      continue;
    }
    replyText(call, scratchText);
    removeField(keyspace, key, field);
    removed = true;
  }
  if (removed && key.record !== 0) hashChanged(keyspace, key);
}

function hgetexCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const options = scratchOptions;
  const record = findHash(call, key);
  if (record === NOT_A_HASH || !parseGetOptions(call, options)) return;
  if (record === 0) return replyNils(call, options.count);
  if (takesTime(options.expiry) && !hasRoomForTimes(call, options)) return reply.error(OUT_OF_MEMORY);
  if (options.expiry !== ExpiryOption.None) refuseLarge(call, options);
  const start = reply.at;
  reply.array(options.count);
  let changed = false;
  for (let index = options.first; index < options.first + options.count; index++) {
    const field = argumentElement(call, index);
    if (!findField(keyspace, key, field, scratchText)) {
      reply.nil();
      continue;
    }
    replyText(call, scratchText);
    if (options.expiry === ExpiryOption.None) continue;
    const status = changeTime(call, index, options);
    if (status === TimeStatus.Set) changed = true;
    else if (status === TimeStatus.OutOfMemory) {
      reply.at = start;
      reply.error(OUT_OF_MEMORY);
      break;
    }
  }
  if (changed && key.record !== 0) hashChanged(keyspace, key);
}

/** Gives the field at argument `index`, which is there, the time that was asked for. */
function changeTime(call: Call, index: number, { expiry, timeMs }: FieldOptions): TimeStatus {
  const { key, keyspace } = call;
  const field = argumentElement(call, index);
  if (expiry === ExpiryOption.Persist) return setFieldTime(keyspace, key, field, 0, TimeCondition.None);
  if (!hasPassed(call, timeMs)) return setFieldTime(keyspace, key, field, timeMs, TimeCondition.None);
  removeField(keyspace, key, field);
  return TimeStatus.Set;
}

function hsetexCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const options = scratchOptions;
  if (!parseSetOptions(call, options)) return;
  const record = findHash(call, key);
  if (record === NOT_A_HASH) return;
  if (options.fieldCondition !== FieldCondition.None && !holds(call, options)) return reply.integer(0);
  if (takesTime(options.expiry) && hasPassed(call, options.timeMs)) {
    removePairs(call, options);
    return reply.integer(1);
  }
  const { first, count } = options;
  const end = first + count * 2;
  if (count > 1 && !hasRoomForFields(key, count, textBytes(call, first, end))) {
    return reply.error(OUT_OF_MEMORY);
  }
  const timeMs = options.expiry === ExpiryOption.KeepTtl ? KEEP_TIME : options.timeMs;
  let status = FieldStatus.Updated;
  let changed = false;
  for (let index = first; index < end; index += 2) {
    status = setField(keyspace, key, argumentElement(call, index), otherElement(call, index + 1), timeMs);
    if (status === FieldStatus.OutOfMemory) break;
    changed = true;
  }
  if (changed) hashChanged(keyspace, key);
  if (status === FieldStatus.OutOfMemory) reply.error(OUT_OF_MEMORY);
  else reply.integer(1);
}

/** Whether HSETEX's condition holds for all the fields. */
function holds(call: Call, { first, count, fieldCondition }: FieldOptions): boolean {
  const mustExist = fieldCondition === FieldCondition.AllExist;
  for (let index = first; index < first + count * 2; index += 2) {
    const exists = findField(call.keyspace, call.key, argumentElement(call, index), scratchText);
    if (exists !== mustExist) return false;
  }
  return true;
}

/** Redis: fields set with a time that has passed are removed. */
function removePairs(call: Call, { first, count }: FieldOptions): void {
  const { key, keyspace } = call;
  let removed = false;
  for (let index = first; index < first + count * 2; index += 2) {
    if (removeField(keyspace, key, argumentElement(call, index))) removed = true;
  }
  if (removed) hashChanged(keyspace, key);
}
