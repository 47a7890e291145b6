/** Commands that work on keys of any type. */
import { parseInteger } from '../../base/number.ts';
import type { Key } from '../../store/key.ts';
import { copyRecord, moveRecord } from '../../store/copying.ts';
import { expiryAtMs } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { isWord } from '../argument.ts';
import { dumpRows } from './dump.ts';
import { expiryRows } from './expiry.ts';
import { scanRows } from './scan.ts';
import { migrateRow } from './migrate.ts';
import { objectRow } from './object.ts';
import { sortRows } from './sort.ts';
import {
  DATABASE_OUT_OF_RANGE,
  NO_SUCH_KEY,
  NOT_AN_INTEGER,
  OUT_OF_MEMORY,
  SAME_OBJECT,
  SYNTAX_ERROR,
} from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag } from '../row.ts';
import { typeName } from '../value-names.ts';

/** For the tips of what counts its keys. */
const SUMMED = ['REQUEST_POLICY:MULTI_SHARD', 'RESPONSE_POLICY:AGG_SUM'];

export const genericFamily: Family = {
  group: 'generic',
  rows: [
    {
      name: 'DEL',
      since: '1.0.0',
      arity: -2,
      flags: Flag.Write,
      acl: ['keyspace'],
      keys: [key(1, KeyFlag.Remove | KeyFlag.Delete, -1)],
      tips: SUMMED,
      summary: 'Removes keys.',
      run: delCommand,
    },
    {
      name: 'UNLINK',
      since: '4.0.0',
      arity: -2,
      flags: Flag.Write | Flag.Fast,
      acl: ['keyspace'],
      keys: [key(1, KeyFlag.Remove | KeyFlag.Delete, -1)],
      tips: SUMMED,
      summary: 'Removes keys, as DEL does.',
      run: delCommand,
    },
    {
      name: 'EXISTS',
      since: '1.0.0',
      arity: -2,
      flags: Flag.ReadOnly | Flag.Fast,
      acl: ['keyspace'],
      keys: [key(1, KeyFlag.ReadOnly, -1)],
      tips: SUMMED,
      summary: 'Counts how many of the keys exist.',
      run: existsCommand,
    },
    {
      name: 'TOUCH',
      since: '3.2.1',
      arity: -2,
      flags: Flag.ReadOnly | Flag.Fast,
      acl: ['keyspace'],
      keys: [key(1, KeyFlag.ReadOnly, -1)],
      tips: SUMMED,
      summary: 'Counts how many of the keys exist, as an access to each.',
      run: touchCommand,
    },
    {
      name: 'TYPE',
      since: '1.0.0',
      arity: 2,
      flags: Flag.ReadOnly | Flag.Fast,
      acl: ['keyspace'],
      keys: [key(1, KeyFlag.ReadOnly)],
      summary: "Tells the type of a key's value.",
      run: typeCommand,
    },
    {
      name: 'RENAME',
      since: '1.0.0',
      arity: 3,
      flags: Flag.Write,
      acl: ['keyspace'],
      keys: [
        key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete),
        key(2, KeyFlag.Overwrite | KeyFlag.Update),
      ],
      summary: 'Gives a key another name, whatever had that name.',
      run: renameCommand,
    },
    {
      name: 'RENAMENX',
      since: '1.0.0',
      arity: 3,
      flags: Flag.Write | Flag.Fast,
      acl: ['keyspace'],
      keys: [
        key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete),
        key(2, KeyFlag.Overwrite | KeyFlag.Insert),
      ],
      summary: 'Gives a key another name unless that is taken.',
      run: renameNxCommand,
    },
    {
      name: 'COPY',
      since: '6.2.0',
      arity: -3,
      flags: Flag.Write | Flag.DenyOom,
      acl: ['keyspace'],
      keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access), key(2, KeyFlag.Overwrite | KeyFlag.Update)],
      otherDatabase: copyDatabase,
      grows: true,
      summary: 'Copies the value of a key to another key.',
      run: copyCommand,
    },
    {
      name: 'MOVE',
      since: '1.0.0',
      arity: 3,
      flags: Flag.Write | Flag.Fast,
      acl: ['keyspace'],
      keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
      otherDatabase: (call) => integerArgument(call, 2),
      summary: 'Moves a key to another database unless it has one of that name.',
      run: moveCommand,
    },
    ...dumpRows,
    migrateRow,
    ...expiryRows,
    ...scanRows,
    ...sortRows,
    objectRow,
  ],
};

function delCommand(call: Call): void {
  const { key, keyspace } = call;
  let count = 0;
  for (let index = 1; index < call.count; index++) {
    call.locate(index, key);
    if (keyspace.find(key) === 0) continue;
    keyspace.remove(key);
    count++;
  }
  call.reply.integer(count);
}

function existsCommand(call: Call): void {
  const { key, keyspace } = call;
  let count = 0;
  for (let index = 1; index < call.count; index++) {
    call.locate(index, key);
    if (keyspace.peek(key) !== 0) count++;
  }
  call.reply.integer(count);
}

/** Redis: TOUCH is an access even under CLIENT NO-TOUCH. */
function touchCommand(call: Call): void {
  const { key, keyspace } = call;
  keyspace.touchOnRead = true;
  let count = 0;
  for (let index = 1; index < call.count; index++) {
    call.locate(index, key);
    if (keyspace.read(key) !== 0) count++;
  }
  call.reply.integer(count);
}

function typeCommand(call: Call): void {
  const record = call.keyspace.peek(call.key);
  call.reply.simple(record === 0 ? 'none' : typeName(call.key.shard, record));
}

function renameCommand(call: Call): void {
  const { key, otherKey, keyspace, reply } = call;
  if (keyspace.find(key) === 0) return reply.error(NO_SUCH_KEY);
  if (isSameArgument(call, 1, 2)) return reply.ok();
  call.locate(2, otherKey);
  if (moveRecord(keyspace, key, otherKey) === Status.Ok) reply.ok();
  else reply.error(OUT_OF_MEMORY);
}

function renameNxCommand(call: Call): void {
  const { key, otherKey, keyspace, reply } = call;
  if (keyspace.find(key) === 0) return reply.error(NO_SUCH_KEY);
  call.locate(2, otherKey);
  if (isTaken(call, otherKey)) return reply.integer(0);
  if (moveRecord(keyspace, key, otherKey) === Status.Ok) reply.integer(1);
  else reply.error(OUT_OF_MEMORY);
}

/** Whether there is a key at the destination. May remove an expired one, so `call.key` is found again. */
function isTaken(call: Call, destination: Key): boolean {
  const taken = call.keyspace.find(destination) !== 0;
  call.keyspace.find(call.key);
  return taken;
}

function isSameArgument(call: Call, a: number, b: number): boolean {
  const { args } = call;
  const start = args[a * 2]!;
  const otherStart = args[b * 2]!;
  const { u8 } = call.source;
  return u8.compare(u8, otherStart, otherStart + args[b * 2 + 1]!, start, start + args[a * 2 + 1]!) === 0;
}

/** Argument `index` as an integer, or -1. */
function integerArgument(call: Call, index: number): number {
  const at = call.args[index * 2]!;
  const value = parseInteger(call.source.u8, at, at + call.args[index * 2 + 1]!);
  return value === value ? value : -1;
}

/** For the row of COPY: the database behind DB, the last one if there are several. */
function copyDatabase(call: Call): number {
  let database = -1;
  for (let index = 3; index + 1 < call.count; index++) {
    if (isWord(call, index, 'DB')) database = integerArgument(call, ++index);
  }
  return database;
}

function copyCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  let replace = false;
  let database = call.client.database;
  for (let index = 3; index < call.count; index++) {
    if (isWord(call, index, 'REPLACE')) replace = true;
    else if (isWord(call, index, 'DB') && index + 1 < call.count) {
      database = parseDatabase(call, ++index);
      if (database < 0) return;
    } else return reply.error(SYNTAX_ERROR);
  }
  if (database === call.client.database && isSameArgument(call, 1, 2)) return reply.error(SAME_OBJECT);
  if (keyspace.read(key) === 0) return reply.integer(0);
  const destination = locateIn(call, 2, database);
  if (isTaken(call, destination) && !replace) return reply.integer(0);
  if (copyRecord(keyspace, key, destination, expiryAtMs(key.shard, key.record)) !== Status.Ok) {
    return reply.error(OUT_OF_MEMORY);
  }
  reply.integer(1);
}

function moveCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const database = parseDatabase(call, 2);
  if (database < 0) return;
  if (database === call.client.database) return reply.error(SAME_OBJECT);
  if (keyspace.find(key) === 0) return reply.integer(0);
  const destination = locateIn(call, 1, database);
  if (isTaken(call, destination)) return reply.integer(0);
  if (moveRecord(keyspace, key, destination) === Status.Ok) reply.integer(1);
  else reply.error(OUT_OF_MEMORY);
}

/** Argument `index` as a key of another logical database, one that the row's `otherDatabase` has named. */
function locateIn(call: Call, index: number, logical: number): Key {
  const { args, keyspace, otherKey } = call;
  const database = keyspace.physicalDatabase(logical);
  keyspace.locate(otherKey, call.source, args[index * 2]!, args[index * 2 + 1]!, database);
  return otherKey;
}

const INT32_MIN = -2147483648;
const INT32_MAX = 2147483647;

/** Argument `index` as a logical database. -1: there is none such, and the error has been replied. */
function parseDatabase(call: Call, index: number): number {
  const at = call.args[index * 2]!;
  const value = parseInteger(call.source.u8, at, at + call.args[index * 2 + 1]!);
  if (value >= 0 && value < Number(call.server.setting('databases'))) return value;
  if (value !== value) call.reply.error(NOT_AN_INTEGER);
  else if (value >= INT32_MIN && value <= INT32_MAX) call.reply.error(DATABASE_OUT_OF_RANGE);
  else {
    call.reply.error(`ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`);
  }
  return -1;
}
