#!/usr/bin/env bun
/** Snapshots on a disk that is really full: mounts a small one in memory, which needs root, and saves until nothing more
 *  fits. `bun scripts/full-disk.ts --rounds 20`. The tests do the same with a limit on the size of files. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RealClient, startRealServer } from '../test/support/real-server.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const DISK_MEGABYTES = 8;

function run(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`${words.join(' ')}: ${stderr.toString()}`);
}

function demand(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what);
}

const folder = mkdtempSync(join(tmpdir(), 'full-disk-'));
run('mount', '-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m`, 'tmpfs', folder);
try {
  const flags = [
    '--dir',
    folder,
    '--dbfilename',
    'dump.rdb',
    '--save',
    '3600 1',
    '--enable-debug-command',
    'yes',
  ];
  const server = await startRealServer([...flags, '--rdbcompression', 'no']);
  const client = await RealClient.open(server.port);
  for (let round = 0; round < Number(values.rounds); round++) {
    await client.ask('SET', 'round', round);
    demand((await client.ask('SAVE')) === '+OK\r\n', 'a small snapshot fits');
    const before = readFileSync(join(folder, 'dump.rdb'));
    await client.ask('DEBUG', 'POPULATE', 20_000 * (round + 1), `key${round}`, 500);
    demand((await client.ask('SAVE')) === '-ERR\r\n', 'a large one does not');
    demand(readdirSync(folder).join() === 'dump.rdb', 'nothing else is left behind');
    demand(readFileSync(join(folder, 'dump.rdb')).equals(before), 'the old file is whole');
    demand((await client.ask('SET', 'round', 'x')).startsWith('-MISCONF'), 'writes are refused');
    demand((await client.ask('GET', 'round')).endsWith(`\r\n${round}\r\n`), 'reads go on');
    await client.ask('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no');
    await client.ask('FLUSHALL');
    for (let answer = ''; answer !== '+OK\r\n';) answer = await client.ask('SAVE');
    await client.ask('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'yes');
    console.log(`round ${round}: good`);
  }
  client.close();
  await server.stop();
} finally {
  run('umount', folder);
  rmSync(folder, { recursive: true });
}
