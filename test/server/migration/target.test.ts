/** A server to migrate to that does not answer as one does. */
import { expect, test } from 'bun:test';
import { Target, TargetError } from '../../../src/server/migration/target.ts';

test('an answer without an end is given up before it fills the memory', async () => {
  const flood = Buffer.alloc(1 << 20, 0x2b);
  let sentBytes = 0;
  const send = (socket: Bun.Socket<undefined>): void => {
    for (let taken = 1; taken > 0 && sentBytes < 256 << 20; sentBytes += Math.max(taken, 0)) {
      taken = socket.write(flood);
    }
  };
  const listener = Bun.listen<undefined>({
    hostname: '127.0.0.1',
    port: 0,
    socket: { open: send, drain: send, data: () => {}, close: () => {} },
  });
  const target = await Target.connect('127.0.0.1', listener.port, 500);
  await expect(target.readLine()).rejects.toThrow(TargetError);
  target.close();
  listener.stop(true);
  expect(sentBytes).toBeLessThan(32 << 20);
});
