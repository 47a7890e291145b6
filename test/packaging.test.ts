/** What can be known about the Dockerfile, the systemd unit and the set-up scripts without Docker, systemd or a network. */

import { describe, expect, test } from 'bun:test';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import packageJson from '../package.json';

const ROOT = join(import.meta.dir, '..');
const BINARY = join(ROOT, 'dist/damselfly');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

describe('Dockerfile', () => {
  const instructions = read('Dockerfile')
    .replaceAll('\\\n', '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ word: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1) }));
  const lastFrom = instructions.findLastIndex(({ word }) => word === 'FROM');
  const valueInFinalStage = (word: string): string | undefined =>
    instructions.slice(lastFrom).find((instruction) => instruction.word === word)?.rest;

  test('has only instructions that Docker knows', () => {
    const known = [
      'FROM',
      'WORKDIR',
      'COPY',
      'RUN',
      'USER',
      'VOLUME',
      'EXPOSE',
      'STOPSIGNAL',
      'HEALTHCHECK',
      'ENTRYPOINT',
    ];
    for (const { word } of instructions) expect(known).toContain(word);
  });

  test('copies only what is in the repository, and everything that the build reads', () => {
    const copied = instructions
      .filter(({ word, rest }) => word === 'COPY' && !rest.startsWith('--from='))
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
    for (const path of copied) expect(existsSync(join(ROOT, path))).toBe(true);
    for (const needed of ['package.json', 'bun.lock', 'scripts/setup', 'scripts/build.ts', 'src']) {
      expect(copied).toContain(needed);
    }
  });

  test('ends in a stage without a shell, as a user who is not root, with its data on a volume', () => {
    expect(instructions[lastFrom]!.rest).toBe('scratch');
    expect(valueInFinalStage('COPY')).toBe('--from=build /source/image /');
    expect(valueInFinalStage('USER')).toBe('65532:65532');
    expect(valueInFinalStage('VOLUME')).toBe('/data');
    expect(valueInFinalStage('WORKDIR')).toBe('/data');
    expect(valueInFinalStage('EXPOSE')).toBe('6379 11211');
    expect(valueInFinalStage('RUN')).toBeUndefined();
  });

  test.skipIf(!existsSync(BINARY))(
    'puts all that the program needs into the image (skipped before a build)',
    () => {
      const root = mkdtempSync(join(tmpdir(), 'damselfly-image-'));
      try {
        const assemble = instructions.find(({ rest }) => rest.includes('image/data'))!.rest;
        mkdirSync(join(root, 'dist'));
        copyFileSync(BINARY, join(root, 'dist/damselfly'));
        const script = assemble.replace(/chown \S+ \S+/, 'true');
        expect(Bun.spawnSync(['sh', '-ec', script], { cwd: root }).exitCode).toBe(0);
        const loader = readdirSync(join(root, 'image/lib64')).find((name) => name.startsWith('ld-linux'))!;
        const libraries = new Bun.Glob('image/**/*.so*').scanSync({ cwd: root, absolute: true });
        const path = [...new Set([...libraries].map(dirname))].join(':');
        const argv = [
          join(root, 'image/lib64', loader),
          '--library-path',
          path,
          '--list',
          join(root, 'image/damselfly'),
        ];
        const listed = Bun.spawnSync(argv).stdout.toString();
        const found = [...listed.matchAll(/(lib\S+) => (\S+)/g)];
        expect(found.length).toBeGreaterThan(1);
        for (const [, , library] of found) expect(library).toStartWith(root);
        expect(listed).not.toContain('not found');
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    },
  );

  test('starts and probes the server without a shell', () => {
    expect(JSON.parse(valueInFinalStage('ENTRYPOINT')!)).toEqual(['/damselfly']);
    const probe = /CMD (\[.*\])$/.exec(valueInFinalStage('HEALTHCHECK')!);
    expect(JSON.parse(probe![1]!)).toEqual(['/damselfly', '--healthcheck']);
  });
});

describe('systemd unit', () => {
  const unit = read('scripts/damselfly.service');
  const settings = new Map(
    [...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!] as const),
  );

  test('waits for readiness, comes back after a crash, and has descriptors for 10,000 clients', () => {
    expect(settings.get('Type')).toBe('notify');
    expect(settings.get('Restart')).toBe('on-failure');
    expect(Number(settings.get('LimitNOFILE'))).toBeGreaterThan(10_000 + 1_000);
  });

  test('is confined, except for the executable memory that the runtime needs', () => {
    for (const name of ['DynamicUser', 'NoNewPrivileges', 'PrivateTmp'])
      expect(settings.get(name)).toBe('yes');
    expect(settings.get('ProtectSystem')).toBe('strict');
    expect(settings.get('StateDirectory')).toBe('damselfly');
    expect(settings.has('MemoryDenyWriteExecute')).toBe(false);
    expect(unit).toContain('# MemoryDenyWriteExecute must stay off');
  });

  test.skipIf(Bun.which('systemd-analyze') === null)(
    'is accepted by systemd-analyze (skipped where there is none)',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'damselfly-unit-'));
      try {
        // The check wants the executable to exist, and it is not installed here.
        const path = join(folder, 'damselfly.service');
        writeFileSync(path, unit.replace('/usr/local/bin/damselfly', '/bin/true'));
        const verdict = Bun.spawnSync(['systemd-analyze', 'verify', '--man=no', path]);
        expect(verdict.stderr.toString()).toBe('');
        expect(verdict.exitCode).toBe(0);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

describe('set-up scripts', () => {
  /** Runs bash with the functions of scripts/setup, its idea of the repository moved to `root`. */
  const bash = (root: string, script: string): { exitCode: number; output: string } => {
    const run = Bun.spawnSync(['bash', '-c', `. "$0/scripts/setup"; root=$1; ${script}`, ROOT, root]);
    return { exitCode: run.exitCode, output: run.stdout.toString() };
  };

  test('find the pinned version of Bun, which is the one that runs this test', () => {
    expect(bash(ROOT, 'pinned_bun_version').output).toBe(packageJson.devDependencies.bun);
    expect(Bun.version).toBe(packageJson.devDependencies.bun);
  });

  test('build again exactly when something that goes into the binary is newer than it', () => {
    const root = mkdtempSync(join(tmpdir(), 'damselfly-stale-'));
    const touch = (path: string, second: number): void => utimesSync(join(root, path), second, second);
    const isStale = (): boolean => bash(root, 'is_binary_stale').exitCode === 0;
    const sources = ['src/base/bytes.ts', 'package.json', 'bun.lock', 'scripts/build.ts'];
    try {
      for (const folder of ['src/base', 'scripts', 'dist'])
        mkdirSync(join(root, folder), { recursive: true });
      for (const path of sources) writeFileSync(join(root, path), '');
      expect(isStale()).toBe(true);
      writeFileSync(join(root, 'dist/damselfly'), '', { mode: 0o755 });
      for (const path of [...sources, 'src', 'src/base']) touch(path, 1000);
      touch('dist/damselfly', 2000);
      expect(isStale()).toBe(false);
      for (const path of [...sources, 'src/base']) {
        touch(path, 3000);
        expect(isStale()).toBe(true);
        touch(path, 1000);
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  test.each(['scripts/setup', 'scripts/start', 'scripts/test', '.ci/run', 'Dockerfile'])(
    '%s names no package registry, so the one that npm is set up with is used',
    (path) => expect(read(path)).not.toMatch(/https?:|--registry|npmjs/),
  );
});
