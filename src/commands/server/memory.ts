/** MEMORY: what the data, a key, and the server take. */
import { Control, Counter } from '../../memory/control.ts';
import { Header, PAGE_BYTES } from '../../memory/shard.ts';
import { indexBytes, SLOT_BYTES } from '../../store/counts.ts';
import { valueMemoryBytes } from '../../store/value-memory.ts';
import { isWord } from '../argument.ts';
import { parseLong } from '../connection/client-arguments.ts';
import { helpText, NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, type Row } from '../row.ts';
import { adviseOnMemory, type MemoryFigures } from './memory-report.ts';

const ANY_SHARD = 'REQUEST_POLICY:ALL_SHARDS';
const SPECIAL = ['NONDETERMINISTIC_OUTPUT', ANY_SHARD, 'RESPONSE_POLICY:SPECIAL'];

function sub(name: string, summary: string, run: Row['run']): Row {
  const row = { name, since: '4.0.0', arity: 2, flags: Flag.None, tips: SPECIAL, summary };
  return run === undefined ? row : { ...row, run };
}

export const memoryFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'MEMORY',
      since: '4.0.0',
      arity: -2,
      flags: Flag.None,
      summary: 'Tells what takes how much memory.',
      subs: [
        sub('DOCTOR', 'Tells in words how the memory is used.', memoryDoctor),
        {
          name: 'HELP',
          since: '4.0.0',
          arity: 2,
          flags: Flag.Loading | Flag.Stale,
          summary: 'Tells what subcommands there are.',
          run: memoryHelp,
        },
        sub('MALLOC-STATS', "Tells the allocator's figures, shard by shard.", memoryMallocStats),
        {
          ...sub('PURGE', 'Gives free memory back to the system.', memoryPurge),
          tips: [ANY_SHARD, 'RESPONSE_POLICY:ALL_SUCCEEDED'],
        },
        sub('STATS', 'Tells what the memory is used for.', memoryStats),
        {
          name: 'USAGE',
          since: '4.0.0',
          arity: -3,
          flags: Flag.ReadOnly,
          keys: [key(2, KeyFlag.ReadOnly)],
          summary: 'Tells the bytes that a key and its value take.',
          run: memoryUsage,
        },
      ],
    },
  ],
};

/** SAMPLES is taken and not needed: what is told is exact. */
function memoryUsage(call: Call): void {
  const { reply, keyspace } = call;
  for (let index = 3; index < call.count; index += 2) {
    if (!isWord(call, index, 'SAMPLES') || index + 1 >= call.count) return reply.error(SYNTAX_ERROR);
    const samples = parseLong(call.text(index + 1));
    if (samples === null) return reply.error(NOT_AN_INTEGER);
    if (samples < 0n) return reply.error(SYNTAX_ERROR);
  }
  const record = keyspace.peek(call.key);
  if (record === 0) reply.nil();
  else reply.integer(valueMemoryBytes(call.key.shard, record) + SLOT_BYTES);
}

function figures({ keyspace, server }: Call): MemoryFigures {
  let activeBytes = 0;
  let residentBytes = 0;
  for (const { words } of keyspace.shards) {
    activeBytes += words[Header.HeldPages]! * PAGE_BYTES;
    residentBytes += (words[Header.HeldPages]! + words[Header.DirtyPages]!) * PAGE_BYTES;
  }
  let keyCount = 0;
  for (let logical = 0; logical < databaseCount(server); logical++) {
    keyCount += keyspace.keyCount(keyspace.physicalDatabase(logical));
  }
  const usedBytes = keyspace.usedBytes();
  return {
    usedBytes,
    peakBytes: Math.max(server.control.doubles[Control.PeakBytes >> 1]!, usedBytes),
    activeBytes,
    residentBytes,
    rssBytes: process.memoryUsage.rss(),
    clientsBytes: server.control.total(Counter.ClientBytes),
    keyCount,
    limitBytes: Number(server.setting('maxmemory')),
  };
}

function databaseCount(server: Call['server']): number {
  return Number(server.setting('databases'));
}

function memoryStats(call: Call): void {
  const { reply, keyspace, server } = call;
  const now = figures(call);
  const databases: number[] = [];
  for (let logical = 0; logical < databaseCount(server); logical++) {
    if (keyspace.keyCount(keyspace.physicalDatabase(logical)) > 0) databases.push(logical);
  }
  const tableBytes = Math.min(indexBytes(keyspace.shards, now.keyCount), now.usedBytes);
  const datasetBytes = Math.max(now.usedBytes - tableBytes, 0);
  const before: [string, number][] = [
    ['peak.allocated', now.peakBytes],
    ['total.allocated', now.usedBytes],
    ['startup.allocated', 0],
    ['replication.backlog', 0],
    ['clients.slaves', 0],
    ['clients.normal', now.clientsBytes],
    ['cluster.links', 0],
    ['aof.buffer', 0],
    ['lua.caches', 0],
    ['functions.caches', 0],
  ];
  const after: [string, number][] = [
    ['overhead.total', tableBytes + now.clientsBytes],
    ['keys.count', now.keyCount],
    ['keys.bytes-per-key', now.keyCount === 0 ? 0 : Math.floor(now.usedBytes / now.keyCount)],
    ['dataset.bytes', datasetBytes],
  ];
  const allocator: [string, number, isRatio?: true][] = [
    ['dataset.percentage', percentage(datasetBytes, now.usedBytes), true],
    ['peak.percentage', percentage(now.usedBytes, now.peakBytes), true],
    ['allocator.allocated', now.usedBytes],
    ['allocator.active', now.activeBytes],
    ['allocator.resident', now.residentBytes],
    ['allocator-fragmentation.ratio', ratio(now.activeBytes, now.usedBytes), true],
    ['allocator-fragmentation.bytes', now.activeBytes - now.usedBytes],
    ['allocator-rss.ratio', ratio(now.residentBytes, now.activeBytes), true],
    ['allocator-rss.bytes', now.residentBytes - now.activeBytes],
    ['rss-overhead.ratio', ratio(now.rssBytes, now.residentBytes), true],
    ['rss-overhead.bytes', now.rssBytes - now.residentBytes],
    ['fragmentation', ratio(now.rssBytes, now.usedBytes), true],
    ['fragmentation.bytes', now.rssBytes - now.usedBytes],
  ];
  reply.map(before.length + databases.length + after.length + allocator.length);
  writeFigures(call, before);
  for (const logical of databases) writeDatabase(call, logical);
  writeFigures(call, [...after, ...allocator]);
}

function writeFigures({ reply }: Call, rows: readonly [string, number, isRatio?: true][]): void {
  for (const [name, value, isRatio] of rows) {
    reply.bulkText(name);
    if (isRatio) reply.double(value);
    else reply.integer(value);
  }
}

/** Expiry is kept in the records: there is no table of its own for it. */
function writeDatabase(call: Call, logical: number): void {
  const { reply, keyspace } = call;
  reply.bulkText(`db.${logical}`);
  reply.map(3);
  const keyCount = keyspace.keyCount(keyspace.physicalDatabase(logical));
  writeFigures(call, [
    ['overhead.hashtable.main', keyCount * SLOT_BYTES],
    ['overhead.hashtable.expires', 0],
    ['overhead.hashtable.slot-to-keys', 0],
  ]);
}

function percentage(part: number, whole: number): number {
  return ratio(part, whole) * 100;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function memoryDoctor(call: Call): void {
  call.reply.verbatim(adviseOnMemory(figures(call)), 'txt');
}

function memoryMallocStats(call: Call): void {
  const lines = call.keyspace.shards.map(({ index, usedBytes, words, memory }) => {
    const held = words[Header.HeldPages]! * PAGE_BYTES;
    const free = words[Header.DirtyPages]! * PAGE_BYTES;
    return `shard ${index}: ${usedBytes} bytes in blocks, ${held} in pages, ${free} free, of ${memory.byteLength}\n`;
  });
  call.reply.verbatim(lines.join(''), 'txt');
}

/** Every worker looks after some of the shards. A script does not wait for them. */
function memoryPurge(call: Call): void {
  if (call.isInScript) {
    void call.server.askWorkers('memory.purge', null);
    return call.reply.ok();
  }
  const parked = call.park();
  void call.server.askWorkers('memory.purge', null).then(() => parked.resume((reply) => reply.ok()));
}

const HELP = [
  'DOCTOR',
  '    Return memory problems reports.',
  'MALLOC-STATS',
  '    Return internal statistics report from the memory allocator.',
  'PURGE',
  '    Attempt to purge dirty pages for reclamation by the allocator.',
  'STATS',
  '    Return information about the memory usage of the server.',
  'USAGE <key> [SAMPLES <count>]',
  '    Return memory in bytes used by <key> and its value. Exact, whatever <count>.',
];

function memoryHelp(call: Call): void {
  helpText(call.reply, 'MEMORY', HELP);
}
