/**
 * Clients on several worker threads change the same bitmaps, HyperLogLogs and places: no increment is lost, and what is
 * made of several keys is made of what they were at one moment.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Command, OracleSocket, Random } from '../support/differential.ts';
import { type RealServer, startRealServer } from '../support/real-server.ts';
import { freshSeed } from '../support/seed.ts';

const CLIENTS = 6;
const BATCHES = 30;
const BATCH_COMMANDS = 32;
const PAIR_BYTES = 3000;

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer(['--threads', '3', '--enable-debug-command', 'yes']);
});
afterAll(() => server.stop());

/** One command of a client, and what its reply must be, if that is known. */
function draw(random: Random, client: number, serial: number): [Command, RegExp] {
  switch (random.below(7)) {
    case 0:
      return [['BITFIELD', 'counter', 'INCRBY', 'u32', '#3', 1], /^\*1\r\n:\d+\r\n$/];
    case 1: {
      const value = Buffer.alloc(PAIR_BYTES, random.below(256));
      return [['MSET', 'left', value, 'right', value], /^\+OK/];
    }
    case 2:
      return [['BITOP', 'XOR', `same${random.below(3)}`, 'left', 'right'], /^:\d+/];
    case 3:
      return [['BITCOUNT', `same${random.below(3)}`], /^:0\r\n$/];
    case 4:
      return [['PFADD', 'shared', `element ${client} ${serial}`], /^:[01]\r\n$/];
    case 5:
      return [
        [
          'GEOADD',
          'places',
          random.below(3600) / 10 - 180,
          random.below(1600) / 10 - 80,
          `m${random.below(300)}`,
        ],
        /^:/,
      ];
    default:
      return [
        ['GEOSEARCHSTORE', `near${random.below(3)}`, 'places', 'FROMLONLAT', 0, 0, 'BYRADIUS', 9000, 'km'],
        /^:\d+/,
      ];
  }
}

/** Runs the batches of one client. Returns how often it has counted, and what it has added to `shared`. */
async function runClient(client: number, seed: number): Promise<{ countedTimes: number; added: string[] }> {
  const random = new Random(seed);
  const socket = await OracleSocket.open(server.port);
  const added: string[] = [];
  let countedTimes = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    const drawn = Array.from({ length: BATCH_COMMANDS }, (_, i) =>
      draw(random, client, batch * BATCH_COMMANDS + i),
    );
    const replies = await socket.run(drawn.map(([command]) => command));
    for (const [i, [command, wanted]] of drawn.entries()) {
      expect(replies[i]).toMatch(wanted);
      if (command[0] === 'BITFIELD') countedTimes++;
      if (command[0] === 'PFADD') added.push(String(command[2]));
    }
  }
  socket.close();
  return { countedTimes, added };
}

test('nothing is lost or torn', async () => {
  const seed = freshSeed('bits');
  const outcomes = await Promise.all(
    Array.from({ length: CLIENTS }, (_, client) => runClient(client, seed + client)),
  );
  const socket = await OracleSocket.open(server.port);
  const countedTimes = outcomes.reduce((sum, outcome) => sum + outcome.countedTimes, 0);
  expect(await socket.run([['BITFIELD_RO', 'counter', 'GET', 'u32', '#3']])).toEqual([
    `*1\r\n:${countedTimes}\r\n`,
  ]);
  await socket.run([['PFADD', 'again', ...outcomes.flatMap(({ added }) => added)]]);
  const [shared, again] = await socket.run([
    ['PFCOUNT', 'shared'],
    ['PFCOUNT', 'again'],
  ]);
  expect(shared).toBe(again!);
  expect(await socket.run([['DEBUG', 'VERIFY']])).toEqual([expect.not.stringMatching(/^-/)]);
  socket.close();
}, 30_000);
