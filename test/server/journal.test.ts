/** What the journal is told. */
import { expect, test } from 'bun:test';
import { TestServer } from '../support/test-server.ts';

test('a command that has changed something is journaled also if its reply was too large', () => {
  const settings = { 'client-output-buffer-limit': 'normal 1 0 0' };
  const server = new TestServer({ shardCount: 1, shardBytes: 128 << 20, settings });
  const journaled: string[] = [];
  server.engine.dispatcher.journal = {
    append: (call) => journaled.push(call.row.name),
    appendServed: () => {},
  };
  for (let i = 0; i < 20; i++) server.run('RPUSH', 'a', 'x'.repeat(1_000_000));
  const client = server.connect();
  client.run('LMOVEM', 'a', 'b', 'LEFT', 'RIGHT', 'COUNT', 20, 'BULK');
  expect(client.socket.ended).toBe(true);
  expect(server.run('LLEN', 'b')).toBe(':20\r\n');
  expect(journaled.at(-1)).toBe('LMOVEM');
  server.verify();
});
