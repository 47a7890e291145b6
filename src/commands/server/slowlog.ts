/** SLOWLOG: which commands took long, over all workers. Each worker keeps its own entries; they are merged when asked for. */
import { helpText } from '../replies.ts';
import { type Call, type Family, Flag, type Row } from '../row.ts';
import { emptyLog, tellEntries, tellLength } from './command-log.ts';

const ADMIN = Flag.Admin | Flag.Loading | Flag.Stale;
const ANY_NODE = 'REQUEST_POLICY:ALL_NODES';
const COUNT_USUAL = '10';

const SUBCOMMANDS: readonly Row[] = [
  {
    name: 'GET',
    since: '2.2.12',
    arity: -2,
    flags: ADMIN,
    tips: [ANY_NODE, 'NONDETERMINISTIC_OUTPUT'],
    summary: 'Tells the newest entries of the slow log.',
    run: slowlogGet,
  },
  {
    name: 'LEN',
    since: '2.2.12',
    arity: 2,
    flags: ADMIN,
    tips: [ANY_NODE, 'RESPONSE_POLICY:AGG_SUM', 'NONDETERMINISTIC_OUTPUT'],
    summary: 'Tells how many entries the slow log has.',
    run: (call) => tellLength(call, 'slow'),
  },
  {
    name: 'RESET',
    since: '2.2.12',
    arity: 2,
    flags: ADMIN,
    tips: [ANY_NODE, 'RESPONSE_POLICY:ALL_SUCCEEDED'],
    summary: 'Empties the slow log.',
    run: (call) => emptyLog(call, 'slow'),
  },
  {
    name: 'HELP',
    since: '6.2.0',
    arity: 2,
    flags: Flag.Loading | Flag.Stale,
    summary: 'Tells what subcommands there are.',
    run: slowlogHelp,
  },
];

export const slowlogFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'SLOWLOG',
      since: '2.2.12',
      arity: -2,
      flags: Flag.None,
      summary: 'Tells which commands took long.',
      subs: SUBCOMMANDS,
    },
  ],
};

function slowlogGet(call: Call): void {
  if (call.count > 3) {
    const name = call.text(1).slice(0, 128);
    return call.reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${name}'. Try SLOWLOG HELP.`,
    );
  }
  tellEntries(call, 'slow', call.count === 3 ? call.text(2) : COUNT_USUAL);
}

const HELP = [
  'GET [<count>]',
  '    Return top <count> entries from the slowlog (default: 10, -1 mean all).',
  '    Entries are made of:',
  '    id, timestamp, time in microseconds, arguments array, client IP and port,',
  '    client name',
  'LEN',
  '    Return the length of the slowlog.',
  'RESET',
  '    Reset the slowlog.',
];

function slowlogHelp(call: Call): void {
  helpText(call.reply, 'SLOWLOG', HELP);
}
