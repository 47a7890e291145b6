/**
 * Strings: one key read, set or removed, with every condition and expiry. The rest of the family is in the files it
 * concatenates here.
 */
import { expiryAtMs, recordType, ValueType } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { deletionOfKey, expiryOfKey, plainOrStringOfKey, stringOfKey } from '../effect.ts';
import { ExpiryOption, hasPassed, parseExpiry, takesTime } from '../expiry-argument.ts';
import { OUT_OF_MEMORY, wrongArity, WRONG_TYPE } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, type Row } from '../row.ts';
import { lcsRows } from './lcs.ts';
import { manyRows } from './many.ts';
import { numberRows } from './number.ts';
import {
  checkCondition,
  Condition,
  conditionAt,
  digestOf,
  equalsArgument,
  expiryOf,
  Outcome,
  parseOptions,
  StringOptions,
  Takes,
} from './options.ts';
import { increxRows } from './increx.ts';
import { rangeRows } from './range.ts';
import { findString, NOT_A_STRING, readString, replyString } from './value.ts';

const singleRows: readonly Row[] = [
  {
    name: 'GET',
    since: '1.0.0',
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the string at a key.',
    run: getCommand,
  },
  {
    name: 'SET',
    since: '1.0.0',
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update | KeyFlag.VariableFlags)],
    summary: 'Sets a key to a string, on a condition and with an expiry if wanted.',
    run: setCommand,
    effect: plainOrStringOfKey,
  },
  {
    name: 'SETNX',
    since: '1.0.0',
    arity: 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.Overwrite | KeyFlag.Insert)],
    summary: 'Sets a key that does not exist.',
    deprecated: true,
    run: setnxCommand,
  },
  {
    name: 'SETEX',
    since: '2.0.0',
    arity: 4,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['string'],
    keys: [key(1, KeyFlag.Overwrite | KeyFlag.Update)],
    summary: 'Sets a key with an expiry in seconds.',
    deprecated: true,
    run: setexCommand,
    effect: stringOfKey,
  },
  {
    name: 'PSETEX',
    since: '2.6.0',
    arity: 4,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['string'],
    keys: [key(1, KeyFlag.Overwrite | KeyFlag.Update)],
    summary: 'Sets a key with an expiry in milliseconds.',
    deprecated: true,
    run: psetexCommand,
    effect: stringOfKey,
  },
  {
    name: 'GETSET',
    since: '1.0.0',
    arity: 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
    summary: 'Sets a key and returns what it held before.',
    deprecated: true,
    run: getsetCommand,
  },
  {
    name: 'GETDEL',
    since: '6.2.0',
    arity: 2,
    flags: Flag.Write | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary: 'Returns the string at a key and removes the key.',
    run: getdelCommand,
    effect: deletionOfKey,
  },
  {
    name: 'GETEX',
    since: '6.2.0',
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
    summary: 'Returns the string at a key and changes its expiry.',
    run: getexCommand,
    effect: expiryOfKey,
  },
  {
    name: 'DIGEST',
    since: '8.4.0',
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the XXH3 hash of the string at a key, in hexadecimal.',
    run: digestCommand,
  },
  {
    name: 'DELEX',
    since: '8.4.0',
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Removes a key if its string or the digest of it is, or is not, the one given.',
    run: delexCommand,
    effect: deletionOfKey,
  },
  {
    name: 'DELIFEQ',
    since: '9.0.0',
    arity: 3,
    flags: Flag.Write | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary: 'Removes a key if its string is the one given.',
    run: delifeqCommand,
    effect: deletionOfKey,
  },
];

export const stringFamily: Family = {
  group: 'string',
  rows: [...singleRows, ...manyRows, ...rangeRows, ...numberRows, ...increxRows, ...lcsRows],
};

/** Options of the command being run. */
const scratchOptions = new StringOptions();

/** Hot. */
function getCommand(call: Call): void {
  const key = call.key;
  const record = readString(call, key);
  if (record !== NOT_A_STRING) replyString(call, key, record);
}

/** Hot without options. */
function setCommand(call: Call): void {
  if (call.count > 3) return setWithOptions(call);
  const args = call.args;
  const status = call.keyspace.putString(call.key, call.source, args[4]!, args[5]!, 0);
  if (status === Status.Ok) call.reply.ok();
  else call.reply.error(OUT_OF_MEMORY);
}

function setWithOptions(call: Call): void {
  const options = scratchOptions;
  const takes = Takes.Existence | Takes.Comparison | Takes.Get | Takes.KeepTtl;
  if (!parseOptions(call, 3, takes, options)) return;
  const whenMs = expiryOf(call, options);
  if (whenMs !== whenMs) return;
  const { key, keyspace, reply } = call;
  const record = options.get ? keyspace.read(key) : keyspace.find(key);
  const mustBeString = options.get || options.condition >= Condition.Equal;
  if (mustBeString && record !== 0 && recordType(key.shard, record) !== ValueType.String) {
    return reply.error(WRONG_TYPE);
  }
  const outcome = checkCondition(call, key, options.condition, options.operandIndex);
  if (outcome === Outcome.Error) return;
  const start = reply.at;
  if (options.get) replyString(call, key, record);
  if (outcome === Outcome.Fails) {
    if (!options.get) reply.nil();
    return;
  }
  if (!putArgument(call, 2, whenMs)) {
    reply.at = start;
    return reply.error(OUT_OF_MEMORY);
  }
  if (!options.get) reply.ok();
}

/** Sets the key to argument `index`; an expiry that is past removes it instead. False, nothing changed: no memory. */
function putArgument(call: Call, index: number, whenMs: number): boolean {
  const { key, keyspace, args } = call;
  if (whenMs > 0 && hasPassed(call, whenMs)) {
    // Redis sets it first: whoever watches it is told, also if there was nothing.
    if (keyspace.find(key) !== 0) keyspace.remove(key);
    else keyspace.touched(key);
    return true;
  }
  const status = keyspace.putString(key, call.source, args[index * 2]!, args[index * 2 + 1]!, whenMs);
  return status === Status.Ok;
}

function setnxCommand(call: Call): void {
  if (call.keyspace.find(call.key) !== 0) return call.reply.integer(0);
  if (putArgument(call, 2, 0)) call.reply.integer(1);
  else call.reply.error(OUT_OF_MEMORY);
}

function setexCommand(call: Call): void {
  setWithTime(call, parseExpiry(call, 2, 'seconds', false));
}

function psetexCommand(call: Call): void {
  setWithTime(call, parseExpiry(call, 2, 'milliseconds', false));
}

function setWithTime(call: Call, whenMs: number): void {
  if (whenMs !== whenMs) return;
  if (putArgument(call, 3, whenMs)) call.reply.ok();
  else call.reply.error(OUT_OF_MEMORY);
}

function getsetCommand(call: Call): void {
  const { key, reply } = call;
  const record = readString(call, key);
  if (record === NOT_A_STRING) return;
  const start = reply.at;
  replyString(call, key, record);
  if (putArgument(call, 2, 0)) return;
  reply.at = start;
  reply.error(OUT_OF_MEMORY);
}

function getdelCommand(call: Call): void {
  const key = call.key;
  const record = readString(call, key);
  if (record === NOT_A_STRING) return;
  replyString(call, key, record);
  if (record !== 0) call.keyspace.remove(key);
}

/** Redis: options are parsed first, but a time is judged only when there is a string for it. */
function getexCommand(call: Call): void {
  const options = scratchOptions;
  if (!parseOptions(call, 2, Takes.Persist, options)) return;
  const { key, keyspace, reply } = call;
  const record = readString(call, key);
  if (record === NOT_A_STRING) return;
  if (record === 0) return reply.nil();
  const whenMs = expiryOf(call, options);
  if (whenMs !== whenMs) return;
  const start = reply.at;
  replyString(call, key, record);
  const isAsked = options.expiry !== ExpiryOption.None;
  if (!isAsked || (whenMs === 0 && expiryAtMs(key.shard, record) === 0)) return;
  if (takesTime(options.expiry) && hasPassed(call, whenMs)) return keyspace.remove(key);
  if (keyspace.setExpiry(key, whenMs) === Status.Ok) return;
  reply.at = start;
  reply.error(OUT_OF_MEMORY);
}

function digestCommand(call: Call): void {
  const record = readString(call, call.key);
  if (record === NOT_A_STRING) return;
  if (record === 0) call.reply.nil();
  else call.reply.bulkText(digestOf(call.key));
}

/** Redis: what follows the key is looked at only when there is a key. */
function delexCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  if (call.count === 2) return removeIf(call, keyspace.find(key) !== 0);
  const record = findString(call, key);
  if (record === NOT_A_STRING) return;
  if (record === 0) return reply.integer(0);
  if (call.count !== 4) return wrongArity(reply, 'delex');
  const condition = conditionAt(call, 2);
  if (condition < Condition.Equal) {
    return reply.error('ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE');
  }
  const outcome = checkCondition(call, key, condition, 3);
  if (outcome !== Outcome.Error) removeIf(call, outcome === Outcome.Holds);
}

function delifeqCommand(call: Call): void {
  const record = findString(call, call.key);
  if (record === NOT_A_STRING) return;
  removeIf(call, record !== 0 && equalsArgument(call, call.key, 2));
}

function removeIf(call: Call, wanted: boolean): void {
  if (wanted) call.keyspace.remove(call.key);
  call.reply.integer(wanted ? 1 : 0);
}
