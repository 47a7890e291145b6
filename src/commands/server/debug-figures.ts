/** The subcommands of DEBUG that tell of tables, sizes and limits, and those that no operator should find here. */
import { parseMemorySize } from '../../base/memory-size.ts';
import { parseLong } from '../connection/client-arguments.ts';
import { NOT_AN_INTEGER } from '../replies.ts';
import type { Call } from '../row.ts';
import { Head } from '../../memory/shard.ts';
import { Record } from '../../store/record.ts';
import { describeTable, tableCount } from '../../structures/table.ts';

const PACKED_BYTES_MAX = 4 * 2 ** 30;
const WORD_BITS = 64;
/** In the key index. */
const SLOT_BYTES = 8;

/** How full the key index is: one line a shard, which holds the keys of all databases, and the keys of the one asked for. */
export function debugTables(call: Call): void {
  const { reply, keyspace, server } = call;
  const database = parseLong(call.text(2));
  if (database === null) return reply.error(NOT_AN_INTEGER);
  if (database < 0n || database >= BigInt(server.setting('databases'))) {
    return reply.error('ERR Out of range database');
  }
  const physical = keyspace.physicalDatabase(Number(database));
  const lines = [
    '[Dictionary HT]',
    `keys of database ${database}: ${keyspace.keyCount(physical)}, with an expiry: ${keyspace.expiryCount(physical)}`,
  ];
  call.eachShard((shard) => {
    const table = shard.heads[shard.head + Head.Table]!;
    const text = table === 0 || tableCount(shard, table) === 0 ? 'no keys' : describeTable(shard, table);
    lines.push(`shard ${shard.index}: ${text}`);
  });
  reply.verbatim(`${lines.join('\n')}\n`, 'txt');
}

/** What is fixed about a key's memory. */
export function debugStructSize({ reply }: Call): void {
  reply.simple(`bits:${WORD_BITS} slot:${SLOT_BYTES} record:${Record.HeaderBytes}`);
}

/** Redis: the size from which an element is a list node of its own. Ours need none such: it is checked and no more. */
export function debugQuicklistThreshold(call: Call): void {
  const byteCount = parseMemorySize(call.text(2));
  if (!(byteCount >= 0 && byteCount <= PACKED_BYTES_MAX)) {
    return call.reply.error('ERR argument must be a memory value bigger than 1 and smaller than 4gb');
  }
  call.reply.ok();
}

/** What would crash the server, or belongs to parts that are not there. */
export function debugRefused(call: Call): void {
  const name = call.text(1).toUpperCase().slice(0, 128);
  call.reply.error(`ERR DEBUG ${name} is not supported by this server`);
}
