/** What the append-only file costs: `everysec` against the same server without one, and `always` against redis-server,
 *  where clients wait for the disk. The file is where temporary files are. */

import { Control } from './control.ts';
import { measureLoad, runCase, withServers, type Bench, type Scenario } from './scenario.ts';
import type { Server, ServerOptions } from './server.ts';

const ALWAYS = ['--appendonly', 'yes', '--appendfsync', 'always'];
const EVERY_SECOND = ['--appendonly', 'yes', '--appendfsync', 'everysec'];

export const appendOnly: Scenario = {
  name: 'append-only',
  summary: 'appendfsync everysec against none, and always against redis-server',
  run: runAppendOnly,
};

async function runAppendOnly(bench: Bench): Promise<void> {
  for (const [binary, name] of [
    [bench.binary, 'ours'],
    [bench.redisBinary, 'redis-server'],
  ] as const) {
    for (const pipeline of [1, 16]) {
      await compare(bench, {
        name: `SET pipeline ${pipeline}, everysec, ${name}`,
        ours: { binary, cores: bench.cores.server, flags: EVERY_SECOND },
        peerName: 'without a file',
        peer: { binary, cores: bench.cores.server },
        pipeline,
        atLeast: name === 'ours' ? 0.9 : 0,
      });
    }
  }
  await compare(bench, {
    name: 'SET pipeline 1, always',
    ours: { binary: bench.binary, cores: bench.cores.server, flags: ALWAYS },
    peerName: 'redis-server',
    peer: { binary: bench.redisBinary, cores: bench.cores.server, flags: ALWAYS },
    pipeline: 1,
    atLeast: 1,
  });
}

interface Contest {
  readonly name: string;
  readonly ours: ServerOptions;
  readonly peerName: string;
  readonly peer: ServerOptions;
  readonly pipeline: number;
  readonly atLeast: number;
}

async function compare(bench: Bench, contest: Contest): Promise<void> {
  const { name, peerName, pipeline, atLeast } = contest;
  await withServers({ ours: contest.ours, peer: contest.peer }, async (ours, peer) => {
    const load = { protocol: 'resp', commands: ['set'], pipeline } as const;
    await runCase(bench, {
      scenario: 'append-only',
      case: name,
      peerName,
      ours: () => measureLoad(bench, ours, load),
      peer: () => measureLoad(bench, peer, load),
      goals: atLeast === 0 ? [] : [{ metric: 'operationsPerSecond', on: 'ratio', atLeast }],
    });
    for (const [server, options] of [
      [ours, contest.ours],
      [peer, contest.peer],
    ] as const) {
      if (options.flags !== undefined) await demandFile(server);
    }
  });
}

/** A server that writes no file would look fast. */
async function demandFile(server: Server): Promise<void> {
  const control = await Control.open(server.ports.resp);
  try {
    if ((await control.info('aof_enabled')) !== 1 || (await control.info('aof_current_size')) === 0) {
      throw new Error('the server has written nothing');
    }
  } finally {
    control.close();
  }
}
