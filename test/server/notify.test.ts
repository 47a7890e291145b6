import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notifyManager } from '../../src/server/system/notify.ts';

/** Bun cannot receive on a unix datagram socket, so Python plays the service manager. */
const PYTHON = Bun.which('python3');
const RECEIVER = `
import socket, sys
name = sys.argv[1]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind('\\0' + name[1:] if name[0] == '@' else name)
manager.settimeout(5)
print('bound', flush=True)
print(manager.recv(4096).decode(), end='')
`;

async function receive(name: string, send: () => void): Promise<string> {
  const manager = Bun.spawn([PYTHON ?? 'python3', '-c', RECEIVER, name], { stdout: 'pipe' });
  let text = '';
  for await (const chunk of manager.stdout.pipeThrough(new TextDecoderStream())) {
    if (text === '') send();
    text += chunk;
  }
  return text;
}

describe.skipIf(PYTHON === null)('the service manager (skipped without python3)', () => {
  test('is told at a path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damselfly-notify-'));
    const name = join(folder, 'notify');
    const text = await receive(name, () => expect(notifyManager('READY=1\nSTATUS=ü', name)).toBe('sent'));
    expect(text).toBe('bound\nREADY=1\nSTATUS=ü');
    rmSync(folder, { recursive: true });
  });

  test('is told at an abstract name', async () => {
    const name = `@damselfly-notify-${process.pid}`;
    const text = await receive(name, () => expect(notifyManager('STOPPING=1', name)).toBe('sent'));
    expect(text).toBe('bound\nSTOPPING=1');
  });
});

test('nothing is sent when nobody asks, and an unreachable or impossible name is a failure', () => {
  expect(notifyManager('READY=1', '')).toBe('absent');
  expect(notifyManager('READY=1', '/nonexistent/notify')).toBe('failed');
  expect(notifyManager('READY=1', 'vsock:2:1234')).toBe('failed');
  expect(notifyManager('READY=1', `/${'x'.repeat(200)}`)).toBe('failed');
});
