/** The driver itself: it finds a difference, says where it is, and knows where replies end. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { OracleSocket, replyEnd, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';

describe.skipIf(isOracleMissing('redis-server'))('the differential driver', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  test('fails at the first reply that differs, and tells how it came to be', async () => {
    const server = new TestServer();
    server.run('SET', 'k', 'only ours');
    let drawn = 0;
    const run = runDifferential({
      seed: 7,
      commands: 300,
      generators: [() => (drawn++ === 260 ? ['GET', 'k'] : ['STRLEN', 'other'])],
      oraclePort: oracle.port,
      server,
    });
    await expect(run).rejects.toThrow('seed 7, command 260: "GET" "k"\nours:   "$9\\r\\nonly ours\\r\\n"');
  });

  test('leaves the judgement of other differences to the caller', async () => {
    const server = new TestServer();
    server.run('SET', 'k', 'only ours');
    await runDifferential({
      seed: 7,
      commands: 5,
      generators: [() => ['GET', 'k']],
      oraclePort: oracle.port,
      server,
      isSame: (command) => command[0] === 'GET',
    });
  });

  test('sends the prologue to both', async () => {
    await runDifferential({
      seed: 7,
      commands: 5,
      generators: [() => ['GET', 'given']],
      oraclePort: oracle.port,
      prologue: [['SET', 'given', 'v'.repeat(100_000)]],
    });
  });

  test('splits replies that arrive in pieces', async () => {
    const socket = await OracleSocket.open(oracle.port);
    const large = 'x'.repeat(1 << 20);
    const replies = await socket.run([
      ['SET', 'large', large],
      ['MGET', 'large', 'nothing', 'large'],
      ['PING'],
    ]);
    expect(replies.map((reply) => reply.length)).toEqual([5, 2 * (large.length + 12) + 9, 7]);
    socket.close();
  });
});

test('a reply ends where RESP2 and RESP3 say', () => {
  const replies = [
    '+OK\r\n',
    ':-5\r\n',
    '$-1\r\n',
    '$3\r\na\r\n\r\n',
    '*0\r\n',
    '*-1\r\n',
    '*2\r\n*1\r\n:1\r\n$0\r\n\r\n',
    '%1\r\n+a\r\n*2\r\n:1\r\n:2\r\n',
    '~1\r\n,1.5\r\n',
    '=7\r\ntxt:abc\r\n',
    '_\r\n',
    '#t\r\n',
  ];
  for (const reply of replies) {
    expect(replyEnd(`${reply}+next\r\n`, 0)).toBe(reply.length);
    for (let length = 0; length < reply.length; length++)
      expect(replyEnd(reply.slice(0, length), 0)).toBe(-1);
  }
});
