/** Random commands give the same replies as memcached's; DIFFERENTIAL_COMMANDS sets how many. */
import { afterAll, afterEach, beforeAll, describe, expect, setSystemTime, test } from 'bun:test';
import { MemcachedClient } from '../support/memcached-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { CasNumbers, CommandGenerator, type MemcachedCommand } from './memcached-commands.ts';

const COMMANDS = Number(process.env.DIFFERENTIAL_COMMANDS ?? 10_000);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const PIECE_COMMANDS = 1500;
/** Statistics that must agree after the run. Not curr_items: each side finds expired items when it happens to look. */
const COMPARED_STATISTICS =
  /^STAT (cmd_(get|set|touch|flush|meta)|(get|delete|incr|decr|cas|touch)_(hits|misses)|cas_badval|store_too_large) /;

describe.skipIf(isOracleMissing('memcached'))('memcached commands', () => {
  let oracle: Oracle;

  beforeAll(async () => {
    // Its maintainer thread holds items for moments, and then `decr` makes a new item instead of padding the old one.
    oracle = await startOracle('memcached', ['-o', 'no_lru_maintainer,no_lru_crawler']);
  });
  afterAll(() => oracle.stop());
  afterEach(() => setSystemTime());

  test(
    `${COMMANDS} random commands agree with memcached (seed ${SEED})`,
    async () => {
      const theirs = await MemcachedClient.connect(oracle.port);
      const server = new TestServer();
      const ours = server.connectMemcached();
      const generator = new CommandGenerator(SEED);
      const numbers = { ours: new CasNumbers(), theirs: new CasNumbers() };
      const history: string[] = [];
      for (let i = 0; i < COMMANDS; i++) {
        const command = generator.next();
        const sent = fill(command, numbers.theirs);
        const expected = numbers.theirs.normalise(command, await theirs.send(sent));
        const actual = numbers.ours.normalise(command, ours.send(fill(command, numbers.ours)));
        history.push(`${JSON.stringify(sent)} -> ${JSON.stringify(expected)}`);
        if (actual !== expected) {
          throw new Error(
            `seed ${SEED}, command ${i}: ${JSON.stringify(actual)}\n${history
              .filter((line) => line.includes(command.key) || line.includes(btoa(command.key)))
              .slice(-12)
              .join('\n')}`,
          );
        }
        if (i % 1000 === 0) server.verify();
      }
      server.verify();
      const statistics = (text: string): string[] =>
        text
          .split('\r\n')
          .filter((line) => COMPARED_STATISTICS.test(line))
          .toSorted();
      expect(statistics(ours.send('stats\r\n'))).toEqual(statistics(await theirs.send('stats\r\n')));
      theirs.close();
    },
    60_000 + COMMANDS * 5,
  );

  // With the clock standing still, so that the replies tell the same seconds.
  test(`a conversation in pieces of one byte, or in one piece, gets the same replies (seed ${SEED})`, () => {
    setSystemTime(new Date(2030, 0));
    const generator = new CommandGenerator(SEED + 1);
    const never = new CasNumbers();
    const requests = Array.from({ length: PIECE_COMMANDS }, () => fill(generator.next(), never));
    const whole = new TestServer();
    const wholeClient = whole.connectMemcached();
    const expected = requests.map((request) => wholeClient.send(request)).join('');
    const split = new TestServer();
    const splitClient = split.connectMemcached();
    let pieces = '';
    for (const byte of Buffer.from(requests.join(''), 'latin1')) pieces += splitClient.send(Buffer.of(byte));
    expect(pieces).toBe(expected);
    const piped = new TestServer();
    expect(piped.connectMemcached().send(requests.join(''))).toBe(expected);
    for (const server of [whole, split, piped]) server.verify();
  });
});

function fill(command: MemcachedCommand, numbers: CasNumbers): string {
  return command.request.replace('{cas}', numbers.choose(command.key, command.cas));
}
