/** Systems of others on our server, unchanged, and on redis-server. */
import { test } from 'bun:test';
import { isOracleMissing, startOracle } from '../support/oracles.ts';
import { startRealServer } from '../support/real-server.ts';
import { SYSTEMS } from './systems.ts';

const TIMEOUT_MS = 60_000;

for (const { name, check, isMissing } of SYSTEMS) {
  const runsOnOurs = async (): Promise<void> => {
    const server = await startRealServer();
    try {
      await check(server.port);
    } finally {
      await server.stop();
    }
  };
  const runsOnRedis = async (): Promise<void> => {
    const oracle = await startOracle('redis-server');
    try {
      await check(oracle.port);
    } finally {
      await oracle.stop();
    }
  };

  if (isMissing === true && process.env['CI'] === undefined) {
    test.skip(`${name} is not installed`, () => {});
    continue;
  }
  test(`${name} runs on our server`, runsOnOurs, TIMEOUT_MS);
  test.skipIf(isOracleMissing('redis-server'))(`${name} runs on redis-server`, runsOnRedis, TIMEOUT_MS);
}
