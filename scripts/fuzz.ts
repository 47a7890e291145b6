#!/usr/bin/env bun
/** Runs one fuzzer of test/fuzz: `bun scripts/fuzz.ts resp --seed 7 --ops 1e6`. Without a seed it takes a fresh one;
 *  without a number of operations, a million. Ends with 1, and the command that shows it again, if something is found. */

import { parseArgs } from 'node:util';
import { FUZZERS } from '../test/fuzz/fuzzers.ts';

const OPERATIONS = '1e6';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, ops: { type: 'string', default: OPERATIONS } },
});
const name = positionals[0] ?? '';
const fuzzer = FUZZERS[name];
const seed = values.seed === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : Number(values.seed);
const operationCount = Number(values.ops);

if (fuzzer === undefined || !Number.isSafeInteger(seed) || !(operationCount > 0)) {
  console.error(
    `usage: bun scripts/fuzz.ts NAME [--seed S] [--ops N]\nNAME: ${Object.keys(FUZZERS).join(', ')}`,
  );
  process.exit(2);
}

console.log(`${name}: seed ${seed}, ${operationCount} operations`);
const startedMs = performance.now();
try {
  fuzzer.run(seed, operationCount);
} catch (error) {
  console.error(error);
  console.error(`found: bun scripts/fuzz.ts ${name} --seed ${seed} --ops ${operationCount}`);
  process.exit(1);
}
console.log(`nothing found in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
