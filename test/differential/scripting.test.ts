/** Scripts reply byte for byte what redis-server replies, in both protocol versions. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { FUNCTION_REQUESTS } from './function-commands.ts';
import { SCRIPTS } from './script-commands.ts';

function requestOf(line: string): string[] {
  const [script, ...rest] = line.split('~');
  const text = script!.startsWith('#!') ? script!.replaceAll('\\n', '\n') : script!;
  return rest.length === 0 ? ['EVAL', text, '0'] : ['EVAL', text, ...rest];
}

describe.skipIf(isOracleMissing('redis-server'))('scripts here and on redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  async function differences(
    version: 2 | 3,
    requests: readonly (readonly (string | number)[])[],
  ): Promise<string> {
    const theirs = await OracleClient.connect(oracle.port);
    const ours = new TestServer();
    await theirs.run('FLUSHALL');
    await theirs.run('FUNCTION', 'FLUSH');
    await theirs.run('SCRIPT', 'FLUSH');
    await theirs.run('HELLO', version);
    ours.client.run('HELLO', version);
    const found: string[] = [];
    for (const request of requests) {
      const expected = await theirs.run(...request);
      const got = ours.client.run(...request);
      if (got === expected) continue;
      found.push(
        `${JSON.stringify(request)}\n  theirs ${JSON.stringify(expected)}\n  ours   ${JSON.stringify(got)}`,
      );
    }
    theirs.close();
    return found.join('\n');
  }

  for (const version of [2, 3] as const) {
    test(`scripts reply the same in RESP${version}`, async () => {
      expect(await differences(version, SCRIPTS.map(requestOf))).toBe('');
    });

    test(`functions reply the same in RESP${version}`, async () => {
      expect(await differences(version, FUNCTION_REQUESTS)).toBe('');
    });
  }

  test('each loads what the other has dumped', async () => {
    const theirs = await OracleClient.connect(oracle.port);
    const ours = new TestServer();
    const code = `#!lua name=a\n${'-- a comment that repeats\n'.repeat(20)}redis.register_function("f",function() return 7 end)`;
    await theirs.run('FUNCTION', 'FLUSH');
    ours.run('FUNCTION', 'LOAD', code);
    const dumped = bulkOf(ours.run('FUNCTION', 'DUMP'));
    expect(await theirs.run('FUNCTION', 'RESTORE', dumped)).toBe('+OK\r\n');
    expect(await theirs.run('FCALL', 'f', 0)).toBe(':7\r\n');
    ours.run('FUNCTION', 'FLUSH');
    const packed = bulkOf(await theirs.run('FUNCTION', 'DUMP'));
    expect(ours.run('FUNCTION', 'RESTORE', packed)).toBe('+OK\r\n');
    expect(ours.run('FCALL', 'f', 0)).toBe(':7\r\n');
    theirs.close();
  });
});

function bulkOf(reply: string): Buffer {
  return Buffer.from(reply.slice(reply.indexOf('\n') + 1, -2), 'latin1');
}
