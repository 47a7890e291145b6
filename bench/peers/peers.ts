/** Compares our binary with redis-server and memcached on this machine, in turn within one run.
 *
 *  JSON lines go to stdout and a readable table to stderr, so `bun run bench:peers > after.jsonl` shows and keeps both;
 *  compare two such files with scripts/bench-diff.ts. With `--binary redis-server` the harness measures redis-server
 *  against itself: every ratio should then be 1, and how far it strays is the noise of the machine. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseCores, describeMachine } from '../machine.ts';
import { printLine, type Result, type Skipped } from '../result.ts';
import { appendOnly } from './append-only.ts';
import { cacheHits } from './cache-hits.ts';
import { collectionMemory } from './collection-memory.ts';
import { collections, collectionsCapacity } from './collections.ts';
import { conversations } from './conversations.ts';
import { getSet } from './get-set.ts';
import { large } from './large.ts';
import { largeZsetCurve } from './large-zset-curve.ts';
import { memcached } from './memcached.ts';
import { memory } from './memory.ts';
import type { Bench, Scenario } from './scenario.ts';
import { stopServersOnExit } from './server.ts';
import { sinter } from './sinter.ts';
import { snapshots } from './snapshots.ts';
import { stall } from './stall.ts';
import { suite } from './suite.ts';
import { printGoals, printResult } from './table.ts';
import { tls } from './tls.ts';
import { twoWorkers } from './two-workers.ts';
import { types } from './types.ts';

const scenarios: readonly Scenario[] = [
  getSet,
  memcached,
  twoWorkers,
  tls,
  memory,
  stall,
  suite,
  collections,
  collectionsCapacity,
  large,
  largeZsetCurve,
  collectionMemory,
  sinter,
  conversations,
  types,
  snapshots,
  appendOnly,
  cacheHits,
];

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      binary: { type: 'string', default: 'dist/damselfly' },
      redis: { type: 'string', default: 'redis-server' },
      memcached: { type: 'string', default: 'memcached' },
      only: { type: 'string' },
      case: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (flags.help) return void process.stdout.write(helpText());

  stopServersOnExit();
  const results: Result[] = [];
  const bench: Bench = {
    binary: findBinary(flags.binary),
    redisBinary: findBinary(flags.redis),
    memcachedBinary: findBinary(flags.memcached),
    cores: chooseCores(),
    rounds: Number(flags.rounds ?? (flags.quick ? 3 : 5)),
    seconds: Number(flags.seconds ?? (flags.quick ? 0.5 : 2)),
    isQuick: flags.quick,
    wantsCase: (name) => name.includes(flags.case ?? ''),
    report(line) {
      printLine(line);
      if (line.kind === 'result') {
        results.push(line);
        printResult(line);
      } else printSkipped(line);
    },
  };
  const chosen = chooseScenarios(flags.only);
  printLine({
    kind: 'run',
    at: new Date().toISOString(),
    machine: describeMachine(),
    argv: process.argv.slice(2),
  });
  if (bench.cores.server === null) {
    process.stderr.write('Nothing is pinned: this takes two cores and taskset. Ratios will be rough.\n');
  }
  for (const scenario of chosen) await scenario.run(bench);
  printGoals(results);
}

/** A path, or a name to look up on PATH. */
function findBinary(name: string): string {
  const path = name.includes('/') ? resolve(name) : Bun.which(name);
  if (path === null || !existsSync(path))
    throw new Error(`${name} not found: build it, install it, or say where it is`);
  return path;
}

function chooseScenarios(only: string | undefined): readonly Scenario[] {
  if (only === undefined) return scenarios;
  return only.split(',').map((name) => {
    const scenario = scenarios.find((each) => each.name === name);
    if (scenario === undefined) throw new Error(`no scenario ${name}; there are ${scenarioNames()}`);
    return scenario;
  });
}

function scenarioNames(): string {
  return scenarios.map((scenario) => scenario.name).join(', ');
}

function printSkipped(line: Skipped): void {
  process.stderr.write(`\n${line.scenario}: skipped, ${line.reason}\n`);
}

function helpText(): string {
  const list = scenarios.map((scenario) => `  ${scenario.name.padEnd(20)} ${scenario.summary}`).join('\n');
  return `bun run bench:peers [flags] > results.jsonl

  --binary PATH      server under test (dist/damselfly); redis-server checks the harness itself
  --redis PATH       peer for RESP (redis-server)
  --memcached PATH   peer for memcached (memcached)
  --only A,B         run only these scenarios
  --case TEXT        run only cases with TEXT in their name, in scenarios that have several alike
  --rounds N         measured rounds of each case (5)
  --seconds N        length of one window (2)
  --quick            3 rounds of 0.5 seconds, and a tenth of the keys

Scenarios:
${list}
`;
}

await main();
