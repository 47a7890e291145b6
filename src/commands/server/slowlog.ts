/** SLOWLOG: which commands took long, over all workers. Each worker keeps its own entries; they are merged when asked for. */
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { parseLong } from '../connection/client-arguments.ts';
import { helpText } from '../replies.ts';
import { type Call, type Family, Flag, type Row } from '../row.ts';

/** One command that took long. Answer to `slowlog.get`: the newest first. */
export interface SlowLogEntry {
  /** Unique, and ascending with time, over all workers. */
  readonly id: number;
  readonly timeS: number;
  readonly durationUs: number;
  readonly args: readonly Uint8Array[];
  readonly address: string;
  readonly clientName: string;
}

const ADMIN = Flag.Admin | Flag.Loading | Flag.Stale;
const ANY_NODE = 'REQUEST_POLICY:ALL_NODES';
const COUNT_USUAL = 10;
const COUNT_INVALID = 'ERR count should be greater than or equal to -1';

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
    run: slowlogLength,
  },
  {
    name: 'RESET',
    since: '2.2.12',
    arity: 2,
    flags: ADMIN,
    tips: [ANY_NODE, 'RESPONSE_POLICY:ALL_SUCCEEDED'],
    summary: 'Empties the slow log.',
    run: slowlogReset,
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
  const { reply, server } = call;
  if (call.count > 3) {
    const name = call.text(1).slice(0, 128);
    return reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${name}'. Try SLOWLOG HELP.`,
    );
  }
  const asked = call.count === 3 ? parseLong(call.text(2)) : BigInt(COUNT_USUAL);
  if (asked === null || asked < -1n) return reply.error(COUNT_INVALID);
  const countMax = asked === -1n ? Infinity : Number(asked);
  const parked = call.park();
  void server.askWorkers('slowlog.get', Math.min(countMax, lengthMax(call))).then((answers) => {
    const entries = (answers as SlowLogEntry[][]).flat().sort((a, b) => b.id - a.id);
    const shown = entries.slice(0, Math.min(countMax, lengthMax({ server })));
    parked.resume((late) => {
      late.array(shown.length);
      for (const entry of shown) writeEntry(late, entry);
    });
  });
}

function lengthMax({ server }: Pick<Call, 'server'>): number {
  return Number(server.setting('slowlog-max-len'));
}

function writeEntry(reply: RespWriter, entry: SlowLogEntry): void {
  reply.array(6);
  reply.integer(entry.id);
  reply.integer(entry.timeS);
  reply.integer(entry.durationUs);
  reply.array(entry.args.length);
  for (const argument of entry.args) reply.bulkBuffer(argument);
  reply.bulkText(entry.address);
  reply.bulkText(entry.clientName);
}

/** Of what the workers have together only the newest slowlog-max-len are told. */
function slowlogLength(call: Call): void {
  const { server } = call;
  const parked = call.park();
  void server.askWorkers('slowlog.length', null).then((answers) => {
    const sum = (answers as number[]).reduce((total, length) => total + length, 0);
    parked.resume((reply) => reply.integer(Math.min(sum, lengthMax({ server }))));
  });
}

function slowlogReset(call: Call): void {
  const parked = call.park();
  void call.server.askWorkers('slowlog.reset', null).then(() => parked.resume((reply) => reply.ok()));
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
