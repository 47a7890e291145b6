/** What a process has used so far, read from /proc.
 *
 *  CPU comes from the nanosecond counters of every thread (task/TID/schedstat). They disappear with their thread, and
 *  some kernels lack them; then the 10 ms ticks of /proc/PID/stat, which include dead threads, stand in. */

import { readFileSync, readdirSync } from 'node:fs';

const TICK_NS = 10_000_000;

export interface CpuReading {
  /** Nanoseconds on a core, by thread id. */
  readonly runNsByThread: ReadonlyMap<string, number>;
  /** Nanoseconds spent runnable but waiting for a core: time nobody can blame on the program. */
  readonly waitNs: number;
  readonly ticksNs: number;
}

export function readCpu(pid: number): CpuReading {
  const runNsByThread = new Map<string, number>();
  let waitNs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const fields = readThreadSchedule(pid, thread);
    if (fields === null) continue;
    runNsByThread.set(thread, fields.runNs);
    waitNs += fields.waitNs;
  }
  return { runNsByThread, waitNs, ticksNs: readTicks(pid) * TICK_NS };
}

/** Null when the thread ended between being listed and being read, or when the kernel keeps no such file. */
function readThreadSchedule(pid: number, thread: string): { runNs: number; waitNs: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');
    const [runNs, waitNs] = text.split(' ').map(Number);
    return { runNs: runNs ?? 0, waitNs: waitNs ?? 0 };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

function readTicks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The program's name may hold spaces and brackets, so count fields after its closing bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** CPU used between two readings of one process. */
export function cpuNsBetween(before: CpuReading, after: CpuReading): number {
  let usedNs = 0;
  for (const [thread, runNs] of before.runNsByThread) {
    const laterNs = after.runNsByThread.get(thread);
    if (laterNs === undefined) return after.ticksNs - before.ticksNs;
    usedNs += laterNs - runNs;
  }
  for (const [thread, runNs] of after.runNsByThread) {
    if (!before.runNsByThread.has(thread)) usedNs += runNs;
  }
  return usedNs > 0 ? usedNs : after.ticksNs - before.ticksNs;
}

export function readResidentBytes(pid: number): number {
  const line = /^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (line === null) throw new Error(`no VmRSS for process ${pid}`);
  return Number(line[1]) * 1024;
}

/** Time the hypervisor gave to others while this machine had work, over all cores since boot. */
export function readStolenMs(): number {
  const total = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? '';
  return (Number(total.trim().split(/\s+/)[8] ?? 0) * TICK_NS) / 1e6;
}
