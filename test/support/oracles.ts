/** Oracles: the real redis-server and memcached, which differential tests compare ours with.
 *
 *  A test that needs one says `describe.skipIf(isOracleMissing('redis-server'))(…)`. Without the program on PATH it is
 *  skipped and the reason printed, except under CI, where a missing oracle is a failure: .ci/run installs them.
 *  Each oracle is a process of its own on a free loopback port, keeps nothing on disk, and is stopped by its id. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from './free-port.ts';

export type OracleProgram = 'redis-server' | 'memcached';

export interface Oracle {
  readonly port: number;
  /** Ends the process and removes its folder. Call it in `afterAll`. */
  stop(): Promise<void>;
}

const START_ATTEMPTS_MAX = 5;
const START_WAIT_MS_MAX = 5_000;
const POLL_MS = 10;

/** A test run that breaks off must not leave servers behind, and `bun test` runs no exit handlers: the kernel does it. */
const DIE_WITH_PARENT = Bun.which('setpriv') === null ? [] : ['setpriv', '--pdeathsig', 'KILL'];

const programsReportedMissing = new Set<OracleProgram>();

/** True if `program` is not installed and the tests that need it are to be skipped. Throws instead under CI. */
export function isOracleMissing(program: OracleProgram): boolean {
  if (Bun.which(program) !== null) return false;
  const reason = `${program} is not on PATH (Debian: apt-get install ${program})`;
  if (isContinuousIntegration()) throw new Error(`an oracle is missing under CI: ${reason}`);
  if (!programsReportedMissing.has(program)) console.warn(`skipped: ${reason}`);
  programsReportedMissing.add(program);
  return true;
}

/** Starts `program` on a free port of 127.0.0.1 and returns when it answers. `flags` are added to its command line. */
export async function startOracle(program: OracleProgram, flags: string[] = []): Promise<Oracle> {
  for (let attempt = 1; attempt <= START_ATTEMPTS_MAX; attempt++) {
    // Another process may take the port between our look and the start: then try another one.
    const oracle = await tryStartOracle(program, findFreePort(), flags);
    if (oracle !== null) return oracle;
  }
  throw new Error(`${program} did not start in ${START_ATTEMPTS_MAX} attempts`);
}

async function tryStartOracle(program: OracleProgram, port: number, flags: string[]): Promise<Oracle | null> {
  const folder = mkdtempSync(join(tmpdir(), `${program}-`));
  const child = Bun.spawn([...DIE_WITH_PARENT, program, ...commandLine(program, port), ...flags], {
    cwd: folder,
    // Redis sorts text by the locale; ours by bytes.
    env: { ...process.env, LC_ALL: 'C' },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const stop = async (): Promise<void> => {
    // There is nothing to save, and on a polite request memcached takes a second.
    child.kill('SIGKILL');
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const deadlineMs = performance.now() + START_WAIT_MS_MAX;
  while (child.exitCode === null && performance.now() < deadlineMs) {
    if (await answers(program, port)) return { port, stop };
    await Bun.sleep(POLL_MS);
  }
  await stop();
  return null;
}

function commandLine(program: OracleProgram, port: number): string[] {
  if (program === 'redis-server') {
    const quiet = ['--save', '', '--appendonly', 'no', '--loglevel', 'warning'];
    return ['--port', `${port}`, '--bind', '127.0.0.1', '--enable-debug-command', 'yes', ...quiet];
  }
  // memcached refuses to run as root unless it is told which user to be.
  const user = userInfo().uid === 0 ? ['-u', 'root'] : [];
  return ['-l', '127.0.0.1', '-p', `${port}`, '-U', '0', ...user];
}

/** True if a server on `port` gives the program's own answer, so that a stranger on the port is not mistaken for it. */
function answers(program: OracleProgram, port: number): Promise<boolean> {
  const [question, answer] = program === 'redis-server' ? ['PING\r\n', '+PONG'] : ['version\r\n', 'VERSION '];
  return new Promise((resolve) => {
    const refuse = (): void => resolve(false);
    Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: (socket) => void socket.write(question),
        data(socket, bytes) {
          resolve(bytes.toString('latin1').startsWith(answer));
          socket.end();
        },
        close: refuse,
        error: refuse,
        connectError: refuse,
      },
    }).catch(refuse);
  });
}

function isContinuousIntegration(): boolean {
  const value = process.env['CI'];
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}
