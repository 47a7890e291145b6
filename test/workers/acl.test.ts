/** Access control of a server with four workers: what one of them is told, all of them enforce. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RealClient, type RealServer, startRealServer } from '../support/real-server.ts';
import { parseReply, type Reply } from '../support/reply.ts';

const CLIENTS = 24;
const ROUNDS = 20;

async function ask(client: RealClient, ...parts: string[]): Promise<Reply> {
  client.received = '';
  client.send(...parts);
  await client.until(() => client.closed || parseReply(client.received) !== null);
  return parseReply(client.received)?.value ?? null;
}

describe('four workers', () => {
  let server: RealServer;
  let folder = '';
  const open: RealClient[] = [];
  const connect = async (): Promise<RealClient> => {
    const client = await RealClient.open(server.port);
    open.push(client);
    return client;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'acl-workers-'));
    const config = join(folder, 'redis.conf');
    writeFileSync(config, 'user alice on >secret ~a* +@read (+set ~b)\nuser default on nopass ~* &* +@all\n');
    server = await startRealServer(['--include', config, '--threads', '4']);
  }, 20_000);

  afterAll(async () => {
    for (const client of open) client.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  test('users of redis.conf are known to all', async () => {
    for (let i = 0; i < CLIENTS; i++) {
      const client = await connect();
      expect(await ask(client, 'AUTH', 'alice', 'secret')).toBe('OK');
      expect([await ask(client, 'GET', 'a'), await ask(client, 'SET', 'b', '1')]).toEqual([null, 'OK']);
      expect(await ask(client, 'SET', 'a', '1')).toHaveProperty('error');
    }
  }, 20_000);

  test('when SETUSER is answered, every worker enforces it', async () => {
    const admins = [await connect(), await connect(), await connect()];
    const clients: RealClient[] = [];
    for (let i = 0; i < CLIENTS; i++) clients.push(await connect());
    await ask(admins[0]!, 'ACL', 'SETUSER', 'u', 'on', 'nopass', '+get', '~*');
    for (const client of clients) expect(await ask(client, 'AUTH', 'u', 'x')).toBe('OK');
    for (let round = 0; round < ROUNDS; round++) {
      const isAllowed = round % 2 === 1;
      const admin = admins[round % admins.length]!;
      expect(await ask(admin, 'ACL', 'SETUSER', 'u', isAllowed ? '+get' : '-get')).toBe('OK');
      const replies = await Promise.all(clients.map((client) => ask(client, 'GET', 'x')));
      for (const reply of replies) {
        if (isAllowed) expect(reply).toBeNull();
        else expect(reply).toHaveProperty('error');
      }
    }
    const log = (await ask(admins[1]!, 'ACL', 'LOG')) as Reply[][];
    expect(log.find((entry) => entry[9] === 'u')?.[1]).toBe((CLIENTS * ROUNDS) / 2);
    expect(await ask(admins[2]!, 'INFO', 'stats')).toContain(
      `acl_access_denied_cmd:${(CLIENTS * ROUNDS) / 2}\r\n`,
    );
    expect(await ask(admins[0]!, 'ACL', 'DELUSER', 'u')).toBe(1);
    await Promise.all(clients.map((client) => client.until(() => client.closed)));
  }, 20_000);

  test('SETUSERs of one user at the same time all count', async () => {
    const admins = await Promise.all(Array.from({ length: 8 }, () => connect()));
    await Promise.all(admins.map((admin, index) => ask(admin, 'ACL', 'SETUSER', 'many', `~key${index}`)));
    for (const admin of admins) {
      const user = (await ask(admin, 'ACL', 'GETUSER', 'many')) as Reply[];
      expect(String(user[7]).split(' ').sort()).toEqual(admins.map((_, index) => `~key${index}`));
    }
  });
});
