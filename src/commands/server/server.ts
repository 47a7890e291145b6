/** The server as a whole: what it is and does, its clock, its end. */
import { WallClock } from '../../base/wall-clock.ts';
import { restoreAskingRow } from '../generic/dump.ts';
import { NOT_AN_INTEGER } from '../replies.ts';
import { type Call, type Family, Flag } from '../row.ts';
import { shutdownCommand } from './shutdown.ts';

export const serverFamily: Family = {
  group: 'server',
  rows: [
    restoreAskingRow,
    {
      name: 'INFO',
      since: '1.0.0',
      arity: -1,
      flags: Flag.Loading | Flag.Stale,
      acl: ['dangerous'],
      tips: ['NONDETERMINISTIC_OUTPUT', 'REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:SPECIAL'],
      summary: 'Tells what the server is, holds and does, in sections of name:value lines.',
      run: infoCommand,
    },
    {
      name: 'TIME',
      since: '2.6.0',
      arity: 1,
      flags: Flag.Loading | Flag.Stale | Flag.Fast,
      tips: ['NONDETERMINISTIC_OUTPUT'],
      summary: "Tells the server's time: Unix seconds, and microseconds into the second.",
      run: timeCommand,
    },
    {
      name: 'LOLWUT',
      since: '5.0.0',
      arity: -1,
      flags: Flag.ReadOnly | Flag.Fast,
      summary: 'Draws something, and tells the version.',
      run: lolwutCommand,
    },
    {
      name: 'SHUTDOWN',
      since: '1.0.0',
      arity: -1,
      flags: Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale | Flag.NoMulti | Flag.AllowBusy,
      summary: 'Stops the server.',
      run: shutdownCommand,
    },
  ],
};

function infoCommand(call: Call): void {
  const sections: string[] = [];
  for (let index = 1; index < call.count; index++) sections.push(call.text(index));
  call.reply.verbatim(call.server.info(sections), 'txt');
}

const clock = new WallClock();

function timeCommand(call: Call): void {
  const nowUs = clock.nowUs();
  call.reply.array(2);
  call.reply.bulkText(String(Math.floor(nowUs / 1e6)));
  call.reply.bulkText(String(nowUs % 1e6));
}

const DAMSELFLY = String.raw`
     __            __
    /  \--.____.--/  \
    \___\_ \  / _/___/
     ___/ \_\/_/ \___
    /__.--' || '--.__\
            ||
            ||
            ||    thin wings, many cores,
            ||    no queue at the pond
            \/
`;

/** Redis: arguments are numbers for the drawing, at least the first two of them. Ours takes none. */
function lolwutCommand(call: Call): void {
  const { reply } = call;
  const first = call.count > 2 && call.text(1).toLowerCase() === 'version' ? 2 : call.count;
  for (let index = first; index < call.count; index++) {
    if (!/^-?\d+$/.test(call.text(index))) return reply.error(NOT_AN_INTEGER);
  }
  reply.verbatim(`${DAMSELFLY}\nRedis ver. ${call.server.apiVersion}\n`, 'txt');
}
