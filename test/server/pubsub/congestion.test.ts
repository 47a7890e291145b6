import { afterEach, beforeEach, expect, test } from 'bun:test';
import { TestWorkers } from '../../support/test-workers.ts';

let workers: TestWorkers;
beforeEach(() => {
  workers = new TestWorkers(2);
});
afterEach(() => workers.close());

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000 && !condition(); turn++) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

test('who publishes waits for a worker that does not keep up, and nobody else', async () => {
  const [publisher, bystander, listener] = [workers.connect(0), workers.connect(0), workers.connect(1)];
  listener.run('SUBSCRIBE', 'a');
  listener.socket.output = '';
  const message = 'x'.repeat(2 << 20);
  let sent = 0;
  // The other worker, which is this very thread, takes nothing meanwhile.
  while (!publisher.connection.waiting && sent < 100) {
    publisher.run('PUBLISH', 'a', message);
    sent++;
  }
  expect(sent).toBeGreaterThan(20);
  expect(sent).toBeLessThan(50);
  bystander.run('PING');
  expect(bystander.connection.waiting).toBe(false);
  await until(() => !publisher.connection.waiting);
  await until(() => listener.socket.output.length > sent * message.length);
  expect(listener.socket.output.split('$7\r\nmessage').length - 1).toBe(sent);
  publisher.run('PUBLISH', 'a', 'x');
  expect(publisher.connection.waiting).toBe(false);
}, 20_000);

test('a script that publishes without end has those of other workers cut off who are owed too much, and no others', async () => {
  const [listener, byPattern, other] = [workers.connect(1), workers.connect(1), workers.connect(1)];
  listener.run('SUBSCRIBE', 'a');
  byPattern.run('PSUBSCRIBE', 'a*');
  other.run('SUBSCRIBE', 'b');
  const publisher = workers.connect(0);
  const { mesh } = workers.engines[0]!;
  const tell = mesh.tell.bind(mesh);
  let sentBytes = 0;
  mesh.tell = (port, topic, text) => {
    sentBytes += text.length;
    tell(port, topic, text);
  };
  const script = `for i = 1, 600 do redis.call('PUBLISH', 'a', ARGV[1]) end return redis.call('PUBLISH', 'b', 'x')`;
  publisher.run('EVAL', script, 0, 'm'.repeat(1 << 20));
  await until(() => publisher.socket.output === ':1\r\n');
  // Without an end there would have been 600 MB.
  expect(sentBytes).toBeGreaterThan(32 << 20);
  expect(sentBytes).toBeLessThan(80 << 20);
  await until(() => listener.connection.closed && byPattern.connection.closed);
  await until(() => other.socket.output.endsWith('$1\r\nx\r\n'));
  expect(other.connection.closed).toBe(false);
}, 60_000);
