/** INFO memory. `used_memory` is what maxmemory limits: the live blocks of all shards. */
import { formatMemoryHuman } from '../../base/memory-size.ts';
import { Control, Counter } from '../../memory/control.ts';
import { Header, PAGE_BYTES } from '../../memory/shard.ts';
import { buriedCount } from '../../store/counts.ts';
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
  return [
    ['used_memory', used],
    ['used_memory_human', formatMemoryHuman(used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', formatMemoryHuman(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', formatMemoryHuman(peak)],
    ['used_memory_peak_perc', `${(ratio(used, peak) * 100).toFixed(2)}%`],
    ['used_memory_overhead', 0],
    ['used_memory_startup', 0],
    ['used_memory_dataset', used],
    ['used_memory_dataset_perc', '100.00%'],
    ['allocator_allocated', used],
    ['allocator_active', active],
    ['allocator_resident', resident],
    ['total_system_memory', config.limits.memoryBytes],
    ['total_system_memory_human', formatMemoryHuman(config.limits.memoryBytes)],
    ...SCRIPTS,
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
    ...BUFFERS,
    ['mem_allocator', 'damselfly'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', buriedCount(keyspace.shards)],
    ['lazyfreed_objects', control.total(Counter.LazyFreed)],
  ];
}

/** There is no scripting yet. */
const SCRIPTS: Fields = [
  ['used_memory_lua', 0],
  ['used_memory_vm_eval', 0],
  ['used_memory_lua_human', '0B'],
  ['used_memory_scripts_eval', 0],
  ['number_of_cached_scripts', 0],
  ['number_of_functions', 0],
  ['number_of_libraries', 0],
  ['used_memory_vm_functions', 0],
  ['used_memory_vm_total', 0],
  ['used_memory_vm_total_human', '0B'],
  ['used_memory_functions', 0],
  ['used_memory_scripts', 0],
  ['used_memory_scripts_human', '0B'],
];

/** Nothing of a client's or replica's is kept in the shards. */
const BUFFERS: Fields = [
  ['mem_not_counted_for_evict', 0],
  ['mem_replication_backlog', 0],
  ['mem_total_replication_buffers', 0],
  ['mem_clients_slaves', 0],
  ['mem_clients_normal', 0],
  ['mem_cluster_links', 0],
  ['mem_aof_buffer', 0],
];

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
