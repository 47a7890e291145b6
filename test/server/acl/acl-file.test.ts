import { afterAll, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandSets } from '../../../src/commands/acl/command-sets.ts';
import { FAMILIES } from '../../../src/commands/families.ts';
import { Registry } from '../../../src/commands/registry.ts';
import { parseAclFile, readAclFile, writeAclFile } from '../../../src/server/acl/acl-file.ts';
import { runToEnd } from '../../support/real-server.ts';
import { type TestClient, TestServer } from '../../support/test-server.ts';

const sets = new CommandSets(new Registry(FAMILIES));
const folder = mkdtempSync(join(tmpdir(), 'acl-file-'));
const UNCHANGED = 'WARNING: ACL errors detected, no change to the previously active ACL rules was performed';
afterAll(() => rmSync(folder, { recursive: true }));

function errorOf(text: string): string {
  const outcome = parseAclFile(text, 'f', sets, false);
  return 'error' in outcome ? outcome.error : '';
}

/** Runs a command whose reply may come later. */
async function run(client: TestClient, ...parts: string[]): Promise<string> {
  client.run(...parts);
  for (let turn = 0; client.socket.output === '' && turn < 100; turn++) await Bun.sleep(0);
  return client.socket.output;
}

describe('an ACL file', () => {
  test('has a user in each line that is not empty', () => {
    const outcome = parseAclFile('\n  user a on +@all   ~*  \r\nuser b (+get ~x)\n', 'f', sets, false);
    expect('users' in outcome && outcome.users.map((user) => user.describe(sets))).toEqual([
      'user a on ~* resetchannels +@all',
      'user b off resetchannels -@all (~x resetchannels -@all +get)',
    ]);
  });

  test.each([
    ['# comment', `f:1 should start with user keyword followed by the username. ${UNCHANGED}`],
    ['user', `f:1 should start with user keyword followed by the username. ${UNCHANGED}`],
    ['user a on\nuser a off', `WARNING: Duplicate user 'a' found on line 2. ${UNCHANGED}`],
    ['\nuser "a b" on', `f:2: Syntax error. ${UNCHANGED}`],
    ['user a (+get', `f:1: Unmatched parenthesis in selector definition. ${UNCHANGED}`],
    [
      'user a +nosuch ~a\x01 bad worse -nosuch',
      "f:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. f:1: Syntax error. " +
        `f:1: Error in applying operation '-nosuch': Unknown command or category name in ACL. ${UNCHANGED}`,
    ],
  ])('%j is refused with the line', (text, error) => {
    expect(errorOf(text)).toBe(error);
  });

  test('that cannot be read is told by its reason', () => {
    expect(readAclFile(join(folder, 'missing'), sets, false)).toEqual({
      error: `Error loading ACLs, opening file '${join(folder, 'missing')}': No such file or directory`,
    });
    expect(readAclFile(folder, sets, false)).toHaveProperty('error');
  });
});

describe('writing it', () => {
  test('keeps the mode, follows a link, and leaves nothing beside it', () => {
    const path = join(folder, 'users.acl');
    const link = join(folder, 'link.acl');
    writeFileSync(path, 'old\n');
    chmodSync(path, 0o640);
    symlinkSync(path, link);
    writeAclFile(link, ['user \xff on']);
    expect(readFileSync(path, 'latin1')).toBe('user \xff on\n');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readFileSync(link, 'latin1')).toBe('user \xff on\n');
    expect(readdirSync(folder).sort()).toEqual(['link.acl', 'users.acl']);
  });

  test('a new file is for its owner alone', () => {
    const path = join(folder, 'new.acl');
    writeAclFile(path, []);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('that fails leaves the old one', () => {
    expect(() => writeAclFile(join(folder, 'nowhere', 'users.acl'), ['x'])).toThrow();
    expect(readdirSync(folder)).not.toContain('nowhere');
  });
});

describe('a server with an ACL file', () => {
  test('loads it at its start, saves to it, and loads all of it or nothing', async () => {
    const path = join(folder, 'server.acl');
    writeFileSync(
      path,
      'user default on nopass ~* &* +@all\nuser a on nopass +ping\nuser b on nopass +ping\n',
    );
    const server = new TestServer({ settings: { aclfile: path } });
    const [a, b] = [server.connect(), server.connect()];
    expect([a.run('AUTH', 'a', ''), b.run('AUTH', 'b', '')]).toEqual(['+OK\r\n', '+OK\r\n']);
    await run(server.client, 'ACL', 'SETUSER', 'c', 'on', '>pw', '%R~x', '+get');
    expect(await run(server.client, 'ACL', 'SAVE')).toBe('+OK\r\n');
    const list = await run(server.client, 'ACL', 'LIST');
    expect(readFileSync(path, 'latin1').split('\n')).toContain(
      'user c on #30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4 %R~x resetchannels -@all +get',
    );
    expect(await run(server.client, 'ACL', 'LOAD')).toBe('+OK\r\n');
    expect(await run(server.client, 'ACL', 'LIST')).toBe(list);
    expect([a.socket.ended, b.socket.ended]).toEqual([false, false]);

    writeFileSync(path, 'user a on nopass +ping\nuser d +nosuch\n');
    expect(await run(server.client, 'ACL', 'LOAD')).toContain(`-ERR ${path}:2: Error in applying operation`);
    expect(await run(server.client, 'ACL', 'LIST')).toBe(list);

    writeFileSync(path, 'user a on nopass +ping\n');
    expect(await run(server.client, 'ACL', 'LOAD')).toBe('+OK\r\n');
    expect([a.run('PING'), a.socket.ended, b.socket.ended]).toEqual(['+PONG\r\n', false, true]);
    expect(await run(server.client, 'ACL', 'USERS')).toBe('*2\r\n$1\r\na\r\n$7\r\ndefault\r\n');
    rmSync(path);
    expect(await run(server.client, 'ACL', 'LOAD')).toContain('No such file or directory');
    expect(await run(server.client, 'ACL', 'USERS')).toBe('*2\r\n$1\r\na\r\n$7\r\ndefault\r\n');
  });

  test('does not start when the file is missing or wrong, or when there are user directives too', async () => {
    const path = join(folder, 'bad.acl');
    const missing = await runToEnd(['--aclfile', join(folder, 'missing'), '--port', '1']);
    expect(missing.exitCode).toBe(1);
    expect(missing.output).toContain('No such file or directory');
    writeFileSync(path, 'user a +nosuch\n');
    const wrong = await runToEnd(['--aclfile', path, '--port', '1']);
    expect(wrong.exitCode).toBe(1);
    expect(wrong.output).toContain(`${path}:1: Error in applying operation '+nosuch'`);
    const config = join(folder, 'both.conf');
    writeFileSync(config, `port 1\nuser a on +get\naclfile ${path}\n`);
    const both = await runToEnd([config]);
    expect(both.exitCode).toBe(1);
    expect(both.output).toContain('use one of them');
  }, 30_000);
});
