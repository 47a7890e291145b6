/** One set named several times in one request is read once. */
import { expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

test('sets that are named again change nothing but a difference with itself', () => {
  const server = new TestServer({ shardCount: 4 });
  server.run('SADD', 'a', '1', '2', '3');
  server.run('SADD', 'b', '2', '3', 'x');
  const members = (...parts: string[]) =>
    server
      .run(...parts)
      .split('\r\n')
      .filter((line) => /^[^*$]/.test(line))
      .sort();
  expect(members('SINTER', 'a', 'b', 'a', 'b')).toEqual(['2', '3']);
  expect(members('SUNION', 'a', 'b', 'a', 'a')).toEqual(['1', '2', '3', 'x']);
  expect(members('SDIFF', 'a', 'b', 'b')).toEqual(['1']);
  expect(server.run('SDIFF', 'a', 'b', 'a')).toBe('*0\r\n');
  expect(server.run('SDIFF', 'none', 'a', 'a')).toBe('*0\r\n');
  expect(server.run('SINTER', 'a', 'a', 'none')).toBe('*0\r\n');
  expect(server.run('SINTERCARD', 3, 'a', 'a', 'a')).toBe(':3\r\n');
  expect(server.run('SUNIONSTORE', 'a', 'a', 'a', 'b')).toBe(':4\r\n');
  expect(server.run('SDIFFSTORE', 'a', 'a', 'a')).toBe(':0\r\n');
  expect(server.run('EXISTS', 'a')).toBe(':0\r\n');
});

test('a set that is named very often takes no memory each time', () => {
  const server = new TestServer({ shardCount: 1 });
  server.run('SADD', 'a', ...Array.from({ length: 128 }, (_, i) => `member ${i}`));
  const keys = Array.from({ length: 50_000 }, () => 'a');
  const before = process.memoryUsage.rss();
  for (const name of ['SINTER', 'SUNION']) expect(server.run(name, ...keys)).toStartWith('*128\r\n');
  expect(process.memoryUsage.rss() - before).toBeLessThan(300e6);
});
