import { expect, test } from 'bun:test';
import { TestServer } from '../support/test-server.ts';

test('GET answers what SET stored', () => {
  const server = new TestServer();
  expect(server.run('GET', 'k')).toBe('$-1\r\n');
  expect(server.run('SET', 'k', 'v')).toBe('+OK\r\n');
  expect(server.run('GET', 'k')).toBe('$1\r\nv\r\n');
  server.verify();
});
