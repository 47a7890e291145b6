/** EVAL and its relatives. */
import type { ScriptHabit } from '../../scripting/script-habits.ts';
import { ScriptFlag, sha1 } from '../../scripting/scripts.ts';
import { type Int64, int64ToNumber } from '../../base/int64.ts';
import { parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER } from '../replies.ts';
import { type Call, countedKeys, Flag, KeyFlag, Route, type Row } from '../row.ts';

const OUT_OF_MEMORY_FLAG =
  "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'";
const NO_SCRIPT = 'NOSCRIPT No matching script. Please use EVAL.';
const SCRIPT_FLAGS = Flag.NoScript | Flag.SkipMonitor | Flag.NoMandatoryKeys | Flag.Stale;
const WRITER_KEYS = [countedKeys(2, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)];
const READER_KEYS = [countedKeys(2, KeyFlag.ReadOnly | KeyFlag.Access)];
const scratchCount: Int64 = { hi: 0, lo: 0 };

/** What all six commands that run scripts share. Any of them may use keys it does not declare. */
export const SCRIPT_ROW = {
  writer: {
    arity: -3,
    flags: SCRIPT_FLAGS | Flag.MayReplicate,
    acl: ['scripting'],
    keys: WRITER_KEYS,
    route: Route.All,
  },
  reader: {
    arity: -3,
    flags: SCRIPT_FLAGS | Flag.ReadOnly,
    acl: ['scripting'],
    keys: READER_KEYS,
    route: Route.All,
  },
} as const;

export const evalRows: readonly Row[] = [
  {
    ...SCRIPT_ROW.writer,
    name: 'EVAL',
    since: '2.6.0',
    summary: 'Runs a script.',
    habit: habitOfBody,
    run: (call) => evalCommand(call, 0),
  },
  {
    ...SCRIPT_ROW.writer,
    name: 'EVALSHA',
    since: '2.6.0',
    summary: 'Runs a script known by the SHA-1 of its text.',
    habit: habitOfSha,
    run: (call) => evalShaCommand(call, 0),
  },
  {
    ...SCRIPT_ROW.reader,
    name: 'EVAL_RO',
    since: '7.0.0',
    summary: 'Runs a script that writes nothing.',
    habit: habitOfBody,
    run: (call) => evalCommand(call, ScriptFlag.NoWrites),
  },
  {
    ...SCRIPT_ROW.reader,
    name: 'EVALSHA_RO',
    since: '7.0.0',
    summary: 'Runs a script that writes nothing, known by the SHA-1 of its text.',
    habit: habitOfSha,
    run: (call) => evalShaCommand(call, ScriptFlag.NoWrites),
  },
];

function habitOfBody(call: Call): ScriptHabit {
  return call.server.scripts.habits.of(sha1(call.copyArgument(1)));
}

function habitOfSha(call: Call): ScriptHabit {
  return call.server.scripts.habits.of(call.text(1).toLowerCase());
}

/** Argument 2 as a number of keys, or -1 when it cannot be: then the reply is written. */
export function readKeyCount(call: Call): number {
  if (!parseInt64Argument(call, 2, scratchCount)) {
    call.reply.error(NOT_AN_INTEGER);
    return -1;
  }
  const keyCount = int64ToNumber(scratchCount);
  if (keyCount > call.count - 3) {
    call.reply.error("ERR Number of keys can't be greater than number of args");
    return -1;
  }
  if (keyCount < 0) {
    call.reply.error("ERR Number of keys can't be negative");
    return -1;
  }
  return keyCount;
}

function evalCommand(call: Call, extraFlags: number): void {
  const keyCount = readKeyCount(call);
  if (keyCount < 0) return;
  const { scripts } = call.server;
  const body = call.copyArgument(1);
  const sha = sha1(body);
  let found = scripts.find(sha);
  if (found === -1) found = scripts.learn(sha, body);
  runScript(call, sha, found, keyCount, extraFlags);
}

function evalShaCommand(call: Call, extraFlags: number): void {
  const keyCount = readKeyCount(call);
  if (keyCount < 0) return;
  const sha = call.text(1).toLowerCase();
  const found = call.server.scripts.find(sha);
  if (found === -1) return call.reply.error(NO_SCRIPT);
  runScript(call, sha, found, keyCount, extraFlags);
}

function runScript(
  call: Call,
  sha: string,
  found: number | string,
  keyCount: number,
  extraFlags: number,
): void {
  if (typeof found === 'string') return call.reply.error(found);
  if (refusesRun(call, found, extraFlags)) return;
  const { source, args, count, client } = call;
  const request = { source, args, count, firstKey: 3, keyCount };
  const { database } = client;
  try {
    call.server.scripts.run(sha, found | extraFlags, request, call.reply);
  } finally {
    // A database that the script has selected is its own.
    client.database = database;
  }
}

/** Redis: a script that says what it may do is checked against that before it begins. */
export function refusesRun(call: Call, flags: number, extraFlags: number): boolean {
  if ((flags & ScriptFlag.Compatible) !== 0) return false;
  if ((extraFlags & ~flags & ScriptFlag.NoWrites) !== 0) {
    call.reply.error('ERR Can not execute a script with write flag using *_ro command.');
    return true;
  }
  if ((flags & (ScriptFlag.AllowOom | ScriptFlag.NoWrites)) !== 0 || !call.memoryFull) return false;
  call.reply.error(OUT_OF_MEMORY_FLAG);
  return true;
}
