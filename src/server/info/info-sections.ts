/** The fields of INFO, section by section, in Redis' order and formats. What this build has no notion of yet is what a
 *  Redis without that feature in use prints, so that clients and exporters find every field they look for. */
import { readFileSync } from 'node:fs';
import { machine, release, type as systemName } from 'node:os';
import { CommandCounter, Control, Counter } from '../../memory/control.ts';
import { ErrorCounts } from '../../memory/error-counts.ts';
import { fieldExpiryCount } from '../../store/counts.ts';
import { Subject } from '../../store/audience.ts';
import { appendOnlyFields, appendOnlySizes } from './info-append-only.ts';
import type { Engine } from '../engine.ts';
import { percentileUs } from './command-times.ts';
import type { Fields } from './fields.ts';
import { loadingFields, snapshotFields } from './info-persistence.ts';
import { API_VERSION, PRODUCT_VERSION } from '../product.ts';

const NO_REPLICATION_ID = '0'.repeat(40);
/** Ticks of the times in /proc, per second, on every Linux there is. */
const CLOCK_TICKS = 100;
const SECONDS_PER_DAY = 86400;
const BUILD_ID = Bun.hash(PRODUCT_VERSION).toString(16).padStart(16, '0');

export function serverSection(engine: Engine): Fields {
  const { control, config } = engine;
  const nowMs = Date.now();
  const uptimeS = Math.max(Math.floor(nowMs / 1000) - control.words[Control.StartedAtS]!, 0);
  return [
    ['redis_version', API_VERSION],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', BUILD_ID],
    ['redis_mode', 'standalone'],
    ['os', `${systemName()} ${release()} ${machine()}`],
    ['arch_bits', 64],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'epoll'],
    ['atomicvar_api', 'c11-builtin'],
    ['gcc_version', '0.0.0'],
    ['process_id', process.pid],
    ['process_supervised', process.env['NOTIFY_SOCKET'] === undefined ? 'no' : 'systemd'],
    ['run_id', engine.runId],
    ['tcp_port', config.number('port') || config.number('tls-port')],
    ['server_time_usec', nowMs * 1000],
    ['uptime_in_seconds', uptimeS],
    ['uptime_in_days', Math.floor(uptimeS / SECONDS_PER_DAY)],
    ['hz', config.number('hz')],
    ['configured_hz', config.number('hz')],
    ['lru_clock', Math.floor(nowMs / 1000) & 0xffffff],
    ['executable', process.execPath],
    ['config_file', config.file],
    ['io_threads_active', 0],
    ['damselfly_version', PRODUCT_VERSION],
    ['damselfly_threads', engine.workerCount],
    ['damselfly_shards', engine.keyspace.shards.length],
    ['bun_version', Bun.version],
  ];
}

export function clientsSection({ control, config, dispatcher }: Engine): Fields {
  return [
    ['connected_clients', Math.max(Atomics.load(control.words, Control.ClientCount), 0)],
    ['cluster_connections', 0],
    ['maxclients', config.number('maxclients')],
    ['client_recent_max_input_buffer', 0],
    ['client_recent_max_output_buffer', 0],
    ['blocked_clients', control.total(Counter.BlockedClients)],
    ['tracking_clients', control.total(Counter.TrackingClients)],
    ['pubsub_clients', control.total(Counter.PubSubClients)],
    ['watching_clients', 0],
    ['clients_in_timeout_table', 0],
    ['total_watched_keys', 0],
    ['total_blocking_keys', dispatcher.interests.awaitedKeyCount],
    ['total_blocking_keys_on_nokey', 0],
  ];
}

export function persistenceSection(engine: Engine): Fields {
  return [
    ...loadingFields(engine),
    ...snapshotFields(engine),
    ...appendOnlyFields(engine.journal),
    ['module_fork_in_progress', 0],
    ['module_fork_last_cow_size', 0],
    ...appendOnlySizes(engine.journal),
  ];
}

export function statsSection({ control, pubsub }: Engine): Fields {
  const total = (counter: Counter): number => control.total(counter);
  return [
    ['total_connections_received', total(Counter.ConnectionsReceived)],
    ['total_commands_processed', total(Counter.CommandsProcessed)],
    ['instantaneous_ops_per_sec', Math.round(total(Counter.OpsPerSecond))],
    ['total_net_input_bytes', total(Counter.NetInputBytes)],
    ['total_net_output_bytes', total(Counter.NetOutputBytes)],
    ['total_net_repl_input_bytes', 0],
    ['total_net_repl_output_bytes', 0],
    ['instantaneous_input_kbps', total(Counter.InputKbps).toFixed(2)],
    ['instantaneous_output_kbps', total(Counter.OutputKbps).toFixed(2)],
    ['instantaneous_input_repl_kbps', '0.00'],
    ['instantaneous_output_repl_kbps', '0.00'],
    ['rejected_connections', total(Counter.RejectedConnections)],
    ['sync_full', 0],
    ['sync_partial_ok', 0],
    ['sync_partial_err', 0],
    ['expired_subkeys', total(Counter.ExpiredFields)],
    ['expired_keys', total(Counter.ExpiredKeys)],
    ['expired_stale_perc', '0.00'],
    ['expired_time_cap_reached_count', 0],
    ['expire_cycle_cpu_milliseconds', Math.floor(total(Counter.ExpireCycleUs) / 1000)],
    ['evicted_keys', total(Counter.EvictedKeys)],
    ['evicted_clients', 0],
    ['evicted_scripts', 0],
    ['total_eviction_exceeded_time', Math.floor(total(Counter.EvictionExceededMs))],
    ['current_eviction_exceeded_time', Math.floor(total(Counter.EvictionExceededNowMs))],
    ['keyspace_hits', total(Counter.KeyspaceHits)],
    ['keyspace_misses', total(Counter.KeyspaceMisses)],
    ['pubsub_channels', pubsub.nameCount(Subject.Channel)],
    ['pubsub_patterns', pubsub.nameCount(Subject.Pattern)],
    ['pubsubshard_channels', pubsub.nameCount(Subject.ShardChannel)],
    ['latest_fork_usec', 0],
    ['total_forks', 0],
    ['migrate_cached_sockets', 0],
    ['slave_expires_tracked_keys', 0],
    ['active_defrag_hits', total(Counter.DefragmentMoves)],
    ['active_defrag_misses', 0],
    ['active_defrag_key_hits', total(Counter.DefragmentMoves)],
    ['active_defrag_key_misses', 0],
    ['total_active_defrag_time', Math.floor(total(Counter.DefragmentUs) / 1000)],
    ['current_active_defrag_time', 0],
    ['tracking_total_keys', total(Counter.TrackedKeys)],
    ['tracking_total_items', total(Counter.TrackedItems)],
    ['tracking_total_prefixes', total(Counter.TrackedPrefixes)],
    ['unexpected_error_replies', total(Counter.UnexpectedErrors)],
    ['total_error_replies', total(Counter.ErrorReplies)],
    ['dump_payload_sanitizations', 0],
    ['total_reads_processed', total(Counter.ReadsProcessed)],
    ['total_writes_processed', total(Counter.WritesProcessed)],
    ['io_threaded_reads_processed', 0],
    ['io_threaded_writes_processed', 0],
    ['client_query_buffer_limit_disconnections', total(Counter.QueryBufferClosed)],
    ['client_output_buffer_limit_disconnections', total(Counter.OutputBufferClosed)],
    ['reply_buffer_shrinks', 0],
    ['reply_buffer_expands', 0],
    ['acl_access_denied_auth', total(Counter.AccessDeniedAuth)],
    ['acl_access_denied_cmd', total(Counter.AccessDeniedCommand)],
    ['acl_access_denied_key', total(Counter.AccessDeniedKey)],
    ['acl_access_denied_channel', total(Counter.AccessDeniedChannel)],
  ];
}

export function replicationSection(engine: Engine): Fields {
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ['master_failover_state', 'no-failover'],
    ['master_replid', engine.runId],
    ['master_replid2', NO_REPLICATION_ID],
    ['master_repl_offset', 0],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 0],
    ['repl_backlog_size', engine.setting('repl-backlog-size')],
    ['repl_backlog_first_byte_offset', 0],
    ['repl_backlog_histlen', 0],
  ];
}

export function cpuSection(): Fields {
  const all = process.cpuUsage();
  const [user, system] = mainThreadTimes();
  return [
    ['used_cpu_sys', (all.system / 1e6).toFixed(6)],
    ['used_cpu_user', (all.user / 1e6).toFixed(6)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
    ['used_cpu_sys_main_thread', system.toFixed(6)],
    ['used_cpu_user_main_thread', user.toFixed(6)],
  ];
}

/** Seconds that the control thread, which is the process' first, has run in user and system mode. */
function mainThreadTimes(): [user: number, system: number] {
  const text = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8');
  // Behind the name, which stands in brackets and may hold anything, utime and stime are fields 12 and 13.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return [Number(fields[11]) / CLOCK_TICKS, Number(fields[12]) / CLOCK_TICKS];
}

/** One line for each command that was called or refused since the start or the last reset. */
export function commandStatsSection({ control, registry }: Engine): Fields {
  const fields: [string, string][] = [];
  const workers = Array.from({ length: control.workerCount }, (_, worker) => control.commandCounters(worker));
  const sum = (id: number, counter: CommandCounter): number =>
    workers.reduce((total, counters) => total + counters[id * CommandCounter.Count + counter]!, 0);
  for (const { id, name } of registry.commands) {
    const calls = sum(id, CommandCounter.Calls);
    const rejected = sum(id, CommandCounter.Rejected);
    if (calls === 0 && rejected === 0) continue;
    // Of the quick commands a sample is timed; the others are taken to have been like it.
    const perCall = sum(id, CommandCounter.Usec) / Math.max(sum(id, CommandCounter.Timed), 1);
    const usec = Math.round(perCall * calls);
    fields.push([
      `cmdstat_${name}`,
      `calls=${calls},usec=${usec},usec_per_call=${perCall.toFixed(2)},rejected_calls=${rejected},` +
        `failed_calls=${sum(id, CommandCounter.Failed)}`,
    ]);
  }
  return fields;
}

/** Percentiles of the time that each command takes, as limits of buckets that double. */
export function latencyStatsSection(engine: Engine): Fields {
  const percentiles = engine.config.list('latency-tracking-info-percentiles').map(Number);
  const fields: [string, string][] = [];
  for (const command of engine.registry.commands) {
    const times = engine.commandTimes(command);
    if (times.calls === 0) continue;
    const texts = percentiles.map(
      (percentile) => `p${percentile}=${percentileUs(times, percentile).toFixed(3)}`,
    );
    fields.push([`latency_percentiles_usec_${command.name}`, texts.join(',')]);
  }
  return fields;
}

export function errorStatsSection({ control }: Engine): Fields {
  return new ErrorCounts(control.memory)
    .entries()
    .filter(([, count]) => count > 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);
}

export function clusterSection(): Fields {
  return [['cluster_enabled', 0]];
}

/** One line for each database that holds a key. */
export function keyspaceSection({ keyspace, control, config }: Engine): Fields {
  const fields: [string, string][] = [];
  for (let logical = 0; logical < config.number('databases'); logical++) {
    const database = keyspace.physicalDatabase(logical);
    const keys = keyspace.keyCount(database);
    const expires = keyspace.expiryCount(database);
    if (keys === 0) continue;
    const ttlMs = expires === 0 ? 0 : Math.round(control.doubles[Control.AverageTtl + database]!);
    const subexpiry = fieldExpiryCount(keyspace.shards, database);
    fields.push([`db${logical}`, `keys=${keys},expires=${expires},avg_ttl=${ttlMs},subexpiry=${subexpiry}`]);
  }
  return fields;
}
