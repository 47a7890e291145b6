/** DEBUG: for tests and for who looks into a running server. Refused unless enable-debug-command allows it. */
import { globMatch } from '../../base/glob.ts';
import { debugDigest, debugDigestValue } from './debug-digest.ts';
import { debugLayout, debugObject, debugPopulate, debugVerify } from './debug-data.ts';
import { debugQuicklistThreshold, debugRefused, debugStructSize, debugTables } from './debug-figures.ts';
import { debugReload } from './debug-reload.ts';
import { helpText } from '../replies.ts';
import { type Call, type Family, Flag, type Handler, Route } from '../row.ts';

export const debugFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'DEBUG',
      since: '1.0.0',
      arity: -2,
      flags: Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Protected,
      route: Route.Each,
      summary: 'Looks into the server, and makes it do what tests need.',
      run: debugCommand,
    },
  ],
};

const NOT_ALLOWED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local ' +
  'connection, otherwise you need to set this option in the configuration file, and then restart the server.';

/** Redis: subcommands of DEBUG are no commands of their own, and a wrong number of arguments is an unknown one. */
interface DebugSubcommand {
  /** Numbers of arguments that are right; empty: every one is. */
  readonly counts: readonly number[];
  readonly run: Handler;
}

/** Of Redis' subcommands those that would crash the server, or are about parts that it does not have. */
const REFUSED =
  'assert panic segfault oom leak crash-and-recover restart loadaof aof-flush-sleep change-repl-id replicate ' +
  'mallctl mallctl-str drop-cluster-packet-filter clusterlink set-skip-checksum-validation';

const SUBCOMMANDS: ReadonlyMap<string, DebugSubcommand> = new Map([
  ...REFUSED.split(' ').map((name): [string, DebugSubcommand] => [
    name,
    { counts: [2, 3, 4, 5], run: debugRefused },
  ]),
  ['digest', { counts: [2], run: debugDigest }],
  ['digest-value', { counts: [], run: debugDigestValue }],
  ['error', { counts: [3], run: debugError }],
  ['htstats', { counts: [3, 4], run: debugTables }],
  ['layout', { counts: [2], run: debugLayout }],
  ['log', { counts: [3], run: debugLog }],
  ['object', { counts: [3], run: debugObject }],
  ['populate', { counts: [3, 4, 5], run: debugPopulate }],
  ['protocol', { counts: [3], run: debugProtocol }],
  ['quicklist-packed-threshold', { counts: [3], run: debugQuicklistThreshold }],
  ['reload', { counts: [2, 3, 4, 5], run: debugReload }],
  ['set-active-expire', { counts: [3], run: debugSetActiveExpire }],
  ['sleep', { counts: [3], run: debugSleep }],
  ['stringmatch-len', { counts: [4], run: debugStringMatch }],
  ['structsize', { counts: [2], run: debugStructSize }],
  ['verify', { counts: [2], run: debugVerify }],
  ['help', { counts: [2], run: debugHelp }],
]);

function debugCommand(call: Call): void {
  const permission = call.server.setting('enable-debug-command');
  if (permission !== 'yes' && !(permission === 'local' && call.client.isLocal)) {
    return call.reply.error(NOT_ALLOWED);
  }
  const name = call.text(1);
  const subcommand = SUBCOMMANDS.get(name.toLowerCase());
  if (subcommand === undefined || !takes(subcommand, call.count)) {
    return call.reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${name.slice(0, 128)}'. Try DEBUG HELP.`,
    );
  }
  subcommand.run(call);
}

function takes({ counts }: DebugSubcommand, count: number): boolean {
  return counts.length === 0 || counts.includes(count);
}

/** Redis: the text is the whole error, its code included. */
function debugError(call: Call): void {
  call.reply.error(call.text(2));
}

function debugLog(call: Call): void {
  call.server.logWarning(`DEBUG LOG: ${call.text(2)}`);
  call.reply.ok();
}

function debugSetActiveExpire(call: Call): void {
  const enabled = Number.parseInt(call.text(2), 10) > 0;
  const parked = call.park();
  void call.server.askWorkers('expiry.enable', enabled).then(() => parked.resume((reply) => reply.ok()));
}

/** A thread that sleeps cannot be stopped, so it wakes up now and then. */
const SLEEP_SLICE_MS = 100;

/** Redis serves nobody while it sleeps, which is what tests want of it. Here this worker does: the other workers' clients
 *  are served, but for keys in shards whose home this one is nothing expires in the background meanwhile. */
function debugSleep(call: Call): void {
  const until = performance.now() + (Number.parseFloat(call.text(2)) || 0) * 1000;
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let left = until - performance.now(); left > 0; left = until - performance.now()) {
    Atomics.wait(never, 0, 0, Math.min(left, SLEEP_SLICE_MS));
  }
  call.reply.ok();
}

/** Whether the pattern matches the text: 1 or 0. */
function debugStringMatch(call: Call): void {
  const pattern = call.copyArgument(2);
  const text = call.copyArgument(3);
  const matches = globMatch(pattern, 0, pattern.length, text, 0, text.length, false);
  call.reply.integer(matches ? 1 : 0);
}

const PROTOCOL_TYPES: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['string', ({ reply }) => reply.bulkText('Hello World')],
  ['integer', ({ reply }) => reply.integer(12345)],
  ['double', ({ reply }) => reply.double(3.141)],
  ['bignum', ({ reply }) => reply.bigNumber('1234567999999999999999999999999999999')],
  ['null', ({ reply }) => reply.nil()],
  ['array', ({ reply }) => [reply.array(3), reply.integer(0), reply.integer(1), reply.integer(2)]],
  ['set', ({ reply }) => [reply.set(3), reply.integer(0), reply.integer(1), reply.integer(2)]],
  ['map', replyMap],
  ['attrib', replyAttribute],
  ['push', replyPush],
  ['verbatim', ({ reply }) => reply.verbatim('This is a verbatim\nstring', 'txt')],
  ['true', ({ reply }) => reply.boolean(true)],
  ['false', ({ reply }) => reply.boolean(false)],
]);

/** Replies with a sample of a type of the protocol. */
function debugProtocol(call: Call): void {
  const run = PROTOCOL_TYPES.get(call.text(2).toLowerCase());
  if (run !== undefined) return run(call);
  const names = [...PROTOCOL_TYPES.keys()].join('|');
  call.reply.error(`ERR Wrong protocol type name. Please use one of the following: ${names}`);
}

function replyMap({ reply }: Call): void {
  reply.map(3);
  for (let i = 0; i < 3; i++) {
    reply.integer(i);
    reply.boolean(i === 1);
  }
}

function replyAttribute({ reply, client }: Call): void {
  if (client.version === 3) {
    reply.attribute(1);
    reply.bulkText('key-popularity');
    reply.array(2);
    reply.bulkText('key:123');
    reply.integer(90);
  }
  reply.bulkText('Some real reply following the attribute');
}

function replyPush({ reply, client }: Call): void {
  if (client.version !== 3) return reply.error('ERR RESP2 is not supported by this command');
  reply.push(2);
  reply.bulkText('server-cpu-usage');
  reply.integer(42);
  // Redis: a push message does not answer the request, so an ordinary reply comes behind it.
  reply.bulkText('Some real reply following the push reply');
}

const HELP = [
  'DIGEST',
  '    Output a hex signature representing the current DB content.',
  'DIGEST-VALUE <key> [<key> ...]',
  '    Output a hex signature of the values of all the specified keys.',
  'ERROR <string>',
  '    Return a Redis protocol error with <string> as message. Useful for clients',
  '    unit tests to simulate Redis errors.',
  'HTSTATS <dbid>',
  '    Return statistics of the key index, and of the keys of the database.',
  'LAYOUT',
  '    Describe the memory of every shard: keys, bytes, pages, table.',
  'LOG <message>',
  '    Write <message> to the server log.',
  'OBJECT <key>',
  '    Show low level info about `key` and associated value.',
  'POPULATE <count> [<prefix>] [<size>]',
  '    Create <count> string keys named key:<num>. If <prefix> is specified then',
  "    it is used instead of the 'key' prefix.",
  'PROTOCOL <type>',
  '    Reply with a test value of the specified type. <type> can be: string,',
  '    integer, double, bignum, null, array, set, map, attrib, push, verbatim,',
  '    true, false.',
  'QUICKLIST-PACKED-THRESHOLD <size>',
  '    Taken for the sake of tests of Redis; without effect.',
  'RELOAD [option ...]',
  '    Save the RDB on disk and reload it back to memory. Valid <option> values:',
  '    * MERGE: conflicting keys will be loaded from RDB.',
  '    * NOFLUSH: the existing database will not be removed before load, but',
  '      conflicting keys will generate an exception and kill the server.',
  '    * NOSAVE: the database will be loaded from an existing RDB file.',
  '    By default, the RDB file is saved and all the data is reloaded.',
  '    This needs every client to wait meanwhile.',
  'SET-ACTIVE-EXPIRE <0|1>',
  '    Setting it to 0 disables expiring keys in background when they are not',
  '    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the',
  '    default.',
  'SLEEP <seconds>',
  '    Stop the worker of this connection for <seconds>. Decimals allowed.',
  'STRINGMATCH-LEN <pattern> <string>',
  '    Tell whether the glob-style <pattern> matches <string>.',
  'STRUCTSIZE',
  '    Return the sizes that are fixed about a key.',
  'VERIFY',
  '    Walk every shard and check every invariant; reply with the number of keys.',
  '    On a broken one the server logs it and ends.',
];

function debugHelp(call: Call): void {
  helpText(call.reply, 'DEBUG', HELP);
}
