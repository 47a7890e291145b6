import { afterEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readMachineLimits } from '../../src/server/system/machine-limits.ts';

const GIB = 1024 ** 3;
const V2_MOUNT = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n';
const MACHINE = {
  'proc/meminfo': `MemTotal:       ${(16 * GIB) / 1024} kB\nMemFree: 5 kB\n`,
  'proc/self/status': 'Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,8,10-12\n',
};

let root = '';
afterEach(() => rmSync(root, { recursive: true }));

/** The limits that the given files, beside those of an 8-core machine with 16 GiB, make out. */
function limitsOf(files: Record<string, string>) {
  root = mkdtempSync(join(tmpdir(), 'damselfly-root-'));
  for (const [path, text] of Object.entries({ ...MACHINE, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return readMachineLimits(root);
}

test('without control groups they are the memory and the allowed cores of the machine', () => {
  expect(limitsOf({})).toEqual({ memoryBytes: 16 * GIB, cpuCount: 8 });
});

test('version 2: the lowest limit of our group and those above it counts', () => {
  expect(
    limitsOf({
      'proc/self/mountinfo': V2_MOUNT,
      'proc/self/cgroup': '0::/system.slice/damselfly.service\n',
      'sys/fs/cgroup/system.slice/damselfly.service/memory.max': 'max\n',
      'sys/fs/cgroup/system.slice/damselfly.service/cpu.max': '250000 100000\n',
      'sys/fs/cgroup/system.slice/memory.max': `${2 * GIB}\n`,
      'sys/fs/cgroup/system.slice/cpu.max': 'max 100000\n',
    }),
  ).toEqual({ memoryBytes: 2 * GIB, cpuCount: 3 });
});

test('version 2: memory.high counts too, and half a core is one thread', () => {
  expect(
    limitsOf({
      'proc/self/mountinfo': V2_MOUNT,
      'proc/self/cgroup': '0::/a\n',
      'sys/fs/cgroup/a/memory.max': `${4 * GIB}\n`,
      'sys/fs/cgroup/a/memory.high': `${3 * GIB}\n`,
      'sys/fs/cgroup/a/cpu.max': '50000 100000\n',
    }),
  ).toEqual({ memoryBytes: 3 * GIB, cpuCount: 1 });
});

test('version 2 in a container: the group is mounted at the top, whatever /proc calls it', () => {
  const files = { 'sys/fs/cgroup/memory.max': `${GIB}\n`, 'sys/fs/cgroup/cpu.max': '200000 100000\n' };
  for (const path of ['/', '/../../kubepods/x', '/docker/abc']) {
    const limits = limitsOf({
      ...files,
      'proc/self/mountinfo': V2_MOUNT,
      'proc/self/cgroup': `0::${path}\n`,
    });
    expect(limits).toEqual({ memoryBytes: GIB, cpuCount: 2 });
    rmSync(root, { recursive: true });
  }
  const seenFromHost = V2_MOUNT.replace(' / /sys', ' /docker/abc /sys');
  const limits = limitsOf({
    ...files,
    'proc/self/mountinfo': seenFromHost,
    'proc/self/cgroup': '0::/docker/abc\n',
  });
  expect(limits).toEqual({ memoryBytes: GIB, cpuCount: 2 });
});

test('version 1: each controller has its own tree, and no limit is a huge number or -1', () => {
  const mounts =
    '33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n' +
    '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n';
  const files = {
    'proc/self/mountinfo': mounts,
    'proc/self/cgroup': '4:memory:/outer/inner\n2:cpu,cpuacct:/outer\n1:name=systemd:/\n0::/\n',
    'sys/fs/cgroup/memory/outer/inner/memory.limit_in_bytes': '9223372036854771712\n',
    'sys/fs/cgroup/cpu,cpuacct/outer/cpu.cfs_quota_us': '-1\n',
    'sys/fs/cgroup/cpu,cpuacct/outer/cpu.cfs_period_us': '100000\n',
  };
  expect(limitsOf(files)).toEqual({ memoryBytes: 16 * GIB, cpuCount: 8 });
  rmSync(root, { recursive: true });
  expect(
    limitsOf({
      ...files,
      'sys/fs/cgroup/memory/outer/memory.limit_in_bytes': `${5 * GIB}\n`,
      'sys/fs/cgroup/memory/memory.stat': `cache 1\nhierarchical_memory_limit ${4 * GIB}\n`,
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '400000\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    }),
  ).toEqual({ memoryBytes: 4 * GIB, cpuCount: 4 });
});

test('version 1 in a container: the path in /proc is that of the host', () => {
  expect(
    limitsOf({
      'proc/self/mountinfo':
        '35 31 0:32 /docker/abc /sys/fs/cgroup/my\\040memory ro - cgroup cgroup ro,memory\n',
      'proc/self/cgroup': '4:memory:/docker/abc\n',
      'sys/fs/cgroup/my memory/memory.limit_in_bytes': `${GIB}\n`,
    }).memoryBytes,
  ).toBe(GIB);
});

test('nonsense in the files is no limit', () => {
  expect(
    limitsOf({
      'proc/self/mountinfo': `garbage\n - cgroup2\n${V2_MOUNT}`,
      'proc/self/cgroup': 'garbage\n\n0::/\n:::::\n',
      'sys/fs/cgroup/memory.max': 'lots',
      'sys/fs/cgroup/cpu.max': '100000 0\n',
    }),
  ).toEqual({ memoryBytes: 16 * GIB, cpuCount: 8 });
});

test('an empty root gives what the runtime knows, and so does this machine at least', () => {
  root = mkdtempSync(join(tmpdir(), 'damselfly-root-'));
  for (const limits of [readMachineLimits(root), readMachineLimits()]) {
    expect(limits.memoryBytes).toBeGreaterThan(0);
    expect(limits.cpuCount).toBeGreaterThan(0);
  }
});
