/** Clients that wait for lists and sorted sets, in one worker: who is served, with what, when, and who is not. */
import { describe, expect, test } from 'bun:test';
import type { Call } from '../../../src/commands/row.ts';
import { NO_JOURNAL } from '../../../src/server/journal/journal.ts';
import { BlockingScene as Scene, bulk, pair, type Part, settle } from '../../support/blocking-scene.ts';
import { servedEffect } from '../../support/effects.ts';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';

describe('a client that waits', () => {
  test('gets the element and the name of its key, and then the replies to what it has sent meanwhile', async () => {
    const scene = new Scene();
    scene.client(1).send('BLPOP k 0\r\nLLEN k\r\nPING\r\n');
    expect(scene.run('RPUSH', 'k', 'a', 'b')).toBe(':2\r\n');
    expect(await scene.reply(1)).toBe(`${pair('k', 'a')}:1\r\n+PONG\r\n`);
    scene.end();
  });

  test('is served before the next command of the one who pushes', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 0);
    expect(scene.client(2).send('RPUSH k a\r\nEXISTS k\r\n')).toBe(':1\r\n:0\r\n');
    expect(await scene.reply(1)).toBe(pair('k', 'a'));
    scene.end();
  });

  test('sees the list as it is behind the whole command', async () => {
    for (const [pop, push, element] of [
      ['BLPOP', 'RPUSH', 'a'],
      ['BLPOP', 'LPUSH', 'c'],
      ['BRPOP', 'RPUSH', 'c'],
      ['BRPOP', 'LPUSH', 'a'],
    ] as const) {
      const scene = new Scene();
      scene.block(1, pop, 'k', 0);
      expect(scene.run(push, 'k', 'a', 'b', 'c')).toBe(':3\r\n');
      expect(await scene.reply(1)).toBe(pair('k', element));
      expect(scene.run('LLEN', 'k')).toBe(':2\r\n');
      scene.end();
    }
  });

  test('is served in the order in which clients came', async () => {
    const scene = new Scene();
    for (let number = 1; number <= 5; number++) scene.block(number, number % 2 ? 'BLPOP' : 'BRPOP', 'k', 0);
    scene.run('RPUSH', 'k', 'a', 'b', 'c');
    expect(await scene.reply(1)).toBe(pair('k', 'a'));
    expect(await scene.reply(2)).toBe(pair('k', 'c'));
    expect(await scene.reply(3)).toBe(pair('k', 'b'));
    scene.run('RPUSH', 'k', 'd', 'e', 'f');
    expect(await scene.reply(4)).toBe(pair('k', 'f'));
    expect(await scene.reply(5)).toBe(pair('k', 'd'));
    expect(scene.run('LRANGE', 'k', 0, -1)).toBe(`*1\r\n${bulk('e')}`);
    scene.end();
  });

  test('that comes back goes to the end of the queue', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 0);
    scene.block(2, 'BLPOP', 'k', 0);
    scene.run('RPUSH', 'k', 'a');
    expect(await scene.reply(1)).toBe(pair('k', 'a'));
    scene.block(1, 'BLPOP', 'k', 0);
    scene.run('RPUSH', 'k', 'b');
    scene.run('RPUSH', 'k', 'c');
    expect(await scene.reply(2)).toBe(pair('k', 'b'));
    expect(await scene.reply(1)).toBe(pair('k', 'c'));
    scene.end();
  });

  test('for several keys is served from the first that gets something, and forgotten for the others', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'a', 'b', 'c', 0);
    scene.run('RPUSH', 'b', 'x');
    expect(await scene.reply(1)).toBe(pair('b', 'x'));
    scene.run('RPUSH', 'a', 'y');
    scene.run('RPUSH', 'c', 'z');
    expect(await scene.reply(1)).toBe('');
    expect(scene.run('EXISTS', 'a', 'b', 'c')).toBe(':2\r\n');
    scene.end();
  });

  test('may name a key several times', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 'k', 'other', 'k', 0);
    scene.block(2, 'BLPOP', 'k', 0);
    scene.server.verify();
    scene.run('RPUSH', 'k', 'a', 'b', 'c');
    expect(await scene.reply(1)).toBe(pair('k', 'a'));
    expect(await scene.reply(2)).toBe(pair('k', 'b'));
    expect(scene.run('LLEN', 'k')).toBe(':1\r\n');
    scene.end();
  });

  test('gets what is there at once, from the first key that has something', () => {
    const scene = new Scene();
    scene.run('RPUSH', 'b', 'x');
    scene.run('SET', 'c', 'text');
    expect(scene.run('BLPOP', 'a', 'b', 'c', 0)).toBe(pair('b', 'x'));
    expect(scene.run('BLPOP', 'a', 'b', 'c', 0)).toBe(WRONG_TYPE);
    expect(scene.run('BZPOPMIN', 'c', 0)).toBe(WRONG_TYPE);
    scene.end();
  });

  test('for a sorted set gets its extreme member, in its own version of the protocol', async () => {
    const scene = new Scene();
    scene.client(2).run('HELLO', 3);
    scene.block(1, 'BZPOPMIN', 'z', 0);
    scene.block(2, 'BZPOPMAX', 'y', 'z', 0);
    scene.block(3, 'BZMPOP', 0, 2, 'y', 'z', 'MIN', 'COUNT', 2);
    scene.run('ZADD', 'z', 1, 'a', 2, 'b', 3, 'c', 4.5, 'd');
    expect(await scene.reply(1)).toBe(`*3\r\n${bulk('z', 'a', '1')}`);
    expect(await scene.reply(2)).toBe(`*3\r\n${bulk('z', 'd')},4.5\r\n`);
    expect(await scene.reply(3)).toBe(
      `*2\r\n${bulk('z')}*2\r\n*2\r\n${bulk('b', '2')}*2\r\n${bulk('c', '3')}`,
    );
    expect(scene.run('EXISTS', 'z')).toBe(':0\r\n');
    scene.end();
  });

  test('for a list does not mind a sorted set, nor the other way round', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 0);
    scene.block(2, 'BZPOPMIN', 'k', 0);
    scene.block(3, 'BLPOP', 'k', 0);
    scene.run('ZADD', 'k', 1, 'a', 2, 'b');
    expect(await scene.reply(2)).toBe(`*3\r\n${bulk('k', 'a', '1')}`);
    expect(await scene.reply(1)).toBe('');
    scene.run('DEL', 'k');
    scene.run('SET', 'k', 'text');
    scene.run('DEL', 'k');
    scene.run('RPUSH', 'k', 'x', 'y');
    expect(await scene.reply(1)).toBe(pair('k', 'x'));
    expect(await scene.reply(3)).toBe(pair('k', 'y'));
    scene.end();
  });

  test('waits on while its key is removed, expires, or all keys are flushed', async () => {
    const scene = new Scene();
    scene.run('ZADD', 'k', 1, 'a');
    scene.run('PEXPIRE', 'k', 1);
    await Bun.sleep(3);
    scene.block(1, 'BLPOP', 'k', 0);
    scene.run('ZADD', 'k', 1, 'a');
    scene.run('FLUSHALL');
    scene.run('ZADD', 'k', 1, 'a');
    scene.run('FLUSHDB');
    scene.server.verify();
    scene.run('RPUSH', 'k', 'x');
    expect(await scene.reply(1)).toBe(pair('k', 'x'));
    scene.end();
  });

  test('is not disturbed by keys of other names, other databases, and other protocols', async () => {
    const scene = new Scene({ shardCount: 1 });
    scene.block(1, 'BLPOP', 'k', 0);
    scene.run('RPUSH', 'other', 'x');
    scene.run('SELECT', 1);
    scene.run('RPUSH', 'k', 'x');
    scene.server.connectMemcached().send('set k 0 0 1\r\nx\r\n');
    expect(await scene.reply(1)).toBe('');
    scene.run('SELECT', 0);
    scene.run('DEL', 'k');
    scene.run('RPUSH', 'k', 'y');
    expect(await scene.reply(1)).toBe(pair('k', 'y'));
    scene.end();
  });

  test('is served by whatever brings its key about', async () => {
    const ways: readonly (readonly Part[])[] = [
      ['RENAME', 'from', 'k'],
      ['RENAMENX', 'from', 'k'],
      ['COPY', 'from', 'k'],
      ['COPY', 'far', 'k', 'DB', 0],
      ['MOVE', 'k', 0],
      ['SWAPDB', 0, 1],
      ['SWAPDB', 1, 0],
    ];
    for (const way of ways) {
      const scene = new Scene();
      scene.block(1, 'BLPOP', 'k', 0);
      scene.run('RPUSH', 'from', 'x', 'y');
      scene.run('SELECT', 1);
      scene.run('RPUSH', 'far', 'x', 'y');
      scene.run('RPUSH', 'k', 'x', 'y');
      const isFromFar = ['far', 'k'].includes(String(way[1]));
      scene.run('SELECT', isFromFar ? 1 : 0);
      expect(scene.run(...way)).not.toStartWith('-');
      expect(await scene.reply(1)).toBe(pair('k', 'x'));
      scene.run('SELECT', 0);
      expect(scene.run('LRANGE', 'k', 0, -1)).toBe(`*1\r\n${bulk('y')}`);
      scene.end();
    }
  });

  test('moves on what SORT stores, to whatever shard', async () => {
    const scene = new Scene({ shardCount: 8 });
    scene.run('RPUSH', 'source', 'b', 'a');
    for (let number = 0; number < 8; number++)
      scene.block(number, 'BLMOVE', 'sorted', `to ${number}`, 'LEFT', 'RIGHT', 0);
    for (let number = 0; number < 8; number++) {
      if (scene.run('EXISTS', 'sorted') === ':0\r\n') {
        expect(scene.run('SORT', 'source', 'ALPHA', 'STORE', 'sorted')).toBe(':2\r\n');
      }
      expect(await scene.reply(number)).toBe(bulk(number % 2 === 0 ? 'a' : 'b'));
      expect(scene.run('LLEN', `to ${number}`)).toBe(':1\r\n');
    }
    scene.end();
  });

  test('waits for a key of its logical database, whatever stands for that', async () => {
    const scene = new Scene();
    scene.client(2).run('SELECT', 1);
    scene.block(1, 'BLPOP', 'k', 'j', 0);
    scene.block(2, 'BLPOP', 'k', 0);
    scene.run('SWAPDB', 0, 1);
    scene.run('SWAPDB', 1, 2);
    scene.run('SWAPDB', 3, 3);
    scene.server.verify();
    scene.run('RPUSH', 'k', 'of 0');
    scene.run('SELECT', 1);
    scene.run('RPUSH', 'k', 'of 1');
    expect(await scene.reply(1)).toBe(pair('k', 'of 0'));
    expect(await scene.reply(2)).toBe(pair('k', 'of 1'));
    scene.end();
  });

  test('is told when there is no memory to let it wait, and nothing is left of it', () => {
    const scene = new Scene({ interestBytes: 1 << 20 });
    // No client may wait for so many keys that the memory is full: it takes several.
    const keysOf = (client: number): string[] => Array.from({ length: 150 }, (_, i) => `key ${client}:${i}`);
    let client = 1;
    while (scene.client(client).run('BLPOP', ...keysOf(client), 0) === '') client++;
    expect(client).toBeGreaterThan(30);
    expect(scene.client(client).socket.output).toBe('-OOM no memory left for another client that waits\r\n');
    scene.server.verify();
    expect(scene.run('INFO', 'clients')).toContain(`blocked_clients:${client - 1}\r\n`);
    for (let one = 1; one < client; one++) scene.client(one).connection.onClose();
    scene.end();
  });
});

describe('the time of a wait', () => {
  test('may have a fraction, and ends with nothing', async () => {
    const scene = new Scene();
    scene.block(1, 'BLMOVE', 'k', 'j', 'LEFT', 'LEFT', '0.03');
    scene.block(2, 'BZPOPMAX', 'k', '0.01');
    scene.block(3, 'BLPOP', 'k', 0);
    scene.client(2).send('PING\r\n');
    let [late, early] = ['', ''];
    while (early === '') [late, early] = [await scene.reply(1), await scene.reply(2)];
    // A busy machine may be late for both.
    expect(['', '*-1\r\n']).toContain(late);
    expect(early).toBe('*-1\r\n+PONG\r\n');
    while (late === '') late = await scene.reply(1);
    expect(late).toBe('*-1\r\n');
    scene.run('RPUSH', 'k', 'x');
    expect(await scene.reply(3)).toBe(pair('k', 'x'));
    scene.end();
  });

  test('is never shorter than asked, nor longer by more than some milliseconds', async () => {
    const scene = new Scene();
    for (const ms of [1, 5, 20]) {
      const { socket } = scene.client(1);
      scene.block(1, 'BLPOP', 'k', ms / 1000);
      const start = performance.now();
      socket.output = '';
      while (socket.output === '') await Bun.sleep(0);
      expect(performance.now() - start).toBeGreaterThanOrEqual(ms - 0.5);
      // A busy machine may be late, but not by a tick of some slow clock.
      expect(performance.now() - start).toBeLessThan(ms + 90);
    }
    scene.end();
  });

  test('may be longer than timers take', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 2 ** 31);
    await Bun.sleep(5);
    expect(await scene.reply(1)).toBe('');
    scene.client(1).connection.onClose();
    scene.end();
  });

  for (const [timeout, error] of [
    ['x', 'ERR timeout is not a float or out of range'],
    ['', 'ERR timeout is not a float or out of range'],
    [' 1', 'ERR timeout is not a float or out of range'],
    ['nan', 'ERR timeout is not a float or out of range'],
    ['1e5000', 'ERR timeout is not a float or out of range'],
    ['-1', 'ERR timeout is negative'],
    ['-inf', 'ERR timeout is negative'],
    ['-1e300', 'ERR timeout is negative'],
    ['inf', 'ERR timeout is out of range'],
    ['1e300', 'ERR timeout is out of range'],
    ['9223372036854775', 'ERR timeout is out of range'],
  ] as const) {
    test(`cannot be ${JSON.stringify(timeout)}`, () => {
      const scene = new Scene();
      scene.run('SET', 'k', 'text');
      for (const request of [
        ['BLPOP', 'k', timeout],
        ['BRPOP', 'j', 'k', timeout],
        ['BLMPOP', timeout, 1, 'k', 'LEFT'],
        ['BLMOVE', 'k', 'j', 'LEFT', 'LEFT', timeout],
        ['BRPOPLPUSH', 'k', 'j', timeout],
        ['BLMOVEM', 'k', 'j', 'LEFT', 'LEFT', timeout],
        ['BZPOPMIN', 'k', timeout],
        ['BZPOPMAX', 'k', timeout],
        ['BZMPOP', timeout, 1, 'k', 'MIN'],
      ]) {
        expect(scene.run(...request)).toBe(`-${error}\r\n`);
      }
      scene.end();
    });
  }

  for (const timeout of ['0', '-0', '-0.0001', '0x10', '1e9', '9000000000000000']) {
    test(`can be ${timeout}`, () => {
      const scene = new Scene();
      scene.block(1, 'BLPOP', 'k', timeout);
      scene.client(1).connection.onClose();
      scene.end();
    });
  }
});

describe('a wait ends without data', () => {
  test('by CLIENT UNBLOCK, as if its time were over or with an error', async () => {
    const scene = new Scene();
    const ids = [1, 2, 3].map((number) => scene.client(number).connection.id);
    scene.block(1, 'BLPOP', 'k', 0);
    scene.block(2, 'BZPOPMIN', 'k', 0);
    scene.block(3, 'BLPOP', 'k', 0);
    scene.client(2).send('PING\r\n');
    scene.run('CLIENT', 'UNBLOCK', ids[0]!);
    scene.run('CLIENT', 'UNBLOCK', ids[1]!, 'error');
    expect(await scene.reply(1)).toBe('*-1\r\n');
    expect(await scene.reply(2)).toBe('-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n+PONG\r\n');
    scene.run('RPUSH', 'k', 'x');
    expect(await scene.reply(3)).toBe(pair('k', 'x'));
    expect(scene.run('INFO', 'errorstats')).toContain('errorstat_UNBLOCKED:count=1\r\n');
    scene.end();
  });

  test('CLIENT UNBLOCK says whether there was such a wait', async () => {
    const scene = new Scene();
    const { id } = scene.client(1).connection;
    const unblock = async (...parts: Part[]): Promise<string> => {
      scene.client(9).run('CLIENT', 'UNBLOCK', ...parts);
      return scene.reply(9);
    };
    expect(await unblock(id)).toBe(':0\r\n');
    expect(await unblock(12345)).toBe(':0\r\n');
    expect(await unblock('-1')).toBe(':0\r\n');
    scene.block(1, 'BLPOP', 'k', 0);
    expect(await unblock(id, 'TIMEOUT')).toBe(':1\r\n');
    expect(await unblock(id)).toBe(':0\r\n');
    const parked = scene.client(1).connection.park();
    expect(await unblock(id)).toBe(':0\r\n');
    parked.resume((reply) => reply.ok());
    scene.end();
  });

  test('CLIENT UNBLOCK refuses what is no client and no reason', () => {
    const scene = new Scene();
    expect(scene.run('CLIENT', 'UNBLOCK', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(scene.run('CLIENT', 'UNBLOCK', 'x', 'foo')).toBe(
      '-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n',
    );
    expect(scene.run('CLIENT', 'UNBLOCK', 1, 'ERROR', 'x')).toBe(
      "-ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.\r\n",
    );
    scene.end();
  });

  test('a client that was served just now cannot be unblocked, and gets its element', async () => {
    const scene = new Scene();
    const { id } = scene.client(1).connection;
    scene.block(1, 'BLPOP', 'k', 0);
    scene.client(2).send(`RPUSH k x\r\nCLIENT UNBLOCK ${id} ERROR\r\n`);
    expect(await scene.reply(1)).toBe(pair('k', 'x'));
    expect(scene.client(2).socket.output).toBe(':1\r\n:0\r\n');
    scene.end();
  });

  test('by the client leaving: what is pushed then goes to the next, or stays', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 'j', 0);
    scene.block(2, 'BLPOP', 'k', 0);
    scene.client(1).connection.onClose();
    scene.run('RPUSH', 'k', 'x', 'y');
    scene.run('RPUSH', 'j', 'z');
    expect(await scene.reply(1)).toBe('');
    expect(await scene.reply(2)).toBe(pair('k', 'x'));
    expect(scene.run('LLEN', 'k')).toBe(':1\r\n');
    expect(scene.run('LLEN', 'j')).toBe(':1\r\n');
    scene.end();
  });

  test('by the client closing its half: it need not be waited for', () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 0);
    scene.client(1).connection.onEnd();
    expect(scene.client(1).socket.ended).toBe(true);
    scene.end();
  });

  test('by CLIENT KILL', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 0);
    scene.run('CLIENT', 'KILL', 'ID', scene.client(1).connection.id);
    await settle();
    expect(scene.client(1).socket.ended).toBe(true);
    scene.end();
  });

  test('a client that leaves between being served and being told is not answered, and all is freed', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 0);
    scene.run('RPUSH', 'k', 'x');
    scene.client(1).connection.onClose();
    expect(await scene.reply(1)).toBe('');
    scene.end();
  });
});

describe('around waits', () => {
  test('a client that waits shows in CLIENT LIST and INFO, and is not closed for being idle', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 0);
    expect(scene.client(1).connection.describe()).toContain(' flags=b ');
    expect(scene.client(1).connection.describe()).toContain(' cmd=blpop ');
    expect(scene.run('INFO', 'clients')).toContain('blocked_clients:1\r\n');
    scene.run('RPUSH', 'k', 'x');
    await settle();
    expect(scene.client(1).connection.describe()).toContain(' flags=N ');
    scene.end();
  });

  test('CLIENT REPLY OFF and SKIP silence the late reply too', async () => {
    const scene = new Scene();
    scene.client(1).run('CLIENT', 'REPLY', 'OFF');
    scene.block(1, 'BLPOP', 'k', 0);
    scene.client(2).run('CLIENT', 'REPLY', 'SKIP');
    scene.block(2, 'BLPOP', 'k', 0);
    scene.run('RPUSH', 'k', 'x', 'y');
    expect(await scene.reply(1)).toBe('');
    expect(await scene.reply(2)).toBe('');
    expect(scene.client(2).run('PING')).toBe('+PONG\r\n');
    expect(scene.run('EXISTS', 'k')).toBe(':0\r\n');
    scene.end();
  });

  test('CLIENT PAUSE holds back who would push; who waits stays, and its time passes', async () => {
    const scene = new Scene();
    scene.block(1, 'BLPOP', 'k', 0);
    scene.block(2, 'BLPOP', 'k', '0.01');
    scene.client(8).run('CLIENT', 'PAUSE', 10_000, 'WRITE');
    await settle();
    expect(scene.client(9).run('RPUSH', 'k', 'x')).toBe('');
    await Bun.sleep(20);
    expect(await scene.reply(2)).toBe('*-1\r\n');
    expect(await scene.reply(1)).toBe('');
    scene.client(8).run('CLIENT', 'UNPAUSE');
    await settle();
    expect(scene.client(9).socket.output).toBe(':1\r\n');
    expect(await scene.reply(1)).toBe(pair('k', 'x'));
    scene.end();
  });

  test('QUIT and RESET behind a wait have their turn after it', async () => {
    const scene = new Scene();
    scene.client(1).send('BLPOP k 0\r\nRESET\r\nQUIT\r\n');
    scene.run('RPUSH', 'k', 'x');
    expect(await scene.reply(1)).toBe(`${pair('k', 'x')}+RESET\r\n+OK\r\n`);
    expect(scene.client(1).socket.ended).toBe(true);
    scene.end();
  });

  test('where a command may not wait it answers at once, as if its time were over', () => {
    const scene = new Scene();
    const ask = (...parts: string[]): string => {
      scene.run('MULTI');
      scene.run(...parts);
      return scene.run('EXEC').slice('*1\r\n'.length);
    };
    expect(ask('BLPOP', 'k', '0')).toBe('*-1\r\n');
    expect(ask('BZPOPMIN', 'k', '0')).toBe('*-1\r\n');
    expect(ask('BZMPOP', '0', '1', 'k', 'MIN')).toBe('*-1\r\n');
    expect(ask('BLMPOP', '0', '1', 'k', 'LEFT')).toBe('*-1\r\n');
    expect(ask('BLMOVE', 'k', 'j', 'LEFT', 'LEFT', '0')).toBe('$-1\r\n');
    expect(ask('BRPOPLPUSH', 'k', 'j', '0')).toBe('$-1\r\n');
    expect(ask('BLMOVEM', 'k', 'j', 'LEFT', 'LEFT', '0')).toBe('*-1\r\n');
    expect(ask('BLPOP', 'k', 'x')).toStartWith('-ERR timeout');
    expect(scene.server.client.connection.waiting).toBe(false);
    scene.run('RPUSH', 'k', 'x');
    expect(ask('BLPOP', 'k', '0')).toBe(pair('k', 'x'));
    scene.end();
  });

  test('a reply too large for who waits ends it, and the next is served', async () => {
    const settings = { 'client-output-buffer-limit': 'normal 1048576 0 0' };
    const scene = new Scene({ settings, shardBytes: 64 << 20 });
    const limit = 18 << 20;
    scene.block(1, 'BLPOP', 'k', 0);
    scene.block(2, 'BRPOP', 'k', 0);
    expect(scene.run('LPUSH', 'k', 'small', Buffer.alloc(limit, 'x'))).toBe(':2\r\n');
    expect(await scene.reply(1)).toBe('');
    expect(scene.client(1).socket.ended).toBe(true);
    expect(await scene.reply(2)).toBe(pair('k', 'small'));
    expect(scene.run('LLEN', 'k')).toBe(':1\r\n');
    scene.end();
  });

  test('what is done for who waited is journalled behind what made it possible', async () => {
    const scene = new Scene();
    const entries: string[] = [];
    scene.server.engine.dispatcher.journal = {
      ...NO_JOURNAL,
      append: (call: Call) => entries.push(call.row.name),
      appendServed: (served) => entries.push(servedEffect(served)),
    };
    scene.block(1, 'BLPOP', 'k', 'j', 0);
    scene.block(2, 'BRPOP', 'k', 0);
    scene.block(3, 'BZPOPMAX', 'z', 0);
    scene.block(4, 'BZMPOP', 0, 1, 'z', 'MIN', 'COUNT', 7);
    scene.block(5, 'BLMPOP', 0, 1, 'l', 'RIGHT', 'COUNT', 2);
    scene.block(6, 'BLMOVE', 'l', 'm', 'LEFT', 'RIGHT', 0);
    scene.block(7, 'BLMOVEM', 'l', 'm', 'RIGHT', 'LEFT', 0, 'EXACTLY', 2, 'BULK');
    scene.block(8, 'BRPOP', 'm', 0);
    scene.run('RPUSH', 'k', 'x', 'y');
    scene.run('ZADD', 'z', 1, 'x', 2, 'y');
    scene.run('LPUSH', 'k', 'a');
    scene.run('BLPOP', 'k', 0);
    scene.run('RPUSH', 'l', 1, 2, 3, 4, 5);
    expect(entries).toEqual([
      'RPUSH',
      'LPOP k',
      'RPOP k',
      'ZADD',
      'ZPOPMAX z',
      'ZMPOP 1 z MIN COUNT 7',
      'LPUSH',
      'BLPOP',
      'RPUSH',
      'LMPOP 1 l RIGHT COUNT 2',
      'LMOVE l m LEFT RIGHT',
      'LMOVEM l m RIGHT LEFT COUNT 2 BULK',
      'RPOP m',
    ]);
    await settle();
    scene.end();
  });
});
