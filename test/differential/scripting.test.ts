/** Scripts reply byte for byte what redis-server replies, in both protocol versions. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { SCRIPTS } from './script-commands.ts';

function requestOf(line: string): (string | Uint8Array)[] {
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

  for (const version of [2, 3]) {
    test(`reply the same in RESP${version}`, async () => {
      const theirs = await OracleClient.connect(oracle.port);
      const ours = new TestServer();
      await theirs.run('FLUSHALL');
      await theirs.run('HELLO', version);
      ours.client.run('HELLO', version);
      const differences: string[] = [];
      for (const line of SCRIPTS) {
        const request = requestOf(line);
        const expected = await theirs.run(...request);
        const got = ours.client.run(...request);
        if (got !== expected)
          differences.push(`${line}\n  theirs ${JSON.stringify(expected)}\n  ours   ${JSON.stringify(got)}`);
      }
      theirs.close();
      expect(differences.join('\n')).toBe('');
    });
  }
});
