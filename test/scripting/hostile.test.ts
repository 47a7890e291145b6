/** Scripts that ask for too much get an error of Redis, and the server goes on; arguments and replies are bytes both ways. */
import { expect, test } from 'bun:test';
import { Prng } from '../support/prng.ts';
import { TestServer } from '../support/test-server.ts';

const server = new TestServer();

function run(script: string, ...args: (string | Uint8Array)[]): string {
  return server.client.run('EVAL', script, '0', ...args);
}

const HOSTILE: readonly (readonly [what: string, script: string, error: RegExp])[] = [
  ['a gigabyte of text', 'local s=string.rep("x",2^28) return #(s..s..s..s)', /not enough memory/],
  ['doubling', 'local s="x" while true do s=s..s end', /not enough memory|string length overflow/],
  ['a table without end', 'local t={} local i=0 while true do i=i+1 t[i]={i} end', /not enough memory/],
  ['deep recursion', 'local function f() return 1+f() end return f()', /stack overflow/],
  ['recursion through pcall', 'local function f() return pcall(f) end return tostring(f())', /./],
  ['a pattern that recurses', 'return string.rep("a",3e5):find(string.rep("a?",3e5))', /./],
  ['parentheses', 'return loadstring("return "..string.rep("(",1e5).."1"..string.rep(")",1e5))()', /./],
  ['nested tables as reply', 'local t={} for i=1,1e5 do t={t} end return t', /reached lua stack limit/],
  ['a cycle as reply', 'local t={} t[1]=t return t', /reached lua stack limit/],
  ['a cycle as JSON', 'local t={} t.t=t return cjson.encode(t)', /excessive nesting/],
  ['a cycle packed', 'local t={} t.t=t return #cmsgpack.pack(t)', /./],
  [
    'sort with a comparator that lies',
    'local t={} for i=1,100 do t[i]=i end table.sort(t,function() return true end)',
    /./,
  ],
];

for (const [what, script, error] of HOSTILE) {
  test(`${what} does no harm`, () => {
    expect(run(script)).toMatch(error);
    expect(run('return redis.call("ping")')).toBe('+PONG\r\n');
    expect(server.client.run('SET', 'k', 'v')).toBe('+OK\r\n');
  }, 20_000);
}

test('bytes go in and come out as they are', () => {
  const prng = new Prng(7);
  for (let round = 0; round < 50; round++) {
    const bytes = Buffer.from(Array.from({ length: prng.below(300) }, () => prng.below(256)));
    const reply = `$${bytes.length}\r\n${bytes.toString('latin1')}\r\n`;
    expect(run('return ARGV[1]', bytes)).toBe(reply);
    expect(run('redis.call("set","b",ARGV[1]) return redis.call("get","b")', bytes)).toBe(reply);
    expect(run('return (cmsgpack.unpack(cmsgpack.pack({ARGV[1]})))[1]', bytes)).toBe(reply);
  }
});

test('what a script leaves behind is not seen by the next', () => {
  expect(run('local t = {} ; t.x = 1 ; return 1')).toBe(':1\r\n');
  expect(run('redis.setresp(3) return 1')).toBe(':1\r\n');
  expect(run('return redis.call("get","nokey")')).toBe('$-1\r\n');
  expect(run('redis.call("select",5) return 1')).toBe(':1\r\n');
  expect(server.client.run('GET', 'k')).toBe('$1\r\nv\r\n');
});

test('what scripts share is not reached by any of them to change it', () => {
  const attempts = [
    'local _, t = pairs(string) t.evil = 1',
    'local _, t = pairs(redis) t.call = nil',
    'local _, t = pairs(_G) rawset(t, "evil", 1)',
    'local _, t = pairs(math) table.insert(t, 1)',
    'table.insert(_G, 1)',
    'table.insert(string, 1, 1)',
  ];
  for (const attempt of attempts) expect(run(attempt)).toContain('Attempt to modify a readonly table');
  expect(run('error(table)')).toStartWith('-ERR table: ');
  expect(run('return { tostring(string.evil), #math, tostring(table.source), type(redis.call) }')).toBe(
    '*4\r\n$3\r\nnil\r\n:0\r\n$3\r\nnil\r\n$8\r\nfunction\r\n',
  );
  expect(run('local n = 0 for k in pairs(string) do if k == "rep" then n = n + 1 end end return n')).toBe(
    ':1\r\n',
  );
});

test('a library that never ends to load, or asks for too much, is refused', () => {
  const load = (code: string) => server.client.run('FUNCTION', 'LOAD', `#!lua name=l\n${code}`);
  const register = 'redis.register_function("f", function() return 5 end)';
  const loop = 'while true do end';
  const swallowing = 'while true do pcall(function() while true do end end) end';
  for (const code of [loop, swallowing]) expect(load(code)).toMatch(/^-ERR .*FUNCTION LOAD timeout/);
  expect(load('local function f() return 1 + f() end f()')).toMatch(/stack overflow/);
  expect(load('local s = string.rep("x", 2^28) s = s .. s .. s .. s .. s')).toMatch(/not enough memory/);
  expect(load(register)).toBe('$1\r\nl\r\n');
  expect(server.client.run('FCALL', 'f', '0')).toBe(':5\r\n');
  server.client.run('FUNCTION', 'FLUSH');
}, 20_000);
