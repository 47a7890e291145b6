/** Job queues on a server that speaks Redis' protocol: BullMQ, and Celery where Debian has installed it. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlowProducer, Job, Queue, QueueEvents, Worker } from 'bullmq';

/** Another Python on PATH would not see Debian's packages. */
const DEBIAN_PYTHON = '/usr/bin/python3';

const CELERY_APP = `
from celery import Celery, chain, group
app = Celery('tasks', broker='redis://127.0.0.1:PORT/0', backend='redis://127.0.0.1:PORT/1')
app.conf.task_default_queue = 'damselfly'

@app.task
def add(a, b):
    return a + b

@app.task(bind=True, max_retries=3)
def unsteady(self, key):
    attempts = self.backend.client.incr(key)
    if attempts < 3:
        raise self.retry(countdown=0)
    return int(attempts)
`;

const CELERY_CLIENT = `
from tasks import add, unsteady
from celery import chain, group
assert add.delay(2, 3).get(timeout=20) == 5, 'one task'
assert group(add.s(i, i) for i in range(10)).apply_async().get(timeout=20) == [2 * i for i in range(10)], 'a group'
assert chain(add.s(1, 2), add.s(10), add.s(100)).apply_async().get(timeout=20) == 113, 'a chain'
assert unsteady.delay('attempts').get(timeout=20) == 3, 'retries'
assert add.apply_async((1, 1), countdown=1).get(timeout=20) == 2, 'a task for later'
print('all well')
`;

function expectThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** Jobs added and processed, delayed, retried, failed for good, in priority order, and a flow of a parent and children. */
export async function checkBullMq(port: number): Promise<void> {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const queue = new Queue('jobs', { connection });
  // From the first event on: the job may be done before they are read.
  const events = new QueueEvents('jobs', { connection, lastEventId: '0' });
  const flows = new FlowProducer({ connection });
  const processed: string[] = [];
  const run = async (job: Job): Promise<unknown> => {
    processed.push(job.name);
    if (job.name === 'unsteady' && job.attemptsMade < 2) throw new Error('not yet');
    if (job.name === 'hopeless') throw new Error('never');
    if (job.name === 'parent') return Object.values(await job.getChildrenValues()).length;
    return job.data;
  };
  const worker = new Worker('jobs', run, { connection, concurrency: 1 });
  try {
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);
    const plain = await queue.add('plain', { number: 1 });
    expectThat((await plain.waitUntilFinished(events, 10_000)).number === 1, 'a job returns its data');
    const startedMs = Date.now();
    const later = await queue.add('later', {}, { delay: 300 });
    await later.waitUntilFinished(events, 10_000);
    expectThat(Date.now() - startedMs >= 290, 'a delayed job waits');
    const unsteady = await queue.add('unsteady', {}, { attempts: 3, backoff: { type: 'fixed', delay: 20 } });
    await unsteady.waitUntilFinished(events, 10_000);
    expectThat(processed.filter((name) => name === 'unsteady').length === 3, 'a job is retried');
    const hopeless = await queue.add('hopeless', {}, { attempts: 1 });
    const failure = await hopeless.waitUntilFinished(events, 10_000).catch((error: Error) => error.message);
    expectThat(failure === 'never', 'a job fails');
    const flow = await flows.add({
      name: 'parent',
      queueName: 'jobs',
      children: [1, 2, 3].map((number) => ({ name: 'child', queueName: 'jobs', data: { number } })),
    });
    expectThat((await flow.job.waitUntilFinished(events, 10_000)) === 3, 'a flow gathers its children');
    const many = await queue.addBulk(
      Array.from({ length: 100 }, (_, number) => ({ name: 'many', data: { number } })),
    );
    await Promise.all(many.map((job) => job.waitUntilFinished(events, 20_000)));
    const counts = await queue.getJobCounts();
    expectThat(counts['completed'] === 107 && counts['failed'] === 1, `counts ${JSON.stringify(counts)}`);
    await queue.obliterate({ force: true });
    expectThat((await queue.getJobCountByTypes()) === 0, 'nothing is left');
  } finally {
    await Promise.all([worker.close(true), events.close(), queue.close(), flows.close()]);
  }
}

/** Celery with the server as broker and as store of results: tasks, groups, chains, retries and tasks for later. */
export async function checkCelery(port: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'celery-'));
  writeFileSync(join(folder, 'tasks.py'), CELERY_APP.replaceAll('PORT', `${port}`));
  writeFileSync(join(folder, 'client.py'), CELERY_CLIENT);
  const options = { cwd: folder, stdout: 'pipe', stderr: 'pipe' } as const;
  const worker = Bun.spawn(
    [DEBIAN_PYTHON, '-m', 'celery', '-A', 'tasks', 'worker', '--pool', 'threads', '--concurrency', '2'],
    options,
  );
  try {
    const client = Bun.spawn([DEBIAN_PYTHON, 'client.py'], options);
    const errors = await new Response(client.stderr).text();
    const output = await new Response(client.stdout).text();
    expectThat((await client.exited) === 0 && output.includes('all well'), `celery: ${errors.slice(-2000)}`);
  } finally {
    worker.kill('SIGKILL');
    await worker.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether Debian's packages of Celery and of its Redis client are here. */
export function isCeleryMissing(): boolean {
  if (!existsSync(DEBIAN_PYTHON)) return true;
  const probe = Bun.spawnSync([DEBIAN_PYTHON, '-c', 'import celery, redis'], {
    stdout: 'ignore',
    stderr: 'ignore',
  });
  return probe.exitCode !== 0;
}
