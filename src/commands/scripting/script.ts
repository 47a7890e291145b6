/** SCRIPT: the scripts that the server knows. */
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { ScriptStates } from '../../scripting/script-state.ts';
import { sha1 } from '../../scripting/scripts.ts';
import { isWord } from '../argument.ts';
import { BUSY_FUNCTION, BUSY_SCRIPT, helpText } from '../replies.ts';
import { type Call, Flag, type Row } from '../row.ts';

const HELP = [
  'DEBUG (YES|SYNC|NO)',
  '    Set the debug mode for subsequent scripts executed.',
  'EXISTS <sha1> [<sha1> ...]',
  '    Return information about the existence of the scripts in the script cache.',
  'FLUSH [ASYNC|SYNC]',
  '    Flush the Lua scripts cache. Very dangerous on replicas.',
  '    When called without the optional mode argument, the behavior is determined by the',
  '    lazyfree-lazy-user-flush configuration directive. Valid modes are:',
  '    * ASYNC: Asynchronously flush the scripts cache.',
  '    * SYNC: Synchronously flush the scripts cache.',
  'KILL',
  '    Kill the currently executing Lua script.',
  'LOAD <script>',
  '    Load a script into the scripts cache without executing it.',
];
const UNKILLABLE =
  'UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script ' +
  'termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.';
export const scriptRow: Row = {
  name: 'SCRIPT',
  since: '2.6.0',
  arity: -2,
  flags: Flag.None,
  summary: 'Commands about the scripts that the server knows.',
  subs: [
    {
      name: 'DEBUG',
      since: '3.2.0',
      arity: 3,
      flags: Flag.NoScript,
      acl: ['scripting'],
      summary: 'There is no debugger: only NO is taken.',
      run: scriptDebugCommand,
    },
    {
      name: 'EXISTS',
      since: '2.6.0',
      arity: -3,
      flags: Flag.NoScript,
      acl: ['scripting'],
      tips: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:AGG_LOGICAL_AND'],
      summary: 'Tells which scripts are known.',
      run: scriptExistsCommand,
    },
    {
      name: 'FLUSH',
      since: '2.6.0',
      arity: -2,
      flags: Flag.NoScript,
      acl: ['scripting'],
      tips: ['REQUEST_POLICY:ALL_NODES', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
      summary: 'Forgets all scripts.',
      run: scriptFlushCommand,
    },
    {
      name: 'HELP',
      since: '5.0.0',
      arity: 2,
      flags: Flag.Loading | Flag.Stale,
      acl: ['scripting'],
      summary: 'Tells what the subcommands do.',
      run: (call) => helpText(call.reply, 'SCRIPT', HELP),
    },
    {
      name: 'KILL',
      since: '2.6.0',
      arity: 2,
      flags: Flag.NoScript | Flag.AllowBusy,
      acl: ['scripting'],
      tips: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:ONE_SUCCEEDED'],
      summary: 'Ends the script that is running, if it has written nothing.',
      run: (call) => killCommand(call, false),
    },
    {
      name: 'LOAD',
      since: '2.6.0',
      arity: 3,
      flags: Flag.NoScript | Flag.Stale,
      acl: ['scripting'],
      tips: ['REQUEST_POLICY:ALL_NODES', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
      summary: 'Makes a script known.',
      run: scriptLoadCommand,
    },
    {
      name: 'SHOW',
      since: '8.0.0',
      arity: 3,
      flags: Flag.NoScript,
      acl: ['scripting'],
      summary: 'Tells the text of a known script.',
      run: scriptShowCommand,
    },
  ],
};

function scriptDebugCommand(call: Call): void {
  if (isWord(call, 2, 'NO')) return call.reply.ok();
  if (isWord(call, 2, 'YES') || isWord(call, 2, 'SYNC')) {
    return call.reply.error('ERR SCRIPT DEBUG must be called outside a pipeline');
  }
  call.reply.error('ERR Use SCRIPT DEBUG YES/SYNC/NO');
}

function scriptExistsCommand(call: Call): void {
  call.reply.array(call.count - 2);
  for (let index = 2; index < call.count; index++) {
    call.reply.integer(call.server.scripts.store.find(call.text(index).toLowerCase()) === null ? 0 : 1);
  }
}

function scriptFlushCommand(call: Call): void {
  const isKnown =
    call.count === 2 || (call.count === 3 && (isWord(call, 2, 'SYNC') || isWord(call, 2, 'ASYNC')));
  if (!isKnown) return call.reply.error('ERR SCRIPT FLUSH only support SYNC|ASYNC option');
  call.server.scripts.store.flush();
  call.reply.ok();
}

/** Ends the script, or the function, that another worker runs. */
export function killCommand({ reply, server }: Call, isFunction: boolean): void {
  replyToKill(reply, server.scripts.states, isFunction);
}

export function replyToKill(reply: RespWriter, states: ScriptStates, isFunction: boolean): void {
  switch (states.kill(isFunction)) {
    case 'killed':
      return reply.ok();
    case 'none':
      return reply.error('NOTBUSY No scripts in execution right now.');
    case 'written':
      return reply.error(UNKILLABLE);
    case 'other kind':
      return reply.error(isFunction ? BUSY_SCRIPT : BUSY_FUNCTION);
  }
}

function scriptLoadCommand(call: Call): void {
  const body = call.copyArgument(2);
  const sha = sha1(body);
  const problem = call.server.scripts.load(sha, body);
  if (problem !== null) return call.reply.error(problem);
  call.reply.bulkText(sha);
}

function scriptShowCommand(call: Call): void {
  const body = call.server.scripts.store.find(call.text(2).toLowerCase());
  if (body === null) return call.reply.error('NOSCRIPT No matching script. Please use EVAL.');
  call.reply.bulkBuffer(body);
}
