import { afterAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { loadConfig } from '../../../src/server/config/config-file.ts';
import type { Config } from '../../../src/server/config/config.ts';
import { NAMES } from '../../../src/server/config/config-registry.ts';
import { PRODUCT_VERSION } from '../../../src/server/product.ts';

const LIMITS = { memoryBytes: 10_000_000_000, cpuCount: 3 };
const STOCK_FILE = '/etc/redis/redis.conf';
const STOCK_DIRECTORY = '/var/lib/redis';

const folder = mkdtempSync(join(tmpdir(), 'damselfly-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function load(text: string | Uint8Array) {
  return loadConfig({ configFile: write('test.conf', text), readsStdin: false, directives: [] }, LIMITS);
}

function loaded(text: string): Config {
  const outcome = load(text);
  if (!outcome.ok) throw new Error(outcome.error);
  return outcome.config;
}

function errorOf(text: string): string {
  const outcome = load(text);
  return outcome.ok ? '' : outcome.error;
}

describe('a redis.conf', () => {
  test.skipIf(!existsSync(STOCK_FILE) || !existsSync(STOCK_DIRECTORY))(
    "as Debian ships it loads (skipped without Debian's redis-server)",
    () => {
      const outcome = load(readFileSync(STOCK_FILE));
      if (!outcome.ok) throw new Error(outcome.error);
      expect(outcome.config.text('dir')).toBe(STOCK_DIRECTORY);
      expect(outcome.config.list('bind')).toEqual(['127.0.0.1', '-::1']);
      expect(outcome.warnings).toEqual([
        'daemonize yes is not supported: staying in the foreground',
        'without effect in this build: pidfile',
      ]);
    },
  );

  test('takes comments, blanks, quotes, carriage returns and any case', () => {
    const config = loaded(
      '# comment\r\n\r\n \t PORT\t7000 \r\nrequirepass "a\\x20\\"b"\nlogfile \'x y\'\n  # more\n',
    );
    expect(config.number('port')).toBe(7000);
    expect(config.text('requirepass')).toBe('a "b');
    expect(config.text('logfile')).toBe('x y');
  });

  test('adds the save lines up, which replace the default, and "" removes all', () => {
    expect(loaded('').getString('save')).toBe('3600 1 300 100 60 10000');
    expect(loaded('save 900 1\nsave 60 5 30 6').getString('save')).toBe('900 1 60 5 30 6');
    expect(loaded('save "900 1"').getString('save')).toBe('900 1');
    expect(loaded('save 900 1\nsave ""').getString('save')).toBe('');
    expect(loaded('save ""\nsave 1 2').getString('save')).toBe('1 2');
  });

  test('has several values on a line, with old names beside new ones', () => {
    const text =
      'client-output-buffer-limit normal 1 2 3 replica 1kb 2k 4\nbind 127.0.0.1 -::1\nslave-priority 7';
    const config = loaded(text);
    expect(config.getString('client-output-buffer-limit')).toBe(
      'normal 1 2 3 slave 1024 2000 4 pubsub 33554432 8388608 60',
    );
    expect(config.getString('bind')).toBe('127.0.0.1 -::1');
    expect(config.getString('replica-priority')).toBe('7');
  });

  test('includes files, by pattern in the order of their names', () => {
    mkdirSync(join(folder, 'more'), { recursive: true });
    write('more/b.conf', 'port 2');
    write('more/a.conf', 'port 1\ntimeout 9');
    const config = loaded(`include "${folder}/more/*.conf"\ninclude ${folder}/none-*.conf\n`);
    expect(config.number('port')).toBe(2);
    expect(config.number('timeout')).toBe(9);
    expect(loaded(`port 3\ninclude ${folder}/more/b.conf`).number('port')).toBe(2);
  });
});

describe('a mistake in a redis.conf', () => {
  test('is told as Redis tells it', () => {
    expect(errorOf('port 1\n\nfoo bar\n')).toBe(
      `*** FATAL CONFIG FILE ERROR (Damselfly ${PRODUCT_VERSION}) ***\n` +
        "Reading the configuration file, at line 3\n>>> 'foo bar'\nBad directive or wrong number of arguments",
    );
  });

  test.each([
    ['port abc', "argument couldn't be parsed into an integer"],
    ['port 70000', 'argument must be between 0 and 65535 inclusive'],
    ['port', 'wrong number of arguments'],
    ['port 1 2', 'wrong number of arguments'],
    ['port 1 # comment', 'wrong number of arguments'],
    ['port "1', 'Unbalanced quotes in configuration line'],
    ['port "1"2', 'Unbalanced quotes in configuration line'],
    ['"" 5', 'Bad directive or wrong number of arguments'],
    ['include', 'Bad directive or wrong number of arguments'],
    ['include a b', 'Bad directive or wrong number of arguments'],
    ['save 900', 'Invalid save parameters'],
    ['save', 'wrong number of arguments'],
    ['maxmemory zz', 'argument must be a memory value'],
    ['daemonize maybe', "argument must be 'yes' or 'no'"],
    ['client-output-buffer-limit normal 0 0', 'Wrong number of arguments in buffer limit configuration.'],
    ['bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17', 'Too many bind addresses specified.'],
    ['unixsocketperm 999', "argument couldn't be parsed as an octal number"],
    ['unixsocketperm 7777', 'argument must be between 0 and 777 inclusive'],
    ['databases 1025', 'argument must be between 1 and 1024 inclusive'],
    ['appendfilename ""', "appendfilename can't be empty"],
    ['dbfilename a/b', "dbfilename can't be a path, just a filename"],
    ['dir /nonexistent', 'No such file or directory'],
    ['dir /etc/passwd', 'Not a directory'],
    ['supervised maybe', 'argument(s) must be one of the following: upstart, systemd, auto, no'],
    ['user alice on +nothing', "Error in user declaration 'alice': Unknown command or category name in ACL"],
    [
      'user alice (+get',
      "Error in user declaration 'alice': Unmatched parenthesis in acl selector starting at '(+get'",
    ],
    ['user "a b" on', "Error in user declaration 'a b': Spaces not allowed in ACL usernames"],
    ['user', 'Bad directive or wrong number of arguments'],
    ['rename-command CONFIG ""', 'rename-command is not supported: commands keep their names'],
    ['replicaof host 1', 'replicaof is not supported: this build cannot be a replica'],
    ['cluster-enabled yes', 'cluster-enabled is not supported: this build is no cluster node'],
  ])('%s: %s', (line, reason) => {
    expect(errorOf(line).split('\n').slice(-2)).toEqual([`>>> '${line}'`, reason]);
  });

  test('never shows a password', () => {
    expect(errorOf('requirepass secret word')).not.toContain('secret');
    expect(errorOf('requirepass "secret')).not.toContain('secret');
    expect(errorOf('"masterauth" secret x')).not.toContain('secret');
  });

  test('in an included file names that file', () => {
    const path = write('bad.conf', '\nport zz');
    expect(errorOf(`include ${path}`)).toContain(`at line 2 of ${path}\n>>> 'port zz'\n`);
  });

  test('may be a file that is not there, is a folder, or includes itself', () => {
    const missing = loadConfig({ configFile: '/nonexistent/x', readsStdin: false, directives: [] }, LIMITS);
    expect(missing).toEqual({
      ok: false,
      error: "Fatal error, can't open config file '/nonexistent/x': No such file or directory",
    });
    expect(errorOf('include /nonexistent/x')).toContain("can't open config file '/nonexistent/x'");
    expect(errorOf(`include ${folder}`)).toContain(`can't open config file '${folder}'`);
    expect(errorOf(`include ${folder}/test.conf`)).toContain('include is nested more than 16 deep');
  });
});

describe('random files', () => {
  const start = fc.oneof(fc.constantFrom(...NAMES.keys()), fc.string());
  const line = fc.tuple(start, fc.string({ unit: 'binary' })).map((words) => words.join(' '));
  const text = fc.array(line).map((lines) => new TextEncoder().encode(lines.join('\n')));

  test('load or are refused with the clear error', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        const outcome = load(bytes);
        if (!outcome.ok)
          expect(outcome.error).toMatch(/^\*\*\* FATAL CONFIG FILE ERROR|^Fatal error, can't open/);
      }),
      { numRuns: 1000 },
    );
  });
});
