import { expect, test } from 'bun:test';
import { TestServer } from '../support/test-server.ts';
test('smoke', () => {
  const server = new TestServer();
  const client = server.connectMemcached();
  for (const line of [
    'set a 5 0 3\r\nabc\r\n',
    'get a\r\n',
    'gets a b a\r\n',
    'append a 0 0 1\r\nd\r\n',
    'get a\r\n',
    'set n 0 0 2\r\n10\r\n',
    'decr n 1\r\n',
    'get n\r\n',
    'incr n 18446744073709551615\r\n',
    'mg a v k O123 s t c f h l q\r\n',
    'mg viv N30 v t c\r\n',
    'ms m 2 c k O5 T100 F17\r\nhi\r\n',
    'md m I k q\r\n',
    'mg m v\r\n',
    'ma q N0 J10 v c\r\n',
    'ma q D90 v c k\r\n',
    'me a\r\n',
    'stats\r\n',
    'set a 0 0 5\r\nabcdefgh\r\n',
    'mg YQ== b k v\r\n',
    'flush_all\r\n',
    'get a\r\n',
  ])
    console.warn(JSON.stringify(line), JSON.stringify(client.send(line)));
  server.verify();
  expect(1).toBe(1);
});
