/** Whether an address is free: told without listening on it. */

import { expect, test } from 'bun:test';
import { checkAddress } from '../../src/server/system/address-check.ts';
import { findFreePort } from '../support/free-port.ts';

const FREE = { reason: '', isTaken: false };

test('a free port is free, however the address is written', async () => {
  const port = findFreePort();
  for (const host of ['127.0.0.1', '0.0.0.0', '::1', '::', 'localhost']) {
    expect(await checkAddress(host, port)).toEqual(FREE);
  }
});

test('a port that another listens on is taken, even if it would share it', async () => {
  for (const [hostname, hosts] of [
    ['127.0.0.1', ['127.0.0.1', '0.0.0.0', 'localhost']],
    ['::1', ['::1', '::']],
  ] as const) {
    const options = { hostname, port: 0, reusePort: true, socket: { data() {} } };
    const listener = Bun.listen(options);
    for (const host of hosts) {
      const outcome = await checkAddress(host, listener.port);
      expect({ host, ...outcome }).toEqual({ host, reason: 'the port is already in use', isTaken: true });
    }
    listener.stop(true);
  }
});

test('an address that is not of this machine is refused, and nobody has taken it', async () => {
  const outcome = await checkAddress('192.0.2.1', findFreePort());
  expect(outcome.reason).not.toBe('');
  expect(outcome.isTaken).toBe(false);
});
