/** INFO memory. `used_memory` is what maxmemory limits: the live blocks of all shards, of which `used_memory_overhead` is
 *  the index of the keys, and what the cache mode remembers. What clients hold is beside it (`mem_...`). */
import { formatMemoryHuman } from '../../base/memory-size.ts';
import { Control, Counter } from '../../memory/control.ts';
import { Header, PAGE_BYTES } from '../../memory/shard.ts';
import { allKeyCount, Beside, besideBytes, buriedCount, indexBytes } from '../../store/counts.ts';
import type { Engine } from '../engine.ts';
import type { Fields } from './fields.ts';

export function memorySection(engine: Engine): Fields {
  const { keyspace, control, config } = engine;
  const used = keyspace.usedBytes();
  const peak = Math.max(control.doubles[Control.PeakBytes >> 1]!, used);
  let active = 0;
  let resident = 0;
  for (const { words } of keyspace.shards) {
    active += words[Header.HeldPages]! * PAGE_BYTES;
    resident += (words[Header.HeldPages]! + words[Header.DirtyPages]!) * PAGE_BYTES;
  }
  const rss = process.memoryUsage.rss();
  const limit = config.number('maxmemory');
  const overhead = Math.min(
    indexBytes(keyspace.shards, allKeyCount(keyspace.shards, config.number('databases'))),
    used,
  );
  return [
    ['used_memory', used],
    ['used_memory_human', formatMemoryHuman(used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', formatMemoryHuman(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', formatMemoryHuman(peak)],
    ['used_memory_peak_perc', `${(ratio(used, peak) * 100).toFixed(2)}%`],
    ['used_memory_overhead', overhead],
    ['used_memory_startup', 0],
    ['used_memory_dataset', used - overhead],
    ['used_memory_dataset_perc', `${(ratio(used - overhead, used) * 100).toFixed(2)}%`],
    ['allocator_allocated', used],
    ['allocator_active', active],
    ['allocator_resident', resident],
    ['total_system_memory', config.limits.memoryBytes],
    ['total_system_memory_human', formatMemoryHuman(config.limits.memoryBytes)],
    ...scripts(engine),
    ['maxmemory', limit],
    ['maxmemory_human', formatMemoryHuman(limit)],
    ['maxmemory_policy', engine.setting('maxmemory-policy')],
    ['allocator_frag_ratio', ratio(active, used).toFixed(2)],
    ['allocator_frag_bytes', active - used],
    ['allocator_rss_ratio', ratio(resident, active).toFixed(2)],
    ['allocator_rss_bytes', resident - active],
    ['rss_overhead_ratio', ratio(rss, resident).toFixed(2)],
    ['rss_overhead_bytes', rss - resident],
    ['mem_fragmentation_ratio', ratio(rss, used).toFixed(2)],
    ['mem_fragmentation_bytes', rss - used],
    ...buffers(engine),
    ['mem_allocator', 'damselfly'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', buriedCount(keyspace.shards)],
    ['lazyfreed_objects', control.total(Counter.LazyFreed)],
    ...clientsBeside(engine),
  ];
}

/** The bodies of scripts and functions, which workers share; what the machines of workers hold is in the resident memory. */
function scripts({ scripts: { store, libraries } }: Engine): Fields {
  const all = libraries.all();
  const functionBytes = all.reduce((sum, { code }) => sum + code.length, 0);
  const functionCount = all.reduce((sum, { functions }) => sum + functions.length, 0);
  const bytes = store.logBytes + functionBytes;
  return [
    ['used_memory_lua', 0],
    ['used_memory_vm_eval', 0],
    ['used_memory_lua_human', '0B'],
    ['used_memory_scripts_eval', store.logBytes],
    ['number_of_cached_scripts', store.count],
    ['number_of_functions', functionCount],
    ['number_of_libraries', all.length],
    ['used_memory_vm_functions', 0],
    ['used_memory_vm_total', 0],
    ['used_memory_vm_total_human', '0B'],
    ['used_memory_functions', functionBytes],
    ['used_memory_scripts', bytes],
    ['used_memory_scripts_human', formatMemoryHuman(bytes)],
  ];
}

/** Nothing of a client's or replica's is kept in the shards. */
function buffers({ control }: Engine): Fields {
  return [
    ['mem_not_counted_for_evict', 0],
    ['mem_replication_backlog', 0],
    ['mem_total_replication_buffers', 0],
    ['mem_clients_slaves', 0],
    ['mem_clients_normal', control.total(Counter.ClientBytes)],
    ['mem_cluster_links', 0],
    ['mem_aof_buffer', 0],
  ];
}

/** A tracked key in one worker: its text, and who has read it. Measured roughly. */
const TRACKED_BYTES = 150;

/** What clients have asked for that is kept beside the data: no limit on the data counts it. */
function clientsBeside({ keyspace: { shards }, control }: Engine): Fields {
  return [
    ['mem_watched_keys', besideBytes(shards, Beside.Watches)],
    ['mem_blocked_clients', besideBytes(shards, Beside.Interests)],
    ['mem_subscriptions', besideBytes(shards, Beside.Audience)],
    ['mem_tracking_table', control.total(Counter.TrackedItems) * TRACKED_BYTES],
  ];
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
