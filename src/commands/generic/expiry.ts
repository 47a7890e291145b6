/** Commands that set, clear and ask the time at which a key expires. */
import { expiryAtMs } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { isWord } from '../argument.ts';
import { expiryOfKey } from '../effect.ts';
import { type ExpiryUnit, hasPassed, parseSignedExpiry } from '../expiry-argument.ts';
import { OUT_OF_MEMORY } from '../replies.ts';
import { type Call, Flag, type Handler, key, KeyFlag, type Row } from '../row.ts';

const UPDATED_KEY = [key(1, KeyFlag.ReadWrite | KeyFlag.Update)];
const READ_KEY = [key(1, KeyFlag.ReadOnly | KeyFlag.Access)];
/** For the tips of what depends on the time of asking. */
const VARIES = ['NONDETERMINISTIC_OUTPUT'];

export const expiryRows: readonly Row[] = [
  setterRow('EXPIRE', '1.0.0', 'Lets a key expire in some seconds.', (call) =>
    expire(call, 'seconds', false),
  ),
  setterRow('PEXPIRE', '2.6.0', 'Lets a key expire in some milliseconds.', (call) =>
    expire(call, 'milliseconds', false),
  ),
  setterRow('EXPIREAT', '1.2.0', 'Lets a key expire at a Unix time in seconds.', (call) =>
    expire(call, 'seconds', true),
  ),
  setterRow('PEXPIREAT', '2.6.0', 'Lets a key expire at a Unix time in milliseconds.', (call) =>
    expire(call, 'milliseconds', true),
  ),
  getterRow('EXPIRETIME', '7.0.0', [], 'Tells the Unix time in seconds at which a key expires.', (call) =>
    replyExpiry(call, 0, 'seconds'),
  ),
  getterRow(
    'PEXPIRETIME',
    '7.0.0',
    [],
    'Tells the Unix time in milliseconds at which a key expires.',
    (call) => replyExpiry(call, 0, 'milliseconds'),
  ),
  getterRow('TTL', '1.0.0', VARIES, 'Tells the seconds until a key expires.', (call) =>
    replyExpiry(call, call.keyspace.nowMs, 'seconds'),
  ),
  getterRow('PTTL', '2.6.0', VARIES, 'Tells the milliseconds until a key expires.', (call) =>
    replyExpiry(call, call.keyspace.nowMs, 'milliseconds'),
  ),
  {
    name: 'PERSIST',
    since: '2.2.0',
    arity: 2,
    flags: Flag.Write | Flag.Fast,
    acl: ['keyspace'],
    keys: UPDATED_KEY,
    summary: 'Lets a key stay for ever.',
    run: persistCommand,
  },
];

function setterRow(name: string, since: string, summary: string, run: Handler): Row {
  const flags = Flag.Write | Flag.Fast;
  return {
    name,
    since,
    arity: -3,
    flags,
    acl: ['keyspace'],
    keys: UPDATED_KEY,
    summary,
    run,
    effect: expiryOfKey,
  };
}

function getterRow(name: string, since: string, tips: readonly string[], summary: string, run: Handler): Row {
  const flags = Flag.ReadOnly | Flag.Fast;
  return { name, since, arity: 2, flags, acl: ['keyspace'], keys: READ_KEY, tips, summary, run };
}

/** Conditions of EXPIRE and its kin, a set of bits. */
const enum Condition {
  None = 0,
  IfMissing = 1,
  IfPresent = 2,
  IfLater = 4,
  IfEarlier = 8,
}

function expire(call: Call, unit: ExpiryUnit, isAbsolute: boolean): void {
  const { key, keyspace, reply } = call;
  const condition = parseCondition(call);
  if (condition < 0) return;
  const whenMs = parseSignedExpiry(call, 2, unit, isAbsolute);
  if (whenMs !== whenMs) return;
  if (keyspace.find(key) === 0) return reply.integer(0);
  if (!isMet(condition, whenMs, expiryAtMs(key.shard, key.record))) return reply.integer(0);
  if (hasPassed(call, whenMs)) keyspace.remove(key);
  else if (keyspace.setExpiry(key, whenMs) !== Status.Ok) return reply.error(OUT_OF_MEMORY);
  reply.integer(1);
}

/** The conditions behind the time. -1: they are wrong, and the error has been replied. */
function parseCondition(call: Call): number {
  let condition = Condition.None;
  for (let index = 3; index < call.count; index++) {
    if (isWord(call, index, 'NX')) condition |= Condition.IfMissing;
    else if (isWord(call, index, 'XX')) condition |= Condition.IfPresent;
    else if (isWord(call, index, 'GT')) condition |= Condition.IfLater;
    else if (isWord(call, index, 'LT')) condition |= Condition.IfEarlier;
    else return refuse(call, `ERR Unsupported option ${call.text(index)}`);
  }
  if ((condition & Condition.IfMissing) !== 0 && condition !== Condition.IfMissing) {
    return refuse(call, 'ERR NX and XX, GT or LT options at the same time are not compatible');
  }
  if ((condition & Condition.IfLater) !== 0 && (condition & Condition.IfEarlier) !== 0) {
    return refuse(call, 'ERR GT and LT options at the same time are not compatible');
  }
  return condition;
}

function refuse(call: Call, text: string): -1 {
  call.reply.error(text);
  return -1;
}

/** Redis: a key without an expiry stays for ever, which is later than any time. */
function isMet(condition: number, whenMs: number, currentMs: number): boolean {
  if ((condition & Condition.IfMissing) !== 0 && currentMs !== 0) return false;
  if ((condition & Condition.IfPresent) !== 0 && currentMs === 0) return false;
  if ((condition & Condition.IfLater) !== 0 && (currentMs === 0 || whenMs <= currentMs)) return false;
  return (condition & Condition.IfEarlier) === 0 || currentMs === 0 || whenMs < currentMs;
}

/** Replies the time of expiry counted from `fromMs`, rounded to the unit; -1 for ever, -2 no such key. */
function replyExpiry(call: Call, fromMs: number, unit: ExpiryUnit): void {
  const { key, keyspace, reply } = call;
  if (keyspace.peek(key) === 0) return reply.integer(-2);
  const whenMs = expiryAtMs(key.shard, key.record);
  if (whenMs === 0) return reply.integer(-1);
  const restMs = whenMs - fromMs;
  reply.integer(unit === 'seconds' ? Math.floor((restMs + 500) / 1000) : restMs);
}

function persistCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  if (keyspace.find(key) === 0 || expiryAtMs(key.shard, key.record) === 0) return reply.integer(0);
  if (keyspace.setExpiry(key, 0) !== Status.Ok) return reply.error(OUT_OF_MEMORY);
  reply.integer(1);
}
