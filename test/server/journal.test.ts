/** What the journal is told. */
import { expect, test } from 'bun:test';
import { TestServer } from '../support/test-server.ts';

test('a command that has changed something is journaled also if its reply was too large', () => {
  const server = new TestServer({ shardCount: 1 });
  server.engine.dispatcher.reply.bytesMax = 1_500_000;
  const journaled: string[] = [];
  server.engine.dispatcher.journal = {
    append: (call) => journaled.push(call.row.name),
    appendServed: () => {},
  };
  for (let i = 0; i < 20; i++) server.run('RPUSH', 'a', 'x'.repeat(100_000));
  const reply = server.run('LMOVEM', 'a', 'b', 'LEFT', 'RIGHT', 'COUNT', 20, 'BULK');
  expect(reply).toBe('-ERR reply is too large\r\n');
  expect(server.run('LLEN', 'b')).toBe(':20\r\n');
  expect(journaled.at(-1)).toBe('LMOVEM');
  server.verify();
});
