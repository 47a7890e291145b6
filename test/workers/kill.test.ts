/** A few rounds of killing the server under load; many of them: `bun scripts/kill-test.ts --rounds 300`. */
import { expect, test } from 'bun:test';
import { killAgainAndAgain } from '../support/kill-rounds.ts';
import { freshSeed } from '../support/seed.ts';

const TIMEOUT_MS = 300_000;

test(
  'with appendfsync always, what was acknowledged survives SIGKILL',
  async () => {
    const seed = freshSeed('kill always');
    const options = { policy: 'always', clients: 8, threads: 4, safeMs: 0 } as const;
    const { acknowledged, lost } = await killAgainAndAgain({ ...options, rounds: 7, seed });
    expect(acknowledged).toBeGreaterThan(0);
    expect(lost).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  'with everysec, at most the last second is lost',
  async () => {
    const seed = freshSeed('kill everysec');
    const options = { policy: 'everysec', clients: 8, threads: 4, safeMs: 1000 } as const;
    const { acknowledged } = await killAgainAndAgain({ ...options, rounds: 3, seed });
    expect(acknowledged).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
