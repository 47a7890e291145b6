/**
 * What the journal records, run again into an empty server, gives the same data: for random commands of all families,
 * alone, in transactions and in scripts, with clients that wait, memcached clients, and a clock that jumps.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Replay } from '../../../src/server/journal/replay.ts';
import { describeDataSet } from '../../support/data-set.ts';
import {
  chooseCommandCount,
  chooseSeed,
  type Command,
  type Generator,
  Random,
} from '../../support/differential.ts';
import { JournalStream, requestsOf } from '../../support/journal-stream.ts';
import { TestServer } from '../../support/test-server.ts';
import { allGenerators } from '../../differential/all-commands.ts';
import { BITMAP_GENERATORS } from '../../differential/bitmap-commands.ts';
import { OTHER, STREAM_OTHER, STREAM_WAITING, WAITING } from '../../differential/blocking-commands.ts';
import { genericGenerators } from '../../differential/generic-commands.ts';
import { GEO_GENERATORS } from '../../differential/geo-commands.ts';
import { HASH_GENERATORS } from '../../differential/hash-commands.ts';
import { HYPERLOGLOG_GENERATORS } from '../../differential/hyperloglog-commands.ts';
import { listGenerators } from '../../differential/list-commands.ts';
import { CasNumbers, CommandGenerator } from '../../differential/memcached-commands.ts';
import { setGenerators } from '../../differential/set-commands.ts';
import { sortGenerators } from '../../differential/sort-commands.ts';
import { SORTED_SET_GENERATORS } from '../../differential/sorted-set-commands.ts';
import { STREAM_GENERATORS } from '../../differential/stream-commands.ts';
import { STRING_GENERATORS } from '../../differential/string-commands.ts';

const COMMANDS = chooseCommandCount(6000);
const COMPARED_EVERY = 300;
const SCRIPT = 'return redis.call(unpack(ARGV))';
const NOT_IN_SCRIPTS =
  /^(B|SELECT$|SWAPDB$|FLUSH|MULTI|EXEC|DISCARD|CLIENT|HELLO|WATCH|FUNCTION|CONFIG|RESET|MONITOR)/i;

const SEED = chooseSeed();
const realNow = Date.now;
let nowMs = 1_700_000_000_000;

beforeAll(() => {
  Date.now = () => nowMs;
});
afterAll(() => {
  Date.now = realNow;
});

/** A server that records, and one that runs again what the first has recorded. */
class Pair {
  readonly stream = new JournalStream();
  readonly server = new TestServer({ journal: this.stream.memory, settings: { databases: '16' } });
  readonly copy = new TestServer({ settings: { databases: '16' } });
  private readonly replay = new Replay(this.copy.engine, 0);
  private recent: string[] = [];

  constructor() {
    this.server.engine.recording!.turn(true);
  }

  /** Carries over what was recorded, and compares all that both hold. */
  compare(commands: readonly string[]): void {
    // Looking removes what has expired, and so belongs to what is recorded.
    const ours = describeDataSet(this.server);
    const recorded = this.stream.take(this.server);
    this.recent = requestsOf(recorded);
    expect(this.replay.feed(recorded)).toBeNull();
    expect(this.replay.isIncomplete).toBe(false);
    const theirs = describeDataSet(this.copy);
    const missing = ours.filter((line) => !theirs.includes(line));
    const wrong = theirs.filter((line) => !ours.includes(line));
    if (missing.length + wrong.length === 0) return;
    const name = JSON.parse(
      `[${/^\d+ ("(?:[^"\\]|\\.)*")/.exec((missing[0] ?? wrong[0])!)![1]!}]`,
    )[0] as string;
    const about = (lines: readonly string[]) => lines.filter((line) => line.includes(name)).slice(-30);
    const parts = [`ours: ${missing[0]}`, `theirs: ${wrong[0]}`, 'commands:', ...about(commands)];
    throw new Error(
      [...parts, 'recorded:', ...about(this.recent)].map((line) => line.slice(0, 600)).join('\n'),
    );
  }
}

const readable = (command: Command): string =>
  command.map((part) => (typeof part === 'object' ? Buffer.from(part).toString('latin1') : part)).join(' ');

function runAll(pair: Pair, seed: number, generators: readonly Generator[], version: 2 | 3): void {
  const random = new Random(seed);
  const commands: string[] = [];
  pair.server.run('HELLO', version);
  for (let i = 1; i <= COMMANDS; i++) {
    if (random.oneIn(10)) nowMs += random.below(random.pick([5, 200, 2000]));
    let command = random.pick(generators)(random);
    if (random.oneIn(60)) command = random.pick<Command>([['MULTI'], ['EXEC'], ['SELECT', random.below(3)]]);
    else if (random.oneIn(10) && !NOT_IN_SCRIPTS.test(String(command[0])))
      command = ['EVAL', SCRIPT, 0, ...command];
    pair.server.run(...command);
    commands.push(readable(command));
    if (i % COMPARED_EVERY !== 0) continue;
    pair.server.run('EXEC');
    pair.compare(commands.splice(0));
  }
  pair.server.verify();
  pair.copy.verify();
}

const FAMILIES: Readonly<Record<string, readonly Generator[]>> = {
  strings: STRING_GENERATORS,
  lists: listGenerators(),
  sets: setGenerators(),
  'sorted sets': SORTED_SET_GENERATORS,
  hashes: HASH_GENERATORS,
  streams: STREAM_GENERATORS,
  bitmaps: BITMAP_GENERATORS,
  places: GEO_GENERATORS,
  hyperloglogs: HYPERLOGLOG_GENERATORS,
  keys: genericGenerators(),
  sorting: sortGenerators(),
  'all types over the same keys': allGenerators(),
};

describe('the journal, run again, gives the same data:', () => {
  for (const [name, generators] of Object.entries(FAMILIES)) {
    for (const version of [2, 3] as const) {
      test(
        `${name} in RESP${version}`,
        () => {
          const seed = SEED;
          console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
          runAll(new Pair(), seed, generators, version);
        },
        60_000 + COMMANDS * 20,
      );
    }
  }

  test(
    'clients that wait, and who serves them',
    async () => {
      const seed = SEED;
      console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
      const random = new Random(seed);
      const pair = new Pair();
      const others = [...OTHER, ...OTHER, ...STREAM_OTHER];
      const commands: string[] = [];
      for (let i = 1; i <= COMMANDS; i++) {
        if (random.oneIn(3)) {
          const command = random.pick([...WAITING, ...STREAM_WAITING])(random);
          const client = pair.server.connect();
          if (random.oneIn(2)) client.run('HELLO', 3);
          client.run(...command);
          commands.push(readable(command));
        }
        const command = random.pick(others)(random);
        pair.server.run(...command);
        commands.push(readable(command));
        if (i % 50 === 0) await Bun.sleep(0);
        if (i % COMPARED_EVERY !== 0) continue;
        pair.compare(commands.splice(0));
        for (const { connection } of [...pair.server.engine.clients.values()].map((connection) => ({
          connection,
        }))) {
          if (connection.blocked) connection.close();
        }
      }
    },
    60_000 + COMMANDS * 20,
  );

  test(
    'memcached clients, flags included',
    () => {
      const seed = SEED;
      console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
      const pair = new Pair();
      const generator = new CommandGenerator(seed);
      const cas = new CasNumbers();
      const client = pair.server.connectMemcached();
      const copyClient = pair.copy.connectMemcached();
      const commands: string[] = [];
      for (let i = 1; i <= COMMANDS; i++) {
        const command = generator.next();
        const request = command.request.replaceAll('{cas}', cas.choose(command.key, command.cas));
        cas.normalise(command, client.send(request));
        commands.push(request);
        if (i % 20 === 0) nowMs += i % 1000;
        if (i % 1000 === 0) client.send('flush_all\r\n');
        if (i % COMPARED_EVERY !== 0) continue;
        pair.compare(commands.splice(0));
        for (const key of ['a', 'b', 'counter', 'n2']) {
          expect(copyClient.send(`get ${key}\r\n`)).toBe(client.send(`get ${key}\r\n`));
        }
      }
    },
    60_000 + COMMANDS * 20,
  );
});
