/** Random rules, and random commands of a client that they hold for, beside redis-server: the same bytes. */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ACL_CATEGORIES } from '../../src/commands/server/command-facts.ts';
import { Random, chooseCommandCount, chooseSeed } from '../support/differential.ts';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { type Reply, replyValue } from '../support/reply.ts';
import { type TestClient, TestServer } from '../support/test-server.ts';

const ROUNDS = 120;
const COMMANDS_PER_ROUND = 15;
const HASH = 'c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2';

const RULES = [
  '+get',
  '+set',
  '-get',
  '-set',
  '+mget',
  '+GET',
  '+config|get',
  '+config',
  '-config|set',
  '+select|0',
  '+select|1',
  '-select',
  '+acl|whoami',
  '+object|freq',
  '+nosuch',
  '-nosuch',
  '+@nosuch',
  '+config|nosuch',

  '+config|get|x',
  '+get|',
  '-get|x',
  '+|',
  '@read',
  '+@hash',
  '+@list',
  '+@string',
  '-@string',
  '+@all',
  '-@all',
  'allcommands',
  'nocommands',
  '+del',
  '+lmove',
  '+zadd',
  '+sort',
  '+@keyspace',
  '-@hash',
  '~*',
  'allkeys',
  'resetkeys',
  '~a*',
  '~b',
  '%R~c*',
  '%W~a',
  '%RW~d',
  '%rw~b*',
  '%X~a',
  '%~a',
  '~a b',
  '%',

  '&*',
  'allchannels',
  'resetchannels',
  '&ch*',
  '&x',
  '& x',
  '()',
  '(+get ~b)',
  '(+set %W~c*)',
  '(+@all ~d)',

  '(+get',
  '~c)',
  '(foo)',
  '(+@all allkeys)',
  '(%R~a %W~b +@all)',
  'clearselectors',
  'foo',
  'ON',
  '',
  '>pw',
  '<pw',
  '>',
  '<nosuch',
  `#${HASH}`,
  `!${HASH}`,
  '#abc',
  '!abc',
  `#${HASH.toUpperCase()}`,
  'sanitize-payload',
  'skip-sanitize-payload',
  'on',
  'nopass',
  'resetpass',
  'reset',
  '>\u00e9',
];
const KEYS = ['a', 'ab', 'b', 'c', 'cd', 'd', 'e', 'x'];

function drawRules(random: Random): string[] {
  // Most sequences are valid ones, so that there is something to be enforced.
  const count = random.between(1, 7);
  return Array.from({ length: count }, () => random.pick(RULES));
}

function drawCommand(random: Random): string[] {
  const key = (): string => random.pick(KEYS);
  const commands: (() => string[])[] = [
    () => ['GET', key()],
    () => ['SET', key(), 'v'],
    () => ['SET', key(), 'v', 'GET'],
    () => ['SET', key(), 'v', 'GET', 'XX'],
    () => ['MGET', key(), key()],
    () => ['MSET', key(), 'v', key(), 'v'],
    () => ['DEL', key(), key()],
    () => ['EXISTS', key()],
    () => ['LMOVE', key(), key(), 'LEFT', 'LEFT'],
    () => ['LPUSH', key(), '1'],
    () => ['LRANGE', key(), '0', '-1'],
    () => ['HSET', key(), 'f', 'v'],
    () => ['HGETALL', key()],
    () => ['RENAME', key(), key()],
    () => ['COPY', key(), key()],
    () => ['SUNIONSTORE', key(), key(), key()],
    () => ['ZUNIONSTORE', key(), '2', key(), key()],
    () => ['ZUNIONSTORE', key(), '9', key()],
    () => ['ZINTER', '1', key()],
    () => ['LMPOP', '2', key(), key(), 'LEFT'],
    () => ['SINTERCARD', '1', key()],
    () => ['SORT', key()],
    () => ['SORT', key(), 'BY', 'w*'],
    () => ['SORT', key(), 'GET', 'w*'],
    () => ['SORT', key(), 'STORE', key()],
    () => ['SORT', key(), 'GET', '#', 'BY', 'nosort', 'STORE', key()],
    () => ['SORT_RO', key(), 'BY', 'w*'],
    () => ['SORT', key(), 'LIMIT', '0', 'STORE', 'STORE', key()],
    () => ['OBJECT', 'REFCOUNT', key()],
    () => ['OBJECT', 'HELP'],
    () => ['SELECT', random.pick(['0', '1', 'x'])],
    () => ['CONFIG', 'GET', 'nosuch'],
    () => ['CONFIG', 'SET', 'nosuch', 'x'],
    () => ['CONFIG', 'NOSUCH'],
    () => ['CONFIG'],
    () => ['ACL', 'WHOAMI'],
    () => ['ACL', 'USERS'],
    () => ['ACL', 'GETUSER', 'nobody'],
    () => ['NOSUCH', 'x'],
    () => ['GET'],
    () => ['PING'],
    () => ['KEYS', 'nosuch*'],
    () => ['GETDEL', key()],
    () => ['GETEX', key()],
    () => ['APPEND', key(), ''],
    () => ['EXPIRE', key(), '100'],
    () => ['TOUCH', key()],
    () => ['STRLEN', key()],
    () => ['PUBLISH', random.pick(['ch', 'x', 'y']), 'm'],
    () => ['SPUBLISH', random.pick(['ch', 'x', 'y']), 'm'],
  ];
  return random.pick(commands)();
}

async function runHere(client: TestClient, ...parts: string[]): Promise<string> {
  client.run(...parts);
  for (let turn = 0; client.socket.output === '' && turn < 100; turn++) await Bun.sleep(0);
  return client.socket.output;
}

/** GETUSER's reply with the command rules left out: which categories they are told by depends on what commands there are. */
function withoutCommands(reply: string): unknown {
  const strip = (value: Reply): unknown => {
    if (!Array.isArray(value)) return value;
    return value.map((item, index) => (value[index - 1] === 'commands' ? 'rules' : strip(item)));
  };
  return strip(replyValue(reply));
}

describe.skipIf(isOracleMissing('redis-server'))('access control and redis-server', () => {
  let oracle: Oracle;
  let admin: OracleClient;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
    admin = await OracleClient.connect(oracle.port);
  });
  afterAll(async () => {
    admin.close();
    await oracle.stop();
  });

  test('random rules lead to the same users, and hold for the same commands', async () => {
    const seed = chooseSeed();
    const random = new Random(seed);
    const server = new TestServer();
    const theirs = await OracleClient.connect(oracle.port);
    const ours = server.connect();
    const rounds = Math.ceil(chooseCommandCount(ROUNDS * COMMANDS_PER_ROUND) / COMMANDS_PER_ROUND);
    const history: string[][] = [];
    const compare = async (
      client: TestClient,
      redis: OracleClient,
      parts: string[],
      strip = (reply: string): unknown => reply,
    ): Promise<void> => {
      history.push(parts);
      const here = strip(await runHere(client, ...parts));
      const there = strip(await redis.run(...parts));
      if (Bun.deepEquals(here, there)) return;
      const before = history.slice(-25).map((words) => words.join(' '));
      throw new Error(
        `seed ${seed}: ${JSON.stringify(here)} but redis ${JSON.stringify(there)} after\n${before.join('\n')}`,
      );
    };
    for (let round = 0; round < rounds; round++) {
      if (random.oneIn(3)) await compare(server.client, admin, ['ACL', 'SETUSER', 'u', 'reset']);
      await compare(server.client, admin, ['ACL', 'SETUSER', 'u', ...drawRules(random)]);
      await compare(server.client, admin, ['ACL', 'GETUSER', 'u'], withoutCommands);
      await compare(server.client, admin, ['ACL', 'SETUSER', 'u', 'on', 'nopass']);
      await compare(ours, theirs, ['AUTH', 'u', 'x']);
      for (let i = 0; i < COMMANDS_PER_ROUND; i++) {
        const command = drawCommand(random);
        await compare(server.client, admin, ['ACL', 'DRYRUN', 'u', ...command]);
        await compare(ours, theirs, command);
      }
    }
    theirs.close();
  }, 60_000);

  test('every rule alone has the same reply and the same text', async () => {
    const server = new TestServer();
    for (const rule of RULES) {
      await runHere(server.client, 'ACL', 'SETUSER', 'one', 'reset');
      await admin.run('ACL', 'SETUSER', 'one', 'reset');
      const set = ['ACL', 'SETUSER', 'one', rule];
      expect([rule, await runHere(server.client, ...set)]).toEqual([rule, await admin.run(...set)]);
      const get = ['ACL', 'GETUSER', 'one'];
      // The order of single commands is random there.
      if (/^[+-].*(@|config$)/.test(rule)) continue;
      expect([rule, await runHere(server.client, ...get)]).toEqual([rule, await admin.run(...get)]);
    }
  });

  test('every category has the same commands, of those that both have', async () => {
    const { client, engine } = new TestServer();
    expect(client.run('ACL', 'CAT')).toBe(await admin.run('ACL', 'CAT'));
    const known = replyValue(await admin.run('COMMAND', 'LIST')) as string[];
    for (const category of ACL_CATEGORIES) {
      const theirs = (replyValue(await admin.run('ACL', 'CAT', category)) as string[]).filter((name) => {
        const [container = '', sub = ''] = name.split('|');
        const command = engine.registry.byName.get(container);
        return command !== undefined && (sub === '' || command.subs?.has(sub));
      });
      const ours = (replyValue(client.run('ACL', 'CAT', category)) as string[]).filter((name) =>
        known.includes(name),
      );
      expect([category, ...ours.sort()]).toEqual([category, ...theirs.sort()]);
    }
  });

  test('odd requests and logins have the same replies', async () => {
    const { client } = new TestServer();
    await admin.run('ACL', 'DELUSER', 'one', 'u');
    const requests = [
      'ACL|ACL NOSUCH|ACL CAT nosuch|ACL CAT a b|ACL LOG x|ACL LOG 1 2|ACL LOG RESET|ACL LOG|ACL LOG 0',
      'ACL GENPASS 0|ACL GENPASS 4097|ACL GENPASS x|ACL GENPASS 1 2|ACL DRYRUN nobody get a|ACL DRYRUN default foo a',
      'ACL DRYRUN default get|ACL DRYRUN default config get a|ACL DRYRUN default config foo|ACL SAVE|ACL LOAD|ACL HELP',
      'ACL GETUSER nobody|ACL GETUSER default|ACL DELUSER default|ACL DELUSER nobody|ACL WHOAMI|ACL USERS x|ACL LIST',
      'AUTH|AUTH x|AUTH default x|AUTH nobody x|AUTH a b c|ACL SETUSER new|ACL GETUSER new|ACL LIST|ACL DELUSER new new',
      'ACL SETUSER default >pw|AUTH bad|AUTH default bad|AUTH pw|AUTH default pw|CONFIG GET requirepass',
      'CONFIG SET requirepass two|AUTH pw|AUTH two|ACL GETUSER default|CONFIG SET requirepass|ACL LIST',
      'ACL SETUSER default off|AUTH two|ACL SETUSER default on nopass|AUTH two|ACL USERS|ACL LIST',
      'HELLO 3|ACL GETUSER default|ACL GETUSER nobody|ACL SETUSER s (+get)|ACL GETUSER s|ACL LOG RESET|HELLO 2',
      'HELLO 2 AUTH s bad|RESET|ACL WHOAMI',
    ];
    for (const request of requests.join('|').split('|')) {
      const parts =
        request === 'CONFIG SET requirepass' ? ['CONFIG', 'SET', 'requirepass', ''] : request.split(' ');
      const replies = [await runHere(client, ...parts), await admin.run(...parts)];
      if (/^HELLO [23]$/.test(request)) continue;
      expect([request, replies[0]]).toEqual([request, replies[1]]);
    }
  });
});
