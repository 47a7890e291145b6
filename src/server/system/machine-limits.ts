/** How much memory and how many cores this process may use: the machine's, or less where a control group (version 1
 *  or 2, as set by Docker, Kubernetes or systemd) says so. We read the files ourselves because a runtime's own view
 *  misses some layouts. A limit may sit on the group we are in or on any group above it, and a container sees its own
 *  group mounted at the top while /proc may still name it by the host's path. */

import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';

export interface MachineLimits {
  readonly memoryBytes: number;
  readonly cpuCount: number;
}

/** A hierarchy as mounted here: `top` is where it is mounted, `below` the names from there down to our group. */
interface Hierarchy {
  readonly version: 1 | 2;
  readonly top: string;
  readonly below: readonly string[];
}

/** Reads the limits from the files under `root`; where there are none, those of the runtime. */
export function readMachineLimits(root = '/'): MachineLimits {
  const read = (path: string) => readText(join(root, path));
  const memoryBytes = Math.min(machineMemory(read), ...memoryLimits(read));
  const cpuCount = Math.min(allowedCpus(read), ...cpuQuotas(read).map(Math.ceil));
  return { memoryBytes, cpuCount: Math.max(1, cpuCount) };
}

type Read = (path: string) => string;

function machineMemory(read: Read): number {
  const kilobytes = /^MemTotal:\s*(\d+) kB/m.exec(read('/proc/meminfo'))?.[1];
  return kilobytes === undefined ? totalmem() : Number(kilobytes) * 1024;
}

/** The cores that the scheduler may put us on; a cpuset of our group is already in this. */
function allowedCpus(read: Read): number {
  const list = /^Cpus_allowed_list:\s*([\d,-]+)/m.exec(read('/proc/self/status'))?.[1];
  if (list === undefined) return availableParallelism();
  return list.split(',').reduce((count, range) => {
    const [first = '0', last = first] = range.split('-');
    return count + Number(last) - Number(first) + 1;
  }, 0);
}

function memoryLimits(read: Read): number[] {
  return findHierarchies(read, 'memory').flatMap((hierarchy) =>
    groupsUpwards(hierarchy).flatMap((group) => {
      if (hierarchy.version === 2)
        return [read(`${group}/memory.max`), read(`${group}/memory.high`)].flatMap(toLimit);
      // Version 1 tells in memory.stat even what groups above our mount allow; "no limit" is a huge number there.
      const above = /^hierarchical_memory_limit (\d+)$/m.exec(read(`${group}/memory.stat`))?.[1] ?? '';
      return [read(`${group}/memory.limit_in_bytes`), above].flatMap(toLimit);
    }),
  );
}

/** Cores' worth of time per period, as fractions. */
function cpuQuotas(read: Read): number[] {
  return findHierarchies(read, 'cpu').flatMap((hierarchy) =>
    groupsUpwards(hierarchy).flatMap((group) => {
      const [quota = '', period = ''] =
        hierarchy.version === 2
          ? read(`${group}/cpu.max`).trim().split(' ')
          : [read(`${group}/cpu.cfs_quota_us`), read(`${group}/cpu.cfs_period_us`)];
      const [quotaUs] = toLimit(quota);
      const [periodUs] = toLimit(period);
      return quotaUs && periodUs ? [quotaUs / periodUs] : [];
    }),
  );
}

/** "max", -1 and a missing file are no limit. */
function toLimit(text: string): number[] {
  return /^\d+$/.test(text.trim()) ? [Number(text)] : [];
}

/** Where a controller may be limiting us: its version 1 hierarchy, the version 2 one, or both on a mixed system. */
function findHierarchies(read: Read, controller: string): Hierarchy[] {
  const mounts = read('/proc/self/mountinfo').split('\n').flatMap(parseMount);
  return read('/proc/self/cgroup')
    .split('\n')
    .flatMap((line): Hierarchy[] => {
      const [, controllers, ...rest] = line.split(':');
      if (controllers === undefined) return [];
      const version = controllers === '' ? 2 : 1;
      if (version === 1 && !controllers.split(',').includes(controller)) return [];
      const ours = mounts.filter(({ type, options }) =>
        version === 2 ? type === 'cgroup2' : type === 'cgroup' && options.includes(controller),
      );
      const path = rest.join(':');
      return ours.map(({ top, shown }) => ({ version, top, below: namesBelow(path, shown) }));
    });
}

interface Mount {
  /** Where it is mounted. */
  readonly top: string;
  /** Which group of the hierarchy is seen there. */
  readonly shown: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** A line of mountinfo: id, parent, device, shown, top, options, tags … "-", type, source, options. */
function parseMount(line: string): Mount[] {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , shown = '', top = ''] = before.split(' ').map(unescapeMountPath);
  const [type = '', , options = ''] = after.split(' ');
  return type === 'cgroup' || type === 'cgroup2' ? [{ top, shown, type, options: options.split(',') }] : [];
}

/** mountinfo writes blanks and backslashes as three octal digits. */
function unescapeMountPath(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The names from the mounted group down to ours. A path that is not under it means that the mount shows our group. */
function namesBelow(path: string, shown: string): string[] {
  const names = path.split('/').filter(Boolean);
  const shownNames = shown.split('/').filter(Boolean);
  const isUnder = shownNames.every((name, i) => names[i] === name);
  return isUnder && !names.includes('..') ? names.slice(shownNames.length) : [];
}

/** Our group first, then each group above it as far as the mount shows them. */
function groupsUpwards({ top, below }: Hierarchy): string[] {
  return Array.from({ length: below.length + 1 }, (_, up) => join(top, ...below.slice(0, below.length - up)));
}

/** A missing or forbidden file is no information, which every caller can do with. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
