/** Every fuzzer, for a second or so, from a fresh seed. More of it: `bun scripts/fuzz.ts NAME --seed S --ops N`. */

import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { freshSeed } from '../support/seed.ts';
import { FUZZERS } from './fuzzers.ts';

/** Among all the other tests the same code is compiled less well: the slowest took 8 s instead of half a second. */
const TIMEOUT_MS = 60_000;

for (const [name, { run, testOperations, isCanary = false }] of Object.entries(FUZZERS)) {
  const body = (): void => {
    const seed = freshSeed(`fuzz ${name}`);
    if (isCanary) expect(() => run(seed, testOperations)).toThrow();
    else run(seed, testOperations);
  };
  test(`${name} ${isCanary ? 'fails, as it must' : 'finds nothing'}`, body, TIMEOUT_MS);
}

function runScript(...flags: string[]): { exitCode: number; output: string } {
  const script = join(import.meta.dir, '../../scripts/fuzz.ts');
  const child = Bun.spawnSync([process.execPath, script, ...flags], { cwd: join(import.meta.dir, '../..') });
  return { exitCode: child.exitCode, output: child.stdout.toString() + child.stderr.toString() };
}

test('the script ends with 0 when nothing is found', () => {
  const { exitCode, output } = runScript('allocator', '--seed', '7', '--ops', '1e3');
  expect(output).toContain('seed 7');
  expect(exitCode).toBe(0);
});

test('the script ends with 1 and tells the seed when something is found', () => {
  const { exitCode, output } = runScript('canary-leak', '--seed', '7', '--ops', '20000');
  expect(output).toContain('bun scripts/fuzz.ts canary-leak --seed 7 --ops 20000');
  expect(exitCode).toBe(1);
});

test('the script names the fuzzers there are', () => {
  const { exitCode, output } = runScript('nonsense');
  for (const name of Object.keys(FUZZERS)) expect(output).toContain(name);
  expect(exitCode).toBe(2);
});
