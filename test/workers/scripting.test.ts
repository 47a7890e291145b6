/** Scripts over several worker threads: known everywhere at once, atomic for every reader, and to be killed from elsewhere. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { findFreePort } from '../support/free-port.ts';
import { RealClient, type RealServer, startRealServer } from '../support/real-server.ts';

const CLIENTS = 12;
const ACCOUNTS = 8;
const TOTAL = ACCOUNTS * 100;
const PATIENCE_MS = 1500;

let server: RealServer;
let memcachedPort: number;
let clients: RealClient[];

beforeAll(async () => {
  memcachedPort = findFreePort();
  const flags = ['--threads', '4', '--busy-reply-threshold', '200', '--memcached-port', `${memcachedPort}`];
  server = await startRealServer(flags);
  clients = await Promise.all(Array.from({ length: CLIENTS }, () => RealClient.open(server.port)));
});
afterAll(async () => {
  for (const client of clients) client.close();
  await server.stop();
});

/** Clients of workers that are not kept by a script, which answer a PING. */
async function answering(): Promise<RealClient[]> {
  const asked = clients.filter((client) => client !== clients[0]);
  for (const client of asked) {
    client.received = '';
    client.send('PING');
  }
  await Bun.sleep(300);
  return asked.filter((client) => client.received === '+PONG\r\n');
}

async function whenEnded(client: RealClient): Promise<string> {
  await client.until(() => client.received.includes('\r\n'), PATIENCE_MS);
  return client.received;
}

test('a script loaded by one worker is known to every other', async () => {
  const sha = (await clients[0]!.ask('SCRIPT', 'LOAD', 'return 42')).split('\r\n')[1]!;
  for (const client of clients) expect(await client.ask('EVALSHA', sha, 0)).toBe(':42\r\n');
  await clients[1]!.ask('SCRIPT', 'FLUSH');
  for (const client of clients) expect(await client.ask('EVALSHA', sha, 0)).toStartWith('-NOSCRIPT');
  const code = '#!lua name=l\nredis.register_function("f",function() return 5 end)';
  expect(await clients[2]!.ask('FUNCTION', 'LOAD', code)).toBe('$1\r\nl\r\n');
  for (const client of clients) expect(await client.ask('FCALL', 'f', 0)).toBe(':5\r\n');
  await clients[3]!.ask('FUNCTION', 'DELETE', 'l');
  for (const client of clients) expect(await client.ask('FCALL', 'f', 0)).toBe('-ERR Function not found\r\n');
});

test('EVAL runs its script while other workers forget all scripts', async () => {
  const untilMs = performance.now() + 1500;
  const replies = new Set<string>();
  let number = 0;
  await Promise.all(
    clients.map(async (client, index) => {
      while (performance.now() < untilMs) {
        if (index % 2 === 0) await client.ask('SCRIPT', 'FLUSH');
        else replies.add(await client.ask('EVAL', `return 1 --${number++ % 50}`, 0));
      }
    }),
  );
  expect([...replies]).toEqual([':1\r\n']);
});

test('a script is answered at once what other threads are asked elsewhere, and its client gets one reply', async () => {
  for (const [words, wanted] of [
    ['"slowlog","get",0', '*0\r\n'],
    ['"slowlog","len"', ':'],
    ['"slowlog","reset"', '+OK\r\n'],
    ['"commandlog","len","large-reply"', ':0\r\n'],
    ['"commandlog","reset","large-request"', '+OK\r\n'],
    ['"memory","purge"', '+OK\r\n'],
  ] as const) {
    const client = clients[0]!;
    expect(await client.ask('EVAL', `return redis.call(${words})`, 0)).toStartWith(wanted);
    client.received = '';
    client.socket.write(`MULTI\r\nEVAL 'return redis.call(${words})' 0\r\nPING\r\nEXEC\r\n`);
    await client.until(() => client.received.endsWith('+PONG\r\n'));
    expect(client.received).toStartWith(`+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n${wanted}`);
    await Bun.sleep(50);
    expect(client.received).toEndWith('+PONG\r\n');
  }
});

test('transfers by scripts, with keys they do not declare, never change the total that anyone sees', async () => {
  const keys = Array.from({ length: ACCOUNTS }, (_, index) => `account:${index}`);
  for (const key of keys) await clients[0]!.ask('SET', key, '100');
  const transfer =
    'redis.call("decrby","account:"..ARGV[1],ARGV[3]) redis.call("incrby","account:"..ARGV[2],ARGV[3]) return 1';
  const sum = `local s=0 for _,v in ipairs(redis.call("mget","${keys.join('","')}")) do s=s+v end return s`;
  const untilMs = performance.now() + 1000;
  let transfers = 0;
  let readings = 0;
  await Promise.all(
    clients.map(async (client, index) => {
      while (performance.now() < untilMs) {
        if (index % 2 === 0) {
          const [from, to, amount] = [transfers % ACCOUNTS, (transfers * 3 + 1) % ACCOUNTS, transfers % 7];
          await client.ask('EVAL', transfer, 0, from, to, amount);
          transfers++;
        } else if (index % 4 === 1) {
          expect(await client.ask('EVAL', sum, 0)).toBe(`:${TOTAL}\r\n`);
          readings++;
        } else {
          client.received = '';
          client.send('MGET', ...keys);
          await client.until(() => client.received.split('\r\n').length === ACCOUNTS * 2 + 2);
          const values = client.received.split('\r\n').filter((_, line) => line > 0 && line % 2 === 0);
          expect(values.reduce((total, value) => total + Number(value), 0)).toBe(TOTAL);
          readings++;
        }
      }
    }),
  );
  expect(transfers).toBeGreaterThan(50);
  expect(readings).toBeGreaterThan(50);
});

/** Enough keys for KEYS to take long. */
const KEYS = 50_000;

test('keys for those that follow', async () => {
  const fill = `for i = 1, ${KEYS} do redis.call("set", "filler:" .. i, i) end return 1`;
  expect(await clients[0]!.ask('EVAL', fill, 0)).toBe(':1\r\n');
});

for (const [what, script] of [
  ['an endless loop', 'while true do end'],
  ['one that catches every error', 'local function f() while true do end end while true do pcall(f) end'],
  [
    'one in a coroutine',
    'while true do coroutine.resume(coroutine.create(function() while true do end end)) end',
  ],
  ['one of commands that take long', 'while true do redis.pcall("keys", "*") end'],
  ['one of large texts', 'while true do string.rep("x", 1e5) end'],
] as const) {
  test(`${what} is killed from another worker, and who waits for it meanwhile is told that it is busy`, async () => {
    clients[0]!.received = '';
    clients[0]!.send('EVAL', script, 0);
    await Bun.sleep(400);
    const others = await answering();
    expect(others.length).toBeGreaterThan(0);
    const reply = await others[0]!.ask('SET', 'a', 'b');
    expect(reply).toBe(
      '-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n',
    );
    expect(await others[0]!.ask('KEYS', '*')).toStartWith('-BUSY');
    await others[0]!.ask('MULTI');
    await others[0]!.ask('GET', 'a');
    expect(await others[0]!.ask('EXEC')).toStartWith('-EXECABORT Transaction discarded because of: BUSY');
    expect(await others[0]!.ask('FUNCTION', 'KILL')).toStartWith('-BUSY');
    expect(await others[0]!.ask('SCRIPT', 'KILL')).toBe('+OK\r\n');
    expect(await whenEnded(clients[0]!)).toContain('Script killed by user with SCRIPT KILL');
    expect(await others[0]!.ask('SET', 'a', 'b')).toBe('+OK\r\n');
    expect(await others[0]!.ask('SCRIPT', 'KILL')).toStartWith('-NOTBUSY');
    expect(await clients[0]!.ask('EVAL', 'return 1', 0)).toBe(':1\r\n');
  });
}

test('a client of memcached is told that a script is busy, and does not keep its worker from SCRIPT KILL', async () => {
  const memcached = await Promise.all(
    Array.from({ length: CLIENTS }, () => RealClient.open(memcachedPort, '127.0.0.1')),
  );
  clients[0]!.received = '';
  clients[0]!.send('EVAL', 'while true do end', 0);
  await Bun.sleep(400);
  for (const client of memcached) client.socket.write('get a b\r\nset a 0 0 1\r\nx\r\nflush_all\r\n');
  await Bun.sleep(300);
  const told = memcached.filter(
    ({ received }) => received === 'SERVER_ERROR busy running a script\r\n'.repeat(3),
  );
  expect(told.length).toBeGreaterThan(0);
  const others = await answering();
  expect(await others[0]!.ask('SCRIPT', 'KILL')).toBe('+OK\r\n');
  await whenEnded(clients[0]!);
  for (const client of memcached) client.close();
});

test('a script that has written is not killed', async () => {
  const script =
    'redis.call("set","x","y") local t=redis.call("time") local e=t[1]+1 while redis.call("time")[1]+0<=e do end return 1';
  clients[0]!.received = '';
  clients[0]!.send('EVAL', script, 0);
  await Bun.sleep(400);
  const others = await answering();
  expect(await others[0]!.ask('SCRIPT', 'KILL')).toStartWith('-UNKILLABLE');
  await clients[0]!.until(() => clients[0]!.received === ':1\r\n');
});

const PURSES = Array.from({ length: ACCOUNTS }, (_, index) => `purse:${index}`);
/** Moves from one declared key to another. With a second argument it uses a key that it has not declared. */
const STRAYS_AFTER_WRITING = `
redis.call("decrby",KEYS[1],ARGV[1])
if ARGV[2] ~= "" then for i=1,300 do redis.call("incrby",ARGV[2],1) redis.call("decrby",ARGV[2],1) end end
redis.call("incrby",KEYS[2],ARGV[1])
return 1`;
const STRAYS_BEFORE_WRITING = `
redis.call("get",KEYS[1])
if ARGV[2] ~= "" then redis.call("get",ARGV[2]) end
if ARGV[2] ~= "" then for i=1,300 do redis.call("incrby",ARGV[2],1) redis.call("decrby",ARGV[2],1) end end
redis.call("decrby",KEYS[1],ARGV[1])
redis.call("incrby",KEYS[2],ARGV[1])
return 1`;

/** Has `strayers` clients run scripts that stray in some rounds, though they never did before, while the rest add up. */
async function transferStraying(script: string, strayers: number): Promise<void> {
  for (const key of PURSES) await clients[0]!.ask('SET', key, '100');
  const sum = 'local s=0 for _,k in ipairs(KEYS) do s=s+redis.call("get",k) end return s';
  let strayed = 0;
  let readings = 0;
  const untilMs = performance.now() + 1500;
  await Promise.all(
    clients.map(async (client, index) => {
      for (let round = 0; performance.now() < untilMs; round++) {
        if (index % 3 === 0) {
          expect(await client.ask('EVAL', sum, ACCOUNTS, ...PURSES)).toBe(`:${TOTAL}\r\n`);
          readings++;
          continue;
        }
        // Another text is another script, of which nothing is known.
        const text = `${script} -- ${index} ${round >> 2}`;
        const isStraying = index <= strayers && round % 4 === 3;
        const keys = [PURSES[(round + index) % ACCOUNTS]!, PURSES[(round * 3 + 1) % ACCOUNTS]!];
        const other = isStraying ? PURSES[(round * 5 + index) % ACCOUNTS]! : '';
        expect(await client.ask('EVAL', text, 2, ...keys, round % 7, other)).toBe(':1\r\n');
        if (isStraying) strayed++;
      }
    }),
  );
  expect(strayed).toBeGreaterThan(5);
  expect(readings).toBeGreaterThan(10);
}

test('a script that uses an undeclared key after it has written, which it never did before, stays whole', async () => {
  await transferStraying(STRAYS_AFTER_WRITING, 1);
});

test('scripts that use undeclared keys at once, each for the first time, stay whole', async () => {
  await transferStraying(STRAYS_BEFORE_WRITING, CLIENTS);
});

test('a script that uses only what it declares leaves the rest of the data to others', async () => {
  const script = `if ARGV[1] == "1" then while true do redis.call("get",KEYS[1]) end end return redis.call("get",KEYS[1])`;
  await clients[0]!.ask('EVAL', script, 1, 'calm', '0');
  clients[0]!.received = '';
  clients[0]!.send('EVAL', script, 1, 'calm', '1');
  await Bun.sleep(400);
  const others = await answering();
  expect(await others[0]!.ask('GET', 'calm')).toStartWith('-BUSY');
  const replies = new Set<string>();
  for (let i = 0; i < 64; i++) replies.add(await others[0]!.ask('SET', `other:${i}`, 'v'));
  expect([...replies].filter((reply) => reply === '+OK\r\n')).toHaveLength(1);
  expect(await others[0]!.ask('DBSIZE')).not.toBe('');
  expect(await others[0]!.ask('SCRIPT', 'KILL')).toBe('+OK\r\n');
  await whenEnded(clients[0]!);
  expect(await others[0]!.ask('GET', 'calm')).toBe('$-1\r\n');
});

test('FUNCTION STATS tells of a function that has been running for long, and of no script', async () => {
  const code = '#!lua name=long\nredis.register_function("forever", function() while true do end end)';
  await clients[1]!.ask('FUNCTION', 'LOAD', code);
  clients[0]!.received = '';
  clients[0]!.send('FCALL', 'forever', 0, 'argument');
  await Bun.sleep(500);
  const others = await answering();
  const stats = await others[0]!.ask('FUNCTION', 'STATS');
  expect(stats).toStartWith(
    '*4\r\n$14\r\nrunning_script\r\n*6\r\n$4\r\nname\r\n$7\r\nforever\r\n$7\r\ncommand\r\n*4\r\n$5\r\nFCALL\r\n',
  );
  expect(Number(/duration_ms\r\n:(\d+)/.exec(stats)![1])).toBeGreaterThan(200);
  expect(await others[0]!.ask('FUNCTION', 'KILL')).toBe('+OK\r\n');
  await whenEnded(clients[0]!);
  expect(await others[0]!.ask('FUNCTION', 'STATS')).toContain('running_script\r\n$-1\r\n');
});
