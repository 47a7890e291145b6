#!/usr/bin/env bun
/** Kills the server under load, again and again, and looks whether every acknowledged write comes back:
 *  `bun scripts/kill-test.ts --rounds 300 --policy always --clients 16 --threads 4 --seed 7`. */

import { parseArgs } from 'node:util';
import { killAgainAndAgain } from '../test/support/kill-rounds.ts';

/** With everysec, what was acknowledged this long before may not be lost. */
const EVERY_SECOND_SAFE_MS = 1000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '300' },
    policy: { type: 'string', default: 'always' },
    clients: { type: 'string', default: '16' },
    threads: { type: 'string', default: '4' },
    seed: { type: 'string', default: `${crypto.getRandomValues(new Uint32Array(1))[0]!}` },
    program: { type: 'string', default: '' },
  },
});
const policy = values.policy === 'everysec' ? 'everysec' : 'always';
console.log(`${policy}: seed ${values.seed}, ${values.rounds} rounds`);
const startedMs = performance.now();
const { acknowledged, lost } = await killAgainAndAgain({
  policy,
  rounds: Number(values.rounds),
  clients: Number(values.clients),
  threads: Number(values.threads),
  seed: Number(values.seed),
  safeMs: EVERY_SECOND_SAFE_MS,
  program: values.program,
});
const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
console.log(`${acknowledged} acknowledged sets of requests, ${lost} lost, in ${seconds} s`);
process.exit(0);
