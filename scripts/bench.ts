/** `bun run bench [name…]`: the benchmarks of bench/micro and bench/embedded, each variant in a process of its own. JSON lines on
 *  stdout, a readable table on stderr; names choose files whose name contains one of them. */

import { basename } from 'node:path';
import { chooseCores, describeMachine, pinned } from '../bench/machine.ts';
import { formatFigure, printLine, type Result } from '../bench/result.ts';

const directory = new URL('../bench/', import.meta.url).pathname;
/** CHECKS as in the release build: bunfig.toml turns the expensive invariant checks on otherwise. */
const bun = [process.execPath, '--define', 'CHECKS=false'];

function benchFiles(wanted: readonly string[]): string[] {
  const files = [
    ...new Bun.Glob('{micro,embedded}/*.bench.ts').scanSync({ cwd: directory, absolute: true }),
  ].sort();
  if (wanted.length === 0) return files;
  return files.filter((file) => wanted.some((name) => basename(file).includes(name)));
}

function runBun(argv: readonly string[]): string {
  const child = Bun.spawnSync(pinned(chooseCores().server, [...bun, ...argv]), { stderr: 'inherit' });
  if (!child.success) throw new Error(`${argv.join(' ')} ended with code ${child.exitCode}`);
  return child.stdout.toString().trim();
}

function printRow({ scenario, case: name, ours }: Result): void {
  const figures = Object.entries(ours).map(([metric, value]) =>
    `${metric} ${formatFigure(value)}`.padEnd(20),
  );
  process.stderr.write(`${scenario.padEnd(14)} ${name.padEnd(36)} ${figures.join(' ').trimEnd()}\n`);
}

function main(): void {
  const files = benchFiles(process.argv.slice(2));
  if (files.length === 0) throw new Error(`no benchmark in ${directory} matches`);
  printLine({
    kind: 'run',
    at: new Date().toISOString(),
    machine: describeMachine(),
    argv: process.argv.slice(2),
  });
  for (const file of files) {
    for (const variant of runBun([file, '--list']).split('\n')) {
      const result = JSON.parse(runBun([file, '--variant', variant])) as Result;
      printLine(result);
      printRow(result);
    }
  }
}

main();
