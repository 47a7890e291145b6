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
