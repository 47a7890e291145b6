/** COMMANDLOG: which commands took long, and which had large requests or replies. Valkey 8.1; `slow` is what SLOWLOG tells. */
import { helpText } from '../replies.ts';
import { type Call, type Family, Flag, type Row } from '../row.ts';
import { COMMAND_LOGS, type CommandLogKind, emptyLog, tellEntries, tellLength } from './command-log.ts';

const ADMIN = Flag.Admin | Flag.Loading | Flag.Stale;
const ANY_NODE = 'REQUEST_POLICY:ALL_NODES';
const TYPE_INVALID = 'ERR type should be one of the following: slow, large-request, large-reply';

const SUBCOMMANDS: readonly Row[] = [
  {
    name: 'GET',
    since: '8.1.0',
    arity: 4,
    flags: ADMIN,
    tips: [ANY_NODE, 'NONDETERMINISTIC_OUTPUT'],
    summary: 'Tells the newest entries of a log of commands.',
    run: (call) => withKind(call, 3, (kind) => tellEntries(call, kind, call.text(2))),
  },
  {
    name: 'LEN',
    since: '8.1.0',
    arity: 3,
    flags: ADMIN,
    tips: [ANY_NODE, 'RESPONSE_POLICY:AGG_SUM', 'NONDETERMINISTIC_OUTPUT'],
    summary: 'Tells how many entries a log of commands has.',
    run: (call) => withKind(call, 2, (kind) => tellLength(call, kind)),
  },
  {
    name: 'RESET',
    since: '8.1.0',
    arity: 3,
    flags: ADMIN,
    tips: [ANY_NODE, 'RESPONSE_POLICY:ALL_SUCCEEDED'],
    summary: 'Empties a log of commands.',
    run: (call) => withKind(call, 2, (kind) => emptyLog(call, kind)),
  },
  {
    name: 'HELP',
    since: '8.1.0',
    arity: 2,
    flags: Flag.Loading | Flag.Stale,
    summary: 'Tells what subcommands there are.',
    run: commandLogHelp,
  },
];

export const commandLogFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'COMMANDLOG',
      since: '8.1.0',
      arity: -2,
      flags: Flag.None,
      summary: 'Tells which commands took long or were large.',
      subs: SUBCOMMANDS,
    },
  ],
};

/** Runs `use` with the log that argument `index` names, in any case. */
function withKind(call: Call, index: number, use: (kind: CommandLogKind) => void): void {
  const name = call.text(index).toLowerCase();
  if (Object.hasOwn(COMMAND_LOGS, name)) use(name as CommandLogKind);
  else call.reply.error(TYPE_INVALID);
}

const HELP = [
  'GET <count> <type>',
  '    Return top <count> entries of the specified <type> from the commandlog (-1 mean all).',
  '    Entries are made of:',
  '    id, timestamp,',
  '    time in microseconds for type of slow,',
  '    or size in bytes for type of large-request,',
  '    or size in bytes for type of large-reply',
  '    arguments array, client IP and port,',
  '    client name',
  'LEN <type>',
  '    Return the length of the specified type of commandlog.',
  'RESET <type>',
  '    Reset the specified type of commandlog.',
];

function commandLogHelp(call: Call): void {
  helpText(call.reply, 'COMMANDLOG', HELP);
}
