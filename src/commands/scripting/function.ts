/** FUNCTION and FCALL: functions that libraries have registered. */
import { globMatch } from '../../base/glob.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { BusyScript } from '../../scripting/busy-scripts.ts';
import { dumpLibraries, readDump } from '../../scripting/functions/dump.ts';
import type { Library, RestorePolicy } from '../../scripting/functions/libraries.ts';
import { ScriptFlag } from '../../scripting/scripts.ts';
import { FLAG_NAMES } from '../../scripting/shebang.ts';
import { ScriptHabit } from '../../scripting/script-habits.ts';
import { type Int64, int64ToNumber } from '../../base/int64.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { BUSY_SCRIPT, helpText } from '../replies.ts';
import { type Call, Flag, type Row } from '../row.ts';
import { refusesRun, SCRIPT_ROW } from './eval.ts';
import { killCommand } from './script.ts';

const HELP = [
  'LOAD [REPLACE] <FUNCTION CODE>',
  '    Create a new library with the given library name and code.',
  'DELETE <LIBRARY NAME>',
  '    Delete the given library.',
  'LIST [LIBRARYNAME PATTERN] [WITHCODE]',
  '    Return general information on all the libraries:',
  '    * Library name',
  '    * The engine used to run the Library',
  '    * Library description',
  '    * Functions list',
  '    * Library code (if WITHCODE is given)',
  '    It also possible to get only function that matches a pattern using LIBRARYNAME argument.',
  'STATS',
  '    Return information about the current function running:',
  '    * Function name',
  '    * Command used to run the function',
  '    * Duration in MS that the function is running',
  '    If no function is running, return nil',
  '    In addition, returns a list of available engines.',
  'KILL',
  '    Kill the current running function.',
  'FLUSH [ASYNC|SYNC]',
  '    Delete all the libraries.',
  '    When called without the optional mode argument, the behavior is determined by the',
  '    lazyfree-lazy-user-flush configuration directive. Valid modes are:',
  '    * ASYNC: Asynchronously flush the libraries.',
  '    * SYNC: Synchronously flush the libraries.',
  'DUMP',
  '    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command',
  'RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]',
  '    Restore the libraries represented by the given payload, it is possible to give a restore policy to',
  '    control how to handle existing libraries (default APPEND):',
  '    * FLUSH: delete all existing libraries.',
  '    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.',
  '    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old',
  '      libraries with the new libraries (notice that even on this option there is a chance of failure',
  '      in case of functions name collision with another library).',
];

const scratchCount: Int64 = { hi: 0, lo: 0 };
const WRITES = Flag.NoScript | Flag.Write | Flag.DenyOom;

/** Which nodes of a cluster a client should ask, as Redis says it. */
const TIPS: Readonly<Record<string, readonly string[]>> = {
  DELETE: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
  FLUSH: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
  KILL: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:ONE_SUCCEEDED'],
  LIST: ['NONDETERMINISTIC_OUTPUT_ORDER'],
  LOAD: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
  RESTORE: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
  STATS: ['NONDETERMINISTIC_OUTPUT', 'REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:SPECIAL'],
};

export const functionRows: readonly Row[] = [
  {
    ...SCRIPT_ROW.writer,
    name: 'FCALL',
    since: '7.0.0',
    summary: 'Runs a function of a library.',
    habit: habitOfFunction,
    run: (call) => fcallCommand(call, 0),
  },
  {
    ...SCRIPT_ROW.reader,
    name: 'FCALL_RO',
    since: '7.0.0',
    summary: 'Runs a function that writes nothing.',
    habit: habitOfFunction,
    run: (call) => fcallCommand(call, ScriptFlag.NoWrites),
  },
  {
    name: 'FUNCTION',
    since: '7.0.0',
    arity: -2,
    flags: Flag.None,
    summary: 'Commands about libraries of functions.',
    subs: [
      sub('DELETE', 3, Flag.NoScript | Flag.Write, 'Removes a library.', functionDeleteCommand),
      sub('DUMP', 2, Flag.NoScript, 'All libraries in a form that RESTORE takes.', functionDumpCommand),
      sub('FLUSH', -2, Flag.NoScript | Flag.Write, 'Removes all libraries.', functionFlushCommand),
      sub('HELP', 2, Flag.Loading | Flag.Stale, 'Tells what the subcommands do.', (call) =>
        helpText(call.reply, 'FUNCTION', HELP),
      ),
      sub('KILL', 2, Flag.NoScript | Flag.AllowBusy, 'Ends the function that is running.', (call) =>
        killCommand(call, true),
      ),
      sub('LIST', -2, Flag.NoScript, 'Lists libraries and their functions.', functionListCommand),
      sub('LOAD', -3, WRITES, 'Adds a library.', functionLoadCommand),
      sub('RESTORE', -3, WRITES, 'Adds the libraries that DUMP has written.', functionRestoreCommand),
      sub('STATS', 2, Flag.NoScript | Flag.AllowBusy, 'Tells what is running.', functionStatsCommand),
    ],
  },
];

function sub(name: string, arity: number, flags: number, summary: string, run: (call: Call) => void): Row {
  return { name, since: '7.0.0', arity, flags, acl: ['scripting'], tips: TIPS[name] ?? [], summary, run };
}

function habitOfFunction(call: Call): ScriptHabit {
  const { scripts } = call.server;
  const found = scripts.libraries.find(call.text(1));
  return found === null ? ScriptHabit.Unknown : scripts.habits.of(found);
}

function fcallCommand(call: Call, extraFlags: number): void {
  const { reply, client } = call;
  const found = call.server.scripts.libraries.find(call.text(1));
  if (found === null) return reply.error('ERR Function not found');
  if (!parseInt64Argument(call, 2, scratchCount)) return reply.error('ERR Bad number of keys provided');
  const keyCount = int64ToNumber(scratchCount);
  if (keyCount > call.count - 3) {
    return reply.error("ERR Number of keys can't be greater than number of args");
  }
  if (keyCount < 0) return reply.error("ERR Number of keys can't be negative");
  if (refusesRun(call, found.flags, extraFlags)) return;
  const { source, args, count } = call;
  const request = { source, args, count, firstKey: 3, keyCount };
  const { database } = client;
  try {
    call.server.scripts.runFunction(found, request, reply);
  } finally {
    client.database = database;
  }
}

function functionLoadCommand(call: Call): void {
  let replaces = false;
  for (let index = 2; index < call.count - 1; index++) {
    if (replaces || !isWord(call, index, 'REPLACE')) {
      return call.reply.error(`ERR Unknown option given: ${call.text(index)}`);
    }
    replaces = true;
  }
  const loaded = call.server.scripts.libraries.load(call.copyArgument(call.count - 1), replaces);
  if (typeof loaded === 'string') call.reply.error(loaded);
  else call.reply.bulkText(loaded.name);
}

function functionDeleteCommand(call: Call): void {
  if (call.server.scripts.libraries.delete(call.text(2))) call.reply.ok();
  else call.reply.error('ERR Library not found');
}

function functionFlushCommand(call: Call): void {
  const isKnown =
    call.count === 2 || (call.count === 3 && (isWord(call, 2, 'SYNC') || isWord(call, 2, 'ASYNC')));
  if (!isKnown) return call.reply.error('ERR FUNCTION FLUSH only supports SYNC|ASYNC option');
  call.server.scripts.libraries.flush();
  call.reply.ok();
}

function functionDumpCommand(call: Call): void {
  const libraries = call.server.scripts.libraries.all();
  call.reply.bulkBuffer(dumpLibraries(libraries.map(({ code }) => code)));
}

function functionRestoreCommand(call: Call): void {
  const { reply } = call;
  if (call.count > 4) return reply.error("ERR wrong number of arguments for 'function|restore' command");
  let policy: RestorePolicy = 'append';
  if (call.count === 4) {
    if (isWord(call, 3, 'FLUSH')) policy = 'flush';
    else if (isWord(call, 3, 'REPLACE')) policy = 'replace';
    else if (!isWord(call, 3, 'APPEND')) {
      return reply.error('ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.');
    }
  }
  const codes = readDump(call.copyArgument(2));
  if (typeof codes === 'string') return reply.error(codes);
  const problem = call.server.scripts.libraries.restore(codes, policy);
  if (problem === null) reply.ok();
  else reply.error(problem);
}

function functionListCommand(call: Call): void {
  let pattern: Buffer | null = null;
  let withCode = false;
  for (let index = 2; index < call.count; index++) {
    if (!withCode && isWord(call, index, 'WITHCODE')) withCode = true;
    else if (pattern === null && isWord(call, index, 'LIBRARYNAME')) {
      if (index + 1 >= call.count) return call.reply.error('ERR library name argument was not given');
      pattern = call.copyArgument(++index);
    } else return call.reply.error(`ERR Unknown argument ${call.text(index)}`);
  }
  const libraries = call.server.scripts.libraries
    .all()
    .filter(({ name }) => pattern === null || matches(pattern, name));
  call.reply.array(libraries.length);
  for (const library of libraries) writeLibrary(call, library, withCode);
}

function matches(pattern: Buffer, name: string): boolean {
  const text = Buffer.from(name);
  return globMatch(pattern, 0, pattern.length, text, 0, text.length, false);
}

function writeLibrary({ reply }: Call, library: Library, withCode: boolean): void {
  reply.map(withCode ? 4 : 3);
  reply.bulkText('library_name');
  reply.bulkText(library.name);
  reply.bulkText('engine');
  reply.bulkText('LUA');
  reply.bulkText('functions');
  reply.array(library.functions.length);
  for (const { name, description, flags } of library.functions) {
    reply.map(3);
    reply.bulkText('name');
    reply.bulkText(name);
    reply.bulkText('description');
    if (description === null) reply.nil();
    else reply.bulkText(description);
    reply.bulkText('flags');
    const words = [...FLAG_NAMES].filter(([, flag]) => (flags & flag) !== 0);
    reply.set(words.length);
    for (const [word] of words) reply.simple(word);
  }
  if (!withCode) return;
  reply.bulkText('library_code');
  reply.bulkBuffer(library.code);
}

function functionStatsCommand(call: Call): void {
  const { reply } = call;
  const { scripts } = call.server;
  const told = scripts.busyElsewhere.longest;
  // That it has ended may not have been heard of here yet.
  const running = told !== null && scripts.states.isRunning(told.worker) ? told : null;
  // Redis: only a function's state is told while one runs.
  if (running !== null && !running.isFunction) return reply.error(BUSY_SCRIPT);
  const libraries = call.server.scripts.libraries.all();
  reply.map(2);
  reply.bulkText('running_script');
  writeRunning(reply, running);
  reply.bulkText('engines');
  reply.map(1);
  reply.bulkText('LUA');
  reply.map(2);
  reply.bulkText('libraries_count');
  reply.integer(libraries.length);
  reply.bulkText('functions_count');
  reply.integer(libraries.reduce((sum, { functions }) => sum + functions.length, 0));
}

function writeRunning(reply: RespWriter, running: BusyScript | null): void {
  if (running === null) return reply.nil();
  reply.map(3);
  reply.bulkText('name');
  reply.bulkText(running.name);
  reply.bulkText('command');
  reply.array(running.words.length);
  for (const word of running.words) reply.bulkBuffer(Buffer.from(word, 'latin1'));
  reply.bulkText('duration_ms');
  reply.integer(Math.max(Date.now() - running.startedMs, 0));
}
