/** LATENCY: spikes of what should be quick (latency-monitor-threshold), and how the times of commands are spread. Each
 *  worker keeps its own; they are put together when asked for. */
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { type LatencyEvent, mergeEvents } from '../latency-event.ts';
import type { Command } from '../registry.ts';
import { helpText } from '../replies.ts';
import { type Call, type Family, Flag, type Handler, type Row } from '../row.ts';
import { adviseOnLatency, drawLatency } from './latency-report.ts';

const ADMIN = Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale;
const SPECIAL = ['NONDETERMINISTIC_OUTPUT', 'REQUEST_POLICY:ALL_NODES', 'RESPONSE_POLICY:SPECIAL'];

function sub(name: string, arity: number, summary: string, run: Handler, since = '2.8.13'): Row {
  return { name, since, arity, flags: ADMIN, tips: SPECIAL, summary, run };
}

export const latencyFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'LATENCY',
      since: '2.8.13',
      arity: -2,
      flags: Flag.None,
      summary: 'Tells what took long, and how long commands take.',
      subs: [
        sub('DOCTOR', 2, 'Tells in words what took long.', latencyDoctor),
        sub('GRAPH', 3, 'Draws the spikes of an event.', latencyGraph),
        {
          name: 'HELP',
          since: '2.8.13',
          arity: 2,
          flags: Flag.Loading | Flag.Stale,
          summary: 'Tells what subcommands there are.',
          run: latencyHelp,
        },
        sub('HISTOGRAM', -2, 'Tells how the times of commands are spread.', latencyHistogram, '7.0.0'),
        sub('HISTORY', 3, 'Tells the spikes of an event.', latencyHistory),
        sub('LATEST', 2, 'Tells the last and the worst spike of each event.', latencyLatest),
        {
          ...sub('RESET', -2, 'Forgets events.', latencyReset),
          tips: ['REQUEST_POLICY:ALL_NODES', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
        },
      ],
    },
  ],
};

/** Replies with what `write` makes of all workers' events together. */
function withEvents(call: Call, write: (reply: RespWriter, events: LatencyEvent[]) => void): void {
  const parked = call.park();
  void call.server.askWorkers('latency.list', null).then((answers) => {
    const events = mergeEvents(answers as LatencyEvent[][]);
    parked.resume((reply) => write(reply, events));
  });
}

function latencyLatest(call: Call): void {
  withEvents(call, (reply, events) => {
    reply.array(events.length);
    for (const { name, samples, worstMs } of events) {
      const last = samples.at(-1)!;
      reply.array(4);
      reply.bulkText(name);
      reply.integer(last.timeS);
      reply.integer(last.latencyMs);
      reply.integer(worstMs);
    }
  });
}

function latencyHistory(call: Call): void {
  const name = call.text(2);
  withEvents(call, (reply, events) => {
    const samples = events.find((event) => event.name === name)?.samples ?? [];
    reply.array(samples.length);
    for (const { timeS, latencyMs } of samples) {
      reply.array(2);
      reply.integer(timeS);
      reply.integer(latencyMs);
    }
  });
}

function latencyReset(call: Call): void {
  const names = Array.from({ length: call.count - 2 }, (_, index) => call.text(index + 2));
  const parked = call.park();
  void call.server.askWorkers('latency.reset', names).then((answers) => {
    const forgotten = new Set((answers as string[][]).flat());
    parked.resume((reply) => reply.integer(forgotten.size));
  });
}

function latencyGraph(call: Call): void {
  const name = call.text(2);
  withEvents(call, (reply, events) => {
    const event = events.find((one) => one.name === name);
    if (event === undefined) reply.error(`ERR No samples available for event '${name}'`);
    else reply.verbatim(drawLatency(event, Math.floor(Date.now() / 1000)), 'txt');
  });
}

function latencyDoctor(call: Call): void {
  const thresholdMs = Number(call.server.setting('latency-monitor-threshold'));
  withEvents(call, (reply, events) => reply.verbatim(adviseOnLatency(events, thresholdMs), 'txt'));
}

/** Redis: names that are not known, and commands that have not run, are left out; a container stands for its parts. */
function latencyHistogram(call: Call): void {
  const { registry } = call.server;
  const commands: Command[] = [];
  for (let index = 2; index < call.count; index++) {
    const [name = '', subName] = call.text(index).toLowerCase().split('|', 2);
    const command = registry.byName.get(name);
    const chosen = subName === undefined ? command : command?.subs?.get(subName);
    if (chosen !== undefined) commands.push(chosen, ...(chosen.subs?.values() ?? []));
  }
  const found = (call.count === 2 ? registry.commands : commands)
    .map((command) => ({ command, histogram: call.server.commandTimes(command) }))
    .filter(({ histogram }) => histogram.calls > 0);
  const { reply } = call;
  reply.map(found.length);
  for (const { command, histogram } of found) {
    reply.bulkText(command.name);
    reply.map(2);
    reply.bulkText('calls');
    reply.integer(histogram.calls);
    reply.bulkText('histogram_usec');
    reply.map(histogram.buckets.length);
    for (const { limitUs, calls } of histogram.buckets) {
      reply.integer(Math.floor(limitUs));
      reply.integer(calls);
    }
  }
}

const HELP = [
  'DOCTOR',
  '    Return a human readable latency analysis report.',
  'GRAPH <event>',
  '    Return an ASCII latency graph for the <event> class.',
  'HISTORY <event>',
  '    Return time-latency samples for the <event> class.',
  'LATEST',
  '    Return the latest latency samples for all events.',
  'RESET [<event> ...]',
  '    Reset latency data of one or more <event> classes.',
  '    (default: reset all data for all event classes)',
  'HISTOGRAM [COMMAND ...]',
  '    Return a cumulative distribution of commands latency in histogram format.',
];

function latencyHelp(call: Call): void {
  helpText(call.reply, 'LATENCY', HELP);
}
