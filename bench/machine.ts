/** What a figure was measured on, and the cores it may be pinned to. */

import { cpus } from 'node:os';
import { readFileSync } from 'node:fs';

export interface Machine {
  readonly cpuModel: string;
  readonly cpuCount: number;
  readonly bunVersion: string;
  /** Commit of the work tree, with `+` appended when it has uncommitted changes. */
  readonly commit: string;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cpuModel: all[0]?.model ?? 'unknown',
    cpuCount: all.length,
    bunVersion: Bun.version,
    commit: currentCommit(),
  };
}

function currentCommit(): string {
  const head = Bun.spawnSync(['git', 'rev-parse', '--short', 'HEAD'], { stderr: 'ignore' });
  if (!head.success) return 'unknown';
  const changes = Bun.spawnSync(['git', 'status', '--porcelain', '-uno'], { stderr: 'ignore' });
  return head.stdout.toString().trim() + (changes.stdout.length > 0 ? '+' : '');
}

/** One core for the server and another for whatever loads it; both null where pinning is impossible. */
export interface Cores {
  readonly server: string | null;
  readonly load: string | null;
}

/** The first allowed core drives the load and the last one serves. Null with fewer than two cores or no taskset. */
export function chooseCores(): Cores {
  const allowed = allowedCores();
  if (allowed.length < 2 || Bun.which('taskset') === null) return { server: null, load: null };
  return { server: String(allowed.at(-1)), load: String(allowed[0]) };
}

function allowedCores(): number[] {
  const line = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'latin1'));
  const cores: number[] = [];
  for (const range of (line?.[1] ?? '').split(',')) {
    const [first, last] = range.split('-').map(Number);
    if (first === undefined || Number.isNaN(first)) continue;
    for (let core = first; core <= (last ?? first); core++) cores.push(core);
  }
  return cores;
}

/** Prefixes `argv` so that the process, and every thread it will ever start, stays on `cores` (null = anywhere). */
export function pinned(cores: string | null, argv: readonly string[]): string[] {
  return cores === null ? [...argv] : ['taskset', '-c', cores, ...argv];
}
