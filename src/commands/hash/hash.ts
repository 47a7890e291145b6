/** Hashes: fields read, set and removed. The rest of the family is in the files it concatenates here. */
import {
  fetchFields,
  FieldStatus,
  findField,
  hashChanged,
  hashLength,
  hasRoomForFields,
  removeField,
  setField,
} from '../../store/hash/hash.ts';
import { OUT_OF_MEMORY, wrongArity } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, type Row } from '../row.ts';
import { expiryRows } from './expiry.ts';
import { listingRows } from './listing.ts';
import { numberRows } from './number.ts';
import { randomRows } from './random.ts';
import { timedRows } from './timed.ts';
import {
  argumentElement,
  findHash,
  NOT_A_HASH,
  otherElement,
  readHash,
  replyText,
  scratchText,
  textBytes,
} from './value.ts';

const SET_FLAGS = Flag.Write | Flag.DenyOom | Flag.Fast;
const UPDATED_KEY = [key(1, KeyFlag.ReadWrite | KeyFlag.Update)];
const READ_KEY = [key(1, KeyFlag.ReadOnly | KeyFlag.Access)];
const ASKED_KEY = [key(1, KeyFlag.ReadOnly)];

const fieldRows: readonly Row[] = [
  {
    name: 'HSET',
    since: '2.0.0',
    arity: -4,
    flags: SET_FLAGS,
    acl: ['hash'],
    keys: UPDATED_KEY,
    summary: 'Sets fields of a hash.',
    run: hsetCommand,
  },
  {
    name: 'HMSET',
    since: '2.0.0',
    arity: -4,
    flags: SET_FLAGS,
    acl: ['hash'],
    keys: UPDATED_KEY,
    summary: 'Sets fields of a hash.',
    deprecated: true,
    run: hmsetCommand,
  },
  {
    name: 'HSETNX',
    since: '2.0.0',
    arity: 4,
    flags: SET_FLAGS,
    acl: ['hash'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    summary: 'Sets a field of a hash if the hash does not have it.',
    run: hsetnxCommand,
  },
  {
    name: 'HGET',
    since: '2.0.0',
    arity: 3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['hash'],
    keys: READ_KEY,
    summary: 'Returns the value of a field of a hash.',
    run: hgetCommand,
  },
  {
    name: 'HMGET',
    since: '2.0.0',
    arity: -3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['hash'],
    keys: READ_KEY,
    summary: 'Returns the values of fields of a hash.',
    run: hmgetCommand,
  },
  {
    name: 'HDEL',
    since: '2.0.0',
    arity: -3,
    flags: Flag.Write | Flag.Fast,
    acl: ['hash'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Removes fields of a hash, and the hash with the last one.',
    run: hdelCommand,
  },
  {
    name: 'HEXISTS',
    since: '2.0.0',
    arity: 3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['hash'],
    keys: ASKED_KEY,
    summary: 'Tells whether a hash has a field.',
    run: hexistsCommand,
  },
  {
    name: 'HLEN',
    since: '2.0.0',
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['hash'],
    keys: ASKED_KEY,
    summary: 'Counts the fields of a hash.',
    run: hlenCommand,
  },
  {
    name: 'HSTRLEN',
    since: '3.2.0',
    arity: 3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['hash'],
    keys: ASKED_KEY,
    summary: 'Tells the length of the value of a field of a hash.',
    run: hstrlenCommand,
  },
];

export const hashFamily: Family = {
  group: 'hash',
  rows: [...fieldRows, ...numberRows, ...listingRows, ...randomRows, ...expiryRows, ...timedRows],
};

/** Hot. */
function hsetCommand(call: Call): void {
  if ((call.count & 1) !== 0) return wrongArity(call.reply, 'hset');
  const added = setPairs(call);
  if (added >= 0) call.reply.integer(added);
}

function hmsetCommand(call: Call): void {
  if ((call.count & 1) !== 0) return wrongArity(call.reply, 'hmset');
  if (setPairs(call) >= 0) call.reply.ok();
}

/** Sets the fields of the request. Returns how many are new, or -1: nothing was changed, and the error has been replied. */
function setPairs(call: Call): number {
  const { key, keyspace, count } = call;
  if (findHash(call, key) === NOT_A_HASH) return -1;
  if (count > 4 && !hasRoomForFields(key, (count - 2) >> 1, textBytes(call, 2, count))) return refuse(call);
  let added = 0;
  let status = FieldStatus.Updated;
  let changed = false;
  for (let index = 2; index < count; index += 2) {
    status = setField(keyspace, key, argumentElement(call, index), otherElement(call, index + 1), 0);
    if (status === FieldStatus.OutOfMemory) break;
    changed = true;
    if (status === FieldStatus.Added) added++;
  }
  if (changed) hashChanged(keyspace, key);
  return status === FieldStatus.OutOfMemory ? refuse(call) : added;
}

function refuse(call: Call): -1 {
  call.reply.error(OUT_OF_MEMORY);
  return -1;
}

function hsetnxCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  if (findHash(call, key) === NOT_A_HASH) return;
  const field = argumentElement(call, 2);
  if (findField(keyspace, key, field, scratchText)) return reply.integer(0);
  const status = setField(keyspace, key, field, otherElement(call, 3), 0);
  if (status === FieldStatus.OutOfMemory) return reply.error(OUT_OF_MEMORY);
  hashChanged(keyspace, key);
  reply.integer(1);
}

/** Hot. */
function hgetCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const record = readHash(call, key);
  if (record === NOT_A_HASH) return;
  if (findField(keyspace, key, argumentElement(call, 2), scratchText)) replyText(call, scratchText);
  else reply.nil();
}

/** HMGET of fewer arguments does not look ahead. */
const AHEAD_COUNT_MIN = 6;

/** Hot. */
function hmgetCommand(call: Call): void {
  const { key, keyspace, reply, count } = call;
  if (readHash(call, key) === NOT_A_HASH) return;
  reply.array(count - 2);
  let ahead = count < AHEAD_COUNT_MIN ? count : 2;
  for (let index = 2; index < count; index++) {
    if (index === ahead) ahead = fetchFields(keyspace, key, call.source, call.args, index, count);
    if (findField(keyspace, key, argumentElement(call, index), scratchText)) replyText(call, scratchText);
    else reply.nil();
  }
}

function hdelCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const record = findHash(call, key);
  if (record === NOT_A_HASH) return;
  let removed = 0;
  if (record !== 0) {
    for (let index = 2; index < call.count; index++) {
      if (!removeField(keyspace, key, argumentElement(call, index))) continue;
      removed++;
      if (hashLength(key.shard, key.record) === 0) break;
    }
  }
  if (removed > 0) hashChanged(keyspace, key);
  reply.integer(removed);
}

function hexistsCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  if (readHash(call, key) === NOT_A_HASH) return;
  reply.integer(findField(keyspace, key, argumentElement(call, 2), scratchText) ? 1 : 0);
}

/** Redis: fields that have expired and are still there are counted; to leave them out would take a walk. */
function hlenCommand(call: Call): void {
  const record = readHash(call, call.key);
  if (record === NOT_A_HASH) return;
  call.reply.integer(record === 0 ? 0 : hashLength(call.key.shard, record));
}

function hstrlenCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  if (readHash(call, key) === NOT_A_HASH) return;
  const isThere = findField(keyspace, key, argumentElement(call, 2), scratchText);
  reply.integer(isThere ? scratchText.byteCount : 0);
}
