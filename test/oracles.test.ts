/** The oracles themselves start, answer, and leave nothing behind. */

import { RedisClient } from 'bun';
import { describe, expect, test } from 'bun:test';
import { isOracleMissing, startOracle } from './support/oracles.ts';

describe.skipIf(isOracleMissing('redis-server'))('redis-server as an oracle', () => {
  test('starts on a free port, answers, and is gone after stop', async () => {
    const oracle = await startOracle('redis-server');
    const client = new RedisClient(`redis://127.0.0.1:${oracle.port}`);
    expect(await client.send('DEBUG', ['SET-ACTIVE-EXPIRE', '1'])).toBe('OK');
    expect(await client.set('key', 'value')).toBe('OK');
    client.close();
    await oracle.stop();
    expect(isListening(oracle.port)).rejects.toThrow();
  });

  test('takes further flags, and two of them run side by side', async () => {
    const [one, other] = await Promise.all([
      startOracle('redis-server', ['--databases', '3']),
      startOracle('redis-server'),
    ]);
    const client = new RedisClient(`redis://127.0.0.1:${one.port}`);
    expect(await client.send('CONFIG', ['GET', 'databases'])).toEqual({ databases: '3' });
    client.close();
    expect(one.port).not.toBe(other.port);
    await Promise.all([one.stop(), other.stop()]);
  });
});

describe.skipIf(isOracleMissing('memcached'))('memcached as an oracle', () => {
  test('starts on a free port and is gone after stop', async () => {
    const oracle = await startOracle('memcached');
    await isListening(oracle.port);
    await oracle.stop();
    expect(isListening(oracle.port)).rejects.toThrow();
  });
});

async function isListening(port: number): Promise<void> {
  const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } });
  socket.end();
}

describe('a machine without the oracles', () => {
  const askWithEmptyPath = (ci: string): { exitCode: number; output: string } => {
    const script = `import { isOracleMissing } from './support/oracles.ts'; process.exit(isOracleMissing('memcached') ? 3 : 0);`;
    const run = Bun.spawnSync([process.execPath, '-e', script], {
      cwd: import.meta.dir,
      env: { PATH: '/nonexistent', CI: ci },
    });
    return { exitCode: run.exitCode, output: run.stderr.toString() };
  };

  test('skips and says why', () => {
    const { exitCode, output } = askWithEmptyPath('');
    expect(exitCode).toBe(3);
    expect(output).toContain('skipped: memcached is not on PATH');
  });

  test('fails under CI', () => {
    const { exitCode, output } = askWithEmptyPath('true');
    expect(exitCode).toBe(1);
    expect(output).toContain('an oracle is missing under CI');
  });
});
