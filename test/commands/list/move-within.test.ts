/** LMOVEM from a list to itself: its elements go by way of a copy that grows. */
import { expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

test.each(['-2', '1', '100000'])('elements go round in their own list (limit %s)', (limit) => {
  const server = new TestServer({ shardCount: 1, settings: { 'list-max-listpack-size': limit } });
  const elements = Array.from({ length: 500 }, (_, i) => (i % 3 === 0 ? String(i) : `${i}:`.repeat(i % 40)));
  const large = 'x'.repeat(70_000);
  elements.splice(7, 0, large, '');
  server.run('RPUSH', 'l', ...elements);
  server.run('LMOVEM', 'l', 'l', 'LEFT', 'RIGHT', 'COUNT', 400, 'BULK');
  const moved = [...elements.slice(400), ...elements.slice(0, 400)];
  const expected = moved.map((element) => `$${element.length}\r\n${element}\r\n`).join('');
  expect(server.run('LRANGE', 'l', 0, -1)).toBe(`*${elements.length}\r\n${expected}`);
  server.verify();
});
