/** A server that has lost a worker, or whose memory broke an invariant, must end and say so: somebody restarts it. */

import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { findFreePort } from '../support/free-port.ts';
import { RealClient } from '../support/real-server.ts';

const SERVER = join(import.meta.dir, '../support/crashing-server.ts');

test.each([
  ['assertion', 'an invariant is broken'],
  ['timer', 'in a timer'],
  ['promise', 'in a promise'],
  ['exit', 'a worker ended'],
  ['keeper', 'in the thread that keeps'],
])(
  'a failure of a worker by way of %s ends the process with code 1 and is logged',
  async (way, text) => {
    const port = findFreePort();
    const child = Bun.spawn([process.execPath, SERVER, `${port}`], {
      env: { ...process.env, CRASH: way },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    let client = await RealClient.open(port);
    for (let attempt = 0; client.error !== '' && attempt < 500; attempt++) {
      await Bun.sleep(10);
      client = await RealClient.open(port);
    }
    client.socket.write('PING\r\n');
    const texts = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect(await child.exited).toBe(1);
    expect(texts.join('')).toContain(text);
    client.close();
  },
  15_000,
);
