/** The load generator: a process of its own, so that it can be pinned and its work never counts as the server's.
 *  Takes LoadOptions as JSON in its first argument. Once connected and warm it says `ready` to its parent, waits for
 *  `go`, runs, answers with a LoadResult, and exits; `stop` ends a run early. See load.ts for the other end.
 *
 *  Each connection has one batch under way: it is written whole, its replies are counted, then the next is
 *  sent. Latency is from before the write to the last byte of the last reply. */

import type { Socket } from 'bun';
import { LatencyHistogram } from './histogram.ts';
import type { LoadOptions, LoadResult, SlowReply } from './load.ts';
import { cpuNsBetween, readCpu } from './process-usage.ts';
import { Slot, writeDigits } from './request-text.ts';
import { makeBatch, type Batch } from './requests.ts';

const SLOWEST_KEPT = 20;
const KEY_SEED = 0x2545f491;
/** A prime: counts that it does not divide are visited in an order that looks random, each number once. */
const SHUFFLE_STEP = 7_368_787;
const LINE_FEED = 10;
const ERROR_START = '-'.charCodeAt(0);
const OK_REPLY = '+OK\r\n';

interface Connection {
  socket: Socket<Connection> | null;
  readonly batches: readonly Batch[];
  batchIndex: number;
  sentBytes: number;
  receivedBytes: number;
  receivedLines: number;
  startedMs: number;
  /** Bytes of the preamble's replies that are still to come. */
  preambleBytes: number;
  onPrepared: () => void;
}

const options = JSON.parse(process.argv[2] ?? '{}') as LoadOptions;
const histogram = new LatencyHistogram();
let slowest: SlowReply[] = [];
let slowestFloorUs = 0;
let nextSequentialKey = 0;
let randomState = KEY_SEED;
let batchCount = 0;
let phaseStartMs = 0;
let phaseEndMs = 0;
let isStopped = false;
let busyConnectionCount = 0;
let phaseDone: () => void = () => {};

function nextKey(): number {
  const { order, count, first = 0 } = options.keys;
  if (order === 'sequential') return first + (nextSequentialKey++ % count);
  if (order === 'shuffled') return first + ((nextSequentialKey++ * SHUFFLE_STEP) % count);
  randomState ^= randomState << 13;
  randomState ^= randomState >>> 17;
  randomState ^= randomState << 5;
  return first + ((randomState >>> 0) % count);
}

function isPhaseOver(nowMs: number): boolean {
  if (isStopped || nowMs >= phaseEndMs) return true;
  return options.keys.order !== 'random' && nextSequentialKey >= options.keys.count;
}

function sendBatch(connection: Connection, nowMs: number): void {
  const batch = connection.batches[connection.batchIndex]!;
  const { bytes, slots } = batch;
  let number = 0;
  // Requests without a number are counted all the same, or a run of so many would never end.
  if (slots.length === 0) nextSequentialKey += options.pipeline;
  for (let i = 0; i < slots.length; i += Slot.Fields) {
    if (slots[i + Slot.IsNew] === 1) number = nextKey();
    writeDigits(bytes, slots[i]!, slots[i + Slot.Digits]!, number + slots[i + Slot.Added]!);
  }
  connection.receivedBytes = 0;
  connection.receivedLines = 0;
  connection.sentBytes = 0;
  connection.startedMs = nowMs;
  sendRest(connection);
}

function sendRest(connection: Connection): void {
  const { bytes } = connection.batches[connection.batchIndex]!;
  if (connection.sentBytes === bytes.length) return;
  const taken = connection.socket!.write(bytes, connection.sentBytes, bytes.length - connection.sentBytes);
  if (taken < 0) fail('connection closed while sending');
  connection.sentBytes += taken;
}

/** Replies to the preamble: nothing but OK. */
function receivePreamble(connection: Connection, chunk: Buffer): void {
  if (chunk[0] === ERROR_START) unexpected(chunk);
  connection.preambleBytes -= chunk.length;
  if (connection.preambleBytes === 0) connection.onPrepared();
}

function receive(connection: Connection, chunk: Buffer): void {
  if (connection.preambleBytes > 0) return receivePreamble(connection, chunk);
  const batch = connection.batches[connection.batchIndex]!;
  if (connection.receivedBytes === 0 && chunk[0] !== batch.replyStart) unexpected(chunk);
  connection.receivedBytes += chunk.length;
  if (batch.replyBytes === 0) {
    for (let i = 0; i < chunk.length; i++) if (chunk[i] === LINE_FEED) connection.receivedLines++;
    if (connection.receivedLines < batch.replyLines) return;
    if (connection.receivedLines > batch.replyLines) unexpected(chunk);
  } else {
    if (connection.receivedBytes < batch.replyBytes) return;
    if (connection.receivedBytes > batch.replyBytes) unexpected(chunk);
  }
  const nowMs = performance.now();
  recordLatency((nowMs - connection.startedMs) * 1000, connection.startedMs);
  batchCount++;
  connection.batchIndex = (connection.batchIndex + 1) % connection.batches.length;
  if (!isPhaseOver(nowMs)) sendBatch(connection, nowMs);
  else if (--busyConnectionCount === 0) phaseDone();
}

function recordLatency(latencyUs: number, startedMs: number): void {
  histogram.record(latencyUs);
  if (latencyUs <= slowestFloorUs) return;
  slowest.push({ atMs: Math.round(startedMs - phaseStartMs), latencyUs: Math.round(latencyUs) });
  if (slowest.length <= SLOWEST_KEPT) return;
  slowest.sort((a, b) => b.latencyUs - a.latencyUs);
  slowest.length = SLOWEST_KEPT;
  slowestFloorUs = slowest[SLOWEST_KEPT - 1]!.latencyUs;
}

function unexpected(chunk: Buffer): never {
  fail(
    `unexpected reply to ${options.commands.join('/')}: ${JSON.stringify(chunk.toString('latin1', 0, 80))}`,
  );
}

function fail(text: string): never {
  process.stderr.write(`load generator: ${text}\n`);
  process.exit(1);
}

async function connectAll(): Promise<Connection[]> {
  const connections: Connection[] = [];
  for (let i = 0; i < options.connectionCount; i++) connections.push(await connect());
  return connections;
}

async function connect(): Promise<Connection> {
  const { protocol, commands, pipeline, valueBytes, preamble = [] } = options;
  const batches = commands.map((command) => makeBatch(protocol, command, pipeline, valueBytes));
  const data: Connection = {
    socket: null,
    batches,
    batchIndex: 0,
    sentBytes: 0,
    receivedBytes: 0,
    receivedLines: 0,
    startedMs: 0,
    preambleBytes: preamble.length * OK_REPLY.length,
    onPrepared: () => {},
  };
  const prepared = new Promise<void>((resolve) => (data.onPrepared = resolve));
  data.socket = await Bun.connect<Connection>({
    hostname: '127.0.0.1',
    port: options.port,
    data,
    socket: handlers,
  });
  if (preamble.length > 0) {
    data.socket.write(preamble.join(''));
    await prepared;
  }
  return data;
}

const handlers = {
  data(socket: Socket<Connection>, chunk: Buffer): void {
    receive(socket.data, chunk);
  },
  drain(socket: Socket<Connection>): void {
    sendRest(socket.data);
  },
  close(): void {
    fail('connection closed by the server');
  },
  error(_socket: Socket<Connection>, error: Error): void {
    fail(error.message);
  },
};

/** Loads the server for `seconds` or until the keys are used up, and returns when every reply is in. */
async function runPhase(connections: readonly Connection[], seconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  phaseDone = resolve;
  histogram.clear();
  slowest = [];
  slowestFloorUs = 0;
  batchCount = 0;
  busyConnectionCount = connections.length;
  phaseStartMs = performance.now();
  phaseEndMs = phaseStartMs + seconds * 1000;
  for (const connection of connections) sendBatch(connection, performance.now());
  await promise;
}

async function measure(connections: readonly Connection[]): Promise<LoadResult> {
  const before = readCpu(process.pid);
  await runPhase(connections, options.seconds);
  const seconds = (performance.now() - phaseStartMs) / 1000;
  const after = readCpu(process.pid);
  return {
    operationCount: batchCount * options.pipeline,
    seconds,
    p50Us: histogram.percentileUs(0.5),
    p99Us: histogram.percentileUs(0.99),
    p999Us: histogram.percentileUs(0.999),
    maxUs: histogram.maxUs,
    loadBusy: cpuNsBetween(before, after) / 1e9 / seconds,
    loadWait: (after.waitNs - before.waitNs) / 1e9 / seconds,
    slowest: slowest.sort((a, b) => b.latencyUs - a.latencyUs),
  };
}

function send(message: 'ready' | LoadResult): Promise<void> {
  return new Promise((resolve) => process.send!(message, undefined, undefined, () => resolve()));
}

async function main(): Promise<void> {
  const { promise: told, resolve: go } = Promise.withResolvers<void>();
  process.on('message', (message) => {
    if (message === 'go') go();
    else if (message === 'stop') isStopped = true;
  });
  process.on('disconnect', () => process.exit(1)); // The benchmark was interrupted.
  const connections = await connectAll();
  if (options.warmUpSeconds > 0) await runPhase(connections, options.warmUpSeconds);
  await send('ready');
  await told;
  await send(await measure(connections));
  process.exit(0);
}

await main();
