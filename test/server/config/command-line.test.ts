import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closestName, editDistance } from '../../../src/server/config/closest-name.ts';
import { parseCommandLine, renderHelp } from '../../../src/server/config/command-line.ts';
import { loadConfig } from '../../../src/server/config/config-file.ts';
import type { Config } from '../../../src/server/config/config.ts';
import { settingEntries } from '../../../src/server/config/config-registry.ts';

const LIMITS = { memoryBytes: 10_000_000_000, cpuCount: 3 };
const folder = mkdtempSync(join(tmpdir(), 'damselfly-flags-'));
const file = join(folder, 'redis.conf');
writeFileSync(file, 'port 7001\nsave 1 2\n');
afterAll(() => rmSync(folder, { recursive: true }));

function configOf(...argv: string[]): Config {
  const line = parseCommandLine(argv);
  if (line.kind !== 'run') throw new Error(JSON.stringify(line));
  const outcome = loadConfig(line, LIMITS);
  if (!outcome.ok) throw new Error(outcome.error);
  return outcome.config;
}

function errorOf(...argv: string[]): string {
  const line = parseCommandLine(argv);
  if (line.kind === 'error') return line.text;
  if (line.kind !== 'run') return '';
  const outcome = loadConfig(line, LIMITS);
  return outcome.ok ? '' : outcome.error;
}

describe('flags', () => {
  test('are written in three ways', () => {
    expect(configOf('--port', '7000').number('port')).toBe(7000);
    expect(configOf('--port=7000').number('port')).toBe(7000);
    expect(configOf('--port 7000').number('port')).toBe(7000);
    expect(configOf('--PORT', '7000', '--appendonly', 'yes').getString('appendonly')).toBe('yes');
  });

  test('come after the file and win over it, and save lines add up', () => {
    expect(configOf(file).number('port')).toBe(7001);
    expect(configOf(file, '--port', '7002').number('port')).toBe(7002);
    expect(configOf(file, '--save', '3', '4', '--save', '5 6').getString('save')).toBe('1 2 3 4 5 6');
    expect(configOf(file, '--save', '').getString('save')).toBe('');
    expect(configOf(file, '--save', '--port', '1').getString('save')).toBe('');
    expect(configOf(file, '--save').getString('save')).toBe('');
  });

  test('take several words, and a name that starts with no- is not a negation', () => {
    expect(configOf('--bind', '127.0.0.1', '-::1').list('bind')).toEqual(['127.0.0.1', '-::1']);
    expect(configOf('--no-appendfsync-on-rewrite', 'yes').flag('no-appendfsync-on-rewrite')).toBe(true);
    expect(configOf('--slowlog-log-slower-than', '-1').number('slowlog-log-slower-than')).toBe(-1);
    expect(configOf('--requirepass', '--help').text('requirepass')).toBe('--help');
    expect(configOf('--requirepass=a=b').text('requirepass')).toBe('a=b');
    expect(configOf('--requirepass=').text('requirepass')).toBe('');
    expect(configOf('--include', file).number('port')).toBe(7001);
  });

  test('that are wrong are told with the flag', () => {
    expect(errorOf('--port', 'abc')).toEndWith(
      "\nReading the command line\n>>> '--port abc'\nargument couldn't be parsed into an integer",
    );
    expect(errorOf('--port', '1', '2')).toEndWith("\n>>> '--port 1 2'\nwrong number of arguments");
    expect(errorOf('--port')).toEndWith("\n>>> '--port'\nwrong number of arguments");
    expect(errorOf('--requirepass', 'secret', 'x')).not.toContain('secret');
    expect(errorOf('--daemonize', 'yes')).toEndWith('run it under systemd, a container or nohup');
  });

  test('that are unknown are told with what was probably meant', () => {
    expect(errorOf('--prot', '5')).toBe(
      "Unknown option '--prot'. Did you mean '--port'?\nTry damselfly --help.",
    );
    expect(errorOf('--max-memory=1gb')).toContain("Did you mean '--maxmemory'?");
    expect(errorOf('--helpp')).toContain("Did you mean '--help'?");
    expect(errorOf('--xyzzyxyzzy')).toBe("Unknown option '--xyzzyxyzzy'.\nTry damselfly --help.");
    expect(errorOf('--' + 'x'.repeat(100_000))).toStartWith('Unknown option');
    expect(errorOf('-p', '5')).toContain("Unknown option '-p'.");
    expect(errorOf('--healthcheck', 'x')).toContain("Unexpected argument 'x'.");
    expect(errorOf('--')).toContain("Unknown option '--'.");
  });
});

describe('modes', () => {
  test('are help, version and healthcheck, which keeps the settings', () => {
    expect(parseCommandLine(['--help'])).toEqual({ kind: 'help' });
    expect(parseCommandLine(['-h'])).toEqual({ kind: 'help' });
    expect(parseCommandLine(['--port', '1', '--version'])).toEqual({ kind: 'version' });
    expect(parseCommandLine(['-v'])).toEqual({ kind: 'version' });
    expect(parseCommandLine([file, '--healthcheck', '--port', '7000'])).toEqual({
      kind: 'healthcheck',
      configFile: file,
      readsStdin: false,
      directives: [{ name: 'port', values: ['7000'] }],
    });
  });

  test('a dash in first or last place reads standard input', () => {
    const nothingElse = { configFile: null, readsStdin: true, directives: [] } as const;
    expect(parseCommandLine(['-'])).toEqual({ kind: 'run', ...nothingElse });
    expect(parseCommandLine(['--loglevel', 'verbose', '-'])).toMatchObject({
      readsStdin: true,
      directives: [{ name: 'loglevel', values: ['verbose'] }],
    });
  });

  test('standard input is read after the file and before the flags', async () => {
    const source = `
      import { parseCommandLine } from '${import.meta.dir}/../../../src/server/config/command-line.ts';
      import { loadConfig } from '${import.meta.dir}/../../../src/server/config/config-file.ts';
      const line = parseCommandLine(['${file}', '--timeout', '3', '-']);
      const outcome = loadConfig(line, { memoryBytes: 1e9, cpuCount: 1 });
      process.stdout.write(['port', 'timeout'].map((name) => outcome.config.getString(name)).join(' '));`;
    const child = Bun.spawn([process.execPath, '-e', source], { stdin: new Blob(['port 5\ntimeout 2\n']) });
    expect(await new Response(child.stdout).text()).toBe('5 3');
  });
});

describe('help', () => {
  test('names every setting once, with the default of what does something', async () => {
    const help = await renderHelp(LIMITS);
    expect(help).toContain(
      '  --port <number>                 TCP port for Redis clients, 0 for none (default: 6379)\n',
    );
    expect(help).toContain('damselfly [OPTIONS] [FILE]');
    expect(help).toContain('(default: 8000000000)');
    const words = help.split(/\s+/);
    for (const [name, row] of settingEntries()) {
      expect(words.filter((word) => word === (row.help ? `--${name}` : name))).toHaveLength(1);
    }
    // oxlint-disable-next-line no-control-regex
    expect(help).not.toMatch(/\u001b/);
  });
});

describe('the closest name', () => {
  test('counts insertions, deletions, replacements and swaps', () => {
    expect(editDistance('port', 'port')).toBe(0);
    expect(editDistance('prot', 'port')).toBe(1);
    expect(editDistance('', 'port')).toBe(4);
    expect(editDistance('maxmem', 'maxmemory')).toBe(3);
  });

  test('is none if nothing is near', () => {
    expect(closestName('prot', ['bind', 'port'])).toBe('port');
    expect(closestName('elephant', ['bind', 'port'])).toBeNull();
    expect(closestName('', [])).toBeNull();
  });
});
