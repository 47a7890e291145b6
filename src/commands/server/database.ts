/** Commands about whole databases. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { clearDatabase, clearShard } from '../../store/clearing.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { DATABASE_OUT_OF_RANGE, SYNTAX_ERROR } from '../replies.ts';
import { type Call, type Family, Flag, Route } from '../row.ts';

/** For the tips of what every node of a cluster must do. */
const EVERYWHERE = ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:ALL_SUCCEEDED'];

export const databaseFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'DBSIZE',
      since: '1.0.0',
      arity: 1,
      flags: Flag.ReadOnly | Flag.Fast,
      acl: ['keyspace'],
      tips: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:AGG_SUM'],
      summary: 'Counts the keys of the database, expired ones not yet removed included.',
      run: dbSizeCommand,
    },
    {
      name: 'FLUSHDB',
      since: '1.0.0',
      arity: -1,
      flags: Flag.Write,
      acl: ['keyspace', 'dangerous'],
      route: Route.All,
      tips: EVERYWHERE,
      summary: 'Removes every key of the database.',
      run: flushDbCommand,
    },
    {
      name: 'FLUSHALL',
      since: '1.0.0',
      arity: -1,
      flags: Flag.Write,
      acl: ['keyspace', 'dangerous'],
      route: Route.All,
      tips: EVERYWHERE,
      summary: 'Removes every key of every database.',
      run: flushAllCommand,
    },
    {
      name: 'SWAPDB',
      since: '4.0.0',
      arity: 3,
      flags: Flag.Write | Flag.Fast,
      acl: ['keyspace', 'dangerous'],
      route: Route.All,
      summary: 'Exchanges two databases.',
      run: swapDbCommand,
    },
  ],
};

function dbSizeCommand(call: Call): void {
  call.reply.integer(call.keyspace.keyCount(call.database));
}

/**
 * Takes microseconds for a shard that holds keys of this database only, which is emptied as a whole; else as long as
 * removing each of its keys, about 0.3 us, with every lock held.
 */
function flushDbCommand(call: Call): void {
  if (!isFlushMode(call)) return call.reply.error(SYNTAX_ERROR);
  const { keyspace } = call;
  for (const shard of keyspace.shards) clearDatabase(keyspace, shard, call.database, call.key);
  keyspace.onCleared(call.database);
  call.reply.ok();
}

function flushAllCommand(call: Call): void {
  if (!isFlushMode(call)) return call.reply.error(SYNTAX_ERROR);
  for (const shard of call.keyspace.shards) clearShard(call.keyspace, shard);
  call.keyspace.onCleared(-1);
  call.reply.ok();
}

/** Whether the arguments are right. ASYNC and SYNC are the same here: shards are emptied as a whole. */
function isFlushMode(call: Call): boolean {
  return call.count === 1 || (call.count === 2 && (isWord(call, 1, 'ASYNC') || isWord(call, 1, 'SYNC')));
}

function swapDbCommand(call: Call): void {
  const { keyspace, reply } = call;
  const first = databaseArgument(call, 1);
  if (first !== first) return reply.error('ERR invalid first DB index');
  const second = databaseArgument(call, 2);
  if (second !== second) return reply.error('ERR invalid second DB index');
  const databaseCount = Number(call.server.setting('databases'));
  if (first < 0 || second < 0 || first >= databaseCount || second >= databaseCount) {
    return reply.error(DATABASE_OUT_OF_RANGE);
  }
  keyspace.swapDatabases(first, second);
  reply.ok();
}

const scratchInteger = new Int64();

/** Argument `index` as a 32-bit integer, else NaN. */
function databaseArgument(call: Call, index: number): number {
  if (!parseInt64Argument(call, index, scratchInteger)) return NaN;
  const value = int64ToNumber(scratchInteger);
  return (value | 0) === value ? value : NaN;
}
