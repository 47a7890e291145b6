/** What a file in bench/micro uses to declare and run its variants.
 *
 *  A file calls `runVariants` with all of its variants, but one process measures one variant only: scripts/bench.ts asks
 *  for the names (`--list`), then starts a process for each (`--variant NAME`). Several variants in one process share
 *  type feedback and inline caches, and showed differences of 30 % that vanished when each ran alone. */

import { measure } from 'mitata';
import { printLine } from './result.ts';

/** Prepares the data of a variant and returns what is measured. */
export type Prepare = () => {
  /** Does `operationCount` operations and returns something that depends on them, so that none is optimised away. */
  readonly run: () => unknown;
  readonly operationCount: number;
  /** Figures that are not times, such as bytes per key. */
  readonly extra?: Readonly<Record<string, number>>;
};

const SAMPLE_SECONDS = 1;

export async function runVariants(name: string, variants: Readonly<Record<string, Prepare>>): Promise<void> {
  const [mode, wanted] = process.argv.slice(2);
  if (mode === '--list') {
    process.stdout.write(`${Object.keys(variants).join('\n')}\n`);
    return;
  }
  const prepare = mode === '--variant' && wanted !== undefined ? variants[wanted] : undefined;
  if (prepare === undefined) throw new Error(`${name}: use --list, or --variant with one of its names`);
  const { run, operationCount, extra = {} } = prepare();
  const stats = await measure(run, { min_cpu_time: SAMPLE_SECONDS * 1e9 });
  printLine({
    kind: 'result',
    scenario: name,
    case: wanted!,
    ours: {
      medianNs: stats.p50 / operationCount,
      p99Ns: stats.p99 / operationCount,
      minNs: stats.min / operationCount,
      ...extra,
    },
  });
}
