/** The configuration at run time. */
import { helpText, SYNTAX_ERROR } from '../replies.ts';
import { type Call, type Family, Flag } from '../row.ts';

const EVERY_NODE = ['REQUEST_POLICY:ALL_NODES', 'RESPONSE_POLICY:ALL_SUCCEEDED'];
const ADMIN = Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale;

export const configFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'CONFIG',
      since: '2.0.0',
      arity: -2,
      flags: Flag.None,
      summary: 'Reads and changes the configuration.',
      subs: [
        {
          name: 'GET',
          since: '2.0.0',
          arity: -3,
          flags: ADMIN,
          summary: 'Tells the values of the parameters that match patterns.',
          run: configGet,
        },
        {
          name: 'SET',
          since: '2.0.0',
          arity: -4,
          flags: ADMIN,
          tips: EVERY_NODE,
          summary: 'Gives parameters new values, all of them or none.',
          run: configSet,
        },
        {
          name: 'REWRITE',
          since: '2.8.0',
          arity: 2,
          flags: ADMIN,
          summary: 'Makes the configuration file say what is in force.',
          run: configRewrite,
        },
        {
          name: 'RESETSTAT',
          since: '2.0.0',
          arity: 2,
          flags: ADMIN,
          tips: EVERY_NODE,
          summary: 'Sets the counters that INFO shows back to zero.',
          run: configResetStat,
        },
        {
          name: 'HELP',
          since: '5.0.0',
          arity: 2,
          flags: Flag.Loading | Flag.Stale,
          summary: 'Tells what subcommands there are.',
          run: configHelp,
        },
      ],
    },
  ],
};

function configGet(call: Call): void {
  const patterns: string[] = [];
  for (let index = 2; index < call.count; index++) patterns.push(call.text(index));
  const found = call.server.matchSettings(patterns);
  call.reply.map(found.length);
  for (const [name, text] of found) {
    call.reply.bulkText(name);
    call.reply.bulkText(text);
  }
}

/** The configuration is main's: it checks the pairs, and has answered only when every worker has the new values. */
function configSet(call: Call): void {
  if (call.count % 2 !== 0) return call.reply.error(SYNTAX_ERROR);
  const pairs: [string, string][] = [];
  for (let index = 2; index < call.count; index += 2) pairs.push([call.text(index), call.text(index + 1)]);
  const parked = call.park();
  void call.server.askMain('config.set', { pairs, isLocal: call.client.isLocal }).then((answer) => {
    const error = String(answer);
    parked.resume((reply) => (error === '' ? reply.ok() : reply.error(error)));
  });
}

/** Main's too: it knows the file. */
function configRewrite(call: Call): void {
  const parked = call.park();
  void call.server.askMain('config.rewrite', null).then((answer) => {
    const error = String(answer);
    parked.resume((reply) => (error === '' ? reply.ok() : reply.error(error)));
  });
}

/** Every worker resets its own counters, which nobody else may write. */
function configResetStat(call: Call): void {
  const parked = call.park();
  void call.server.askWorkers('statistics.reset', null).then(() => parked.resume((reply) => reply.ok()));
}

const HELP = [
  'GET <pattern>',
  '    Return parameters matching the glob-like <pattern> and their values.',
  'SET <directive> <value>',
  '    Set the configuration <directive> to <value>.',
  'RESETSTAT',
  '    Reset statistics reported by the INFO command.',
  'REWRITE',
  '    Rewrite the configuration file.',
];

function configHelp(call: Call): void {
  helpText(call.reply, 'CONFIG', HELP);
}
