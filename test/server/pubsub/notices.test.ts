import { expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import { Notices } from '../../../src/server/pubsub/notices.ts';
import { Key } from '../../../src/store/key.ts';
import { TestServer } from '../../support/test-server.ts';

const KEYS = 50_000;

test('a command that changes many keys takes time in proportion, and each is told of once', () => {
  const { keyspace, registry, pubsub } = new TestServer().engine;
  const notices = new Notices(keyspace, pubsub, { observers: 0 });
  let told = 0;
  pubsub.publish = () => ++told;
  notices.configure('Kg', 16);
  const start = performance.now();
  const outer = notices.begin();
  const key = new Key(keyspace.shards[0]!);
  for (let index = 0; index < KEYS * 2; index++) {
    key.bytes = Bytes.fromText(`key:${index % KEYS}`);
    key.byteCount = key.bytes.u8.length;
    notices.onTouched(key);
  }
  notices.end(outer, registry.byName.get('del')!, {
    source: Bytes.fromText('DEL'),
    args: new Int32Array([0, 3]),
    count: 1,
  });
  notices.configure('', 16);
  expect(told).toBe(KEYS);
  // Looking through all of them for each took 10 seconds and more; this takes about 0.1.
  expect(performance.now() - start).toBeLessThan(3000);
});
