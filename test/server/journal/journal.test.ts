/** What the journal is told. */
import { expect, test } from 'bun:test';
import { NO_JOURNAL } from '../../../src/server/journal/journal.ts';
import { servedEffect } from '../../support/effects.ts';
import { TestServer } from '../../support/test-server.ts';

test('a move whose reply would be too large changes nothing, and is not journaled', () => {
  const server = new TestServer({ shardCount: 1 });
  server.engine.dispatcher.reply.bytesMax = 1_500_000;
  const journaled: string[] = [];
  server.engine.dispatcher.journal = {
    ...NO_JOURNAL,
    append: (call) => journaled.push(call.row.name),
    appendServed: () => {},
  };
  for (let i = 0; i < 20; i++) server.run('RPUSH', 'a', 'x'.repeat(100_000));
  const reply = server.run('LMOVEM', 'a', 'b', 'LEFT', 'RIGHT', 'COUNT', 20, 'BULK');
  expect(reply).toBe('-ERR reply is too large\r\n');
  expect(server.run('LLEN', 'a')).toBe(':20\r\n');
  expect(server.run('EXISTS', 'b')).toBe(':0\r\n');
  expect(journaled.at(-1)).toBe('RPUSH');
  server.verify();
});

test('what was popped for a client that waited is journaled with a count that is an integer', () => {
  const server = new TestServer();
  const journaled: string[] = [];
  server.engine.dispatcher.journal = {
    ...NO_JOURNAL,
    append: () => {},
    appendServed: (served) => journaled.push(servedEffect(served)),
  };
  const count = '9223372036854775807';
  server.connect().run('BZMPOP', 0, 1, 'z', 'MIN', 'COUNT', count);
  server.connect().run('BLMPOP', 0, 1, 'l', 'LEFT', 'COUNT', count);
  server.run('ZADD', 'z', 1, 'x');
  server.run('RPUSH', 'l', 'x');
  expect(journaled).toEqual(['ZMPOP 1 z MIN COUNT 2147483647', 'LMPOP 1 l LEFT COUNT 2147483647']);
});
