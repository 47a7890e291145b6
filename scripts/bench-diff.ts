/** Compares two files of JSON lines from `bun run bench` or `bun run bench:peers`:
 *
 *      bun scripts/bench-diff.ts before.jsonl after.jsonl [--min 3]
 *
 *  Prints what changed by at least `--min` percent. Where there is a peer its ratio is compared, since the peer was
 *  measured beside ours on the same machine; elsewhere our own figure is. */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { formatFigure, type Line, type Result } from '../bench/result.ts';

export interface Change {
  readonly name: string;
  readonly metric: string;
  readonly isRatio: boolean;
  readonly before: number;
  readonly after: number;
  /** Of `before`; positive is more. */
  readonly changePercent: number;
}

/** Metrics that say how quiet the machine was, not how good the server is. */
const circumstances = new Set(['serverBusy', 'loadBusy', 'serverWait', 'loadWait', 'stolen']);

export function parseResults(text: string): Map<string, Result> {
  const results = new Map<string, Result>();
  for (const json of text.split('\n')) {
    if (json.trim() === '') continue;
    const line = JSON.parse(json) as Line;
    if (line.kind === 'result') results.set(`${line.scenario}: ${line.case}`, line);
  }
  return results;
}

/** Changes of every metric that both files have, in the order of the first file. */
export function compareResults(before: Map<string, Result>, after: Map<string, Result>): Change[] {
  const changes: Change[] = [];
  for (const [name, old] of before) {
    const current = after.get(name);
    if (current === undefined) continue;
    for (const metric of Object.keys(old.ours)) {
      if (circumstances.has(metric)) continue;
      const change = compareMetric(name, metric, old, current);
      if (change !== null) changes.push(change);
    }
  }
  return changes;
}

function compareMetric(name: string, metric: string, old: Result, current: Result): Change | null {
  const oldRatio = old.ratio?.[metric]?.median;
  const newRatio = current.ratio?.[metric]?.median;
  const isRatio = oldRatio !== undefined && newRatio !== undefined;
  const before = isRatio ? oldRatio : old.ours[metric];
  const after = isRatio ? newRatio : current.ours[metric];
  if (before === undefined || after === undefined || before === 0) return null;
  return { name, metric, isRatio, before, after, changePercent: (after / before - 1) * 100 };
}

function main(): void {
  const { values, positionals } = parseArgs({
    options: { min: { type: 'string', default: '3' } },
    allowPositionals: true,
  });
  const [beforeFile, afterFile] = positionals;
  if (beforeFile === undefined || afterFile === undefined) {
    process.stderr.write('bun scripts/bench-diff.ts before.jsonl after.jsonl [--min PERCENT]\n');
    process.exit(1);
  }
  const before = parseResults(readFileSync(beforeFile, 'utf8'));
  const after = parseResults(readFileSync(afterFile, 'utf8'));
  const changes = compareResults(before, after).filter(
    (change) => Math.abs(change.changePercent) >= Number(values.min),
  );
  for (const change of changes) process.stdout.write(`${describeChange(change)}\n`);
  if (changes.length === 0) process.stdout.write(`nothing changed by ${values.min} % or more\n`);
  for (const name of before.keys()) if (!after.has(name)) process.stdout.write(`only before: ${name}\n`);
  for (const name of after.keys()) if (!before.has(name)) process.stdout.write(`only after: ${name}\n`);
}

function describeChange({ name, metric, isRatio, before, after, changePercent }: Change): string {
  const unit = isRatio ? ' x' : '';
  const figures = `${formatFigure(before)}${unit} -> ${formatFigure(after)}${unit}`;
  const percent = `${changePercent > 0 ? '+' : ''}${changePercent.toFixed(1)} %`;
  return `${name.padEnd(48)} ${metric.padEnd(20)} ${figures.padEnd(24)} ${percent.padStart(9)}`;
}

if (import.meta.main) main();
