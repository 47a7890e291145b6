/** Every setting there is: one row each, from which the command-line flags, redis.conf, CONFIG GET and SET, and
 *  --help all follow. A row made with `live` does something; one made with `accepted` is a directive of redis-server
 *  7.0 that we take, validate and report, so that an existing redis.conf loads, without acting on it (yet, or because
 *  there is nothing here for it to act on). Giving an accepted directive an effect means turning its row into `live`.
 *  test/server/config/oracle.test.ts compares names and defaults with redis-server and lists each difference. */

import type { MachineLimits } from '../system/machine-limits.ts';
import { accepted, live } from './setting.ts';
import type { Setting } from './setting.ts';
import type { Kind } from './value-types.ts';
import {
  addresses,
  anyText,
  bufferLimits,
  cronPattern,
  directory,
  eventClasses,
  fileName,
  INT_MAX,
  INT_MIN,
  integer,
  LONG_MAX,
  memory,
  memoryOrPercent,
  memoryOrShare,
  neverYes,
  octal,
  only,
  oneOf,
  oomScores,
  percentiles,
  savePoints,
  shareOf,
  shutdownOptions,
  UINT_MAX,
  yesNo,
} from './value-types.ts';

/** Share of the machine's or container's memory that maxmemory is when nobody says otherwise: Redis has no limit
 *  then, and is killed by the kernel instead of refusing the write. */
const MAXMEMORY_PERCENT = 80;
const THREADS_MAX = 128;
const DATABASES_MAX = 1024;

const PORT = integer(0, 65535);
const NUMBER = integer(0, INT_MAX);
const BIG_NUMBER = integer(0, LONG_MAX);
const BYTES = memory(0, LONG_MAX);
const PROTECTED_ACTION = oneOf('no', 'yes', 'local');

/** Resident memory beside the data: the runtime, each worker's heap and buffers, and slabs not yet full (measured: 190 MB
 *  for two workers that write as fast as they can). */
const RESERVE_BYTES = 160 << 20;
const RESERVE_BYTES_PER_THREAD = 16 << 20;
/** Of the smallest machines the data still gets this share. */
const SMALLEST_PERCENT = 25;

/** 80 % of the memory there is, or what the process itself leaves of it if that is less. */
function defaultMaxmemory({ memoryBytes, cpuCount }: MachineLimits): number {
  const reserve = RESERVE_BYTES + cpuCount * RESERVE_BYTES_PER_THREAD;
  const rest = Math.max(memoryBytes - reserve, shareOf(memoryBytes, SMALLEST_PERCENT));
  return Math.min(rest, shareOf(memoryBytes, MAXMEMORY_PERCENT));
}

/** As memcached's -I. */
const ITEM_BYTES_MAX = 1 << 30;
const FIXED = { isFixed: true } as const;
const FIXED_SECRET = { isFixed: true, isSecret: true } as const;

export const SETTINGS = {
  // Network. The listeners are opened once, by every worker, so where they listen is fixed.
  port: live('Network', PORT, '6379', 'TCP port for Redis clients, 0 for none', FIXED),
  bind: live('Network', addresses(), '* -::*', 'addresses to listen on', FIXED),
  'memcached-port': live('Network', PORT, '0', 'TCP port for memcached clients, 0 for none', FIXED),
  'memcached-item-size-max': live(
    'Network',
    memory(1024, ITEM_BYTES_MAX),
    '1048576',
    'largest item that memcached clients may store',
  ),
  unixsocket: live('Network', anyText(undefined, 'path'), '', 'unix socket for Redis clients', FIXED),
  unixsocketperm: live(
    'Network',
    octal(0o777),
    '0',
    'permissions of the unix socket, 0 to leave them',
    FIXED,
  ),
  maxclients: live('Network', integer(1, UINT_MAX), '10000', 'most clients connected at once'),
  timeout: live('Network', NUMBER, '0', 'seconds after which an idle client is closed, 0 for never'),
  'tcp-keepalive': live('Network', NUMBER, '300', 'seconds between TCP keepalive probes, 0 for none'),
  'client-query-buffer-limit': live(
    'Network',
    memory(1024 * 1024, LONG_MAX),
    '1073741824',
    'most bytes of a request that is not yet complete',
  ),
  'client-output-buffer-limit': live(
    'Network',
    bufferLimits(),
    'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
    'close clients that have this much unread output',
  ),
  'proto-max-bulk-len': live(
    'Network',
    memory(1024 * 1024, LONG_MAX),
    '536870912',
    'longest argument of a request',
  ),
  'tcp-backlog': accepted(NUMBER, '511', FIXED),
  'bind-source-addr': accepted(anyText(), ''),
  'socket-mark-id': accepted(integer(0, UINT_MAX), '0', FIXED),

  // TLS
  'tls-port': live('TLS', PORT, '0', 'TLS port for Redis clients, 0 for none', FIXED),
  'tls-cert-file': live('TLS', anyText(undefined, 'path'), '', 'certificate (PEM)', FIXED),
  'tls-key-file': live('TLS', anyText(undefined, 'path'), '', 'private key (PEM)', FIXED),
  'tls-key-file-pass': live('TLS', anyText(), '', 'password of the private key', FIXED_SECRET),
  'tls-ca-cert-file': live(
    'TLS',
    anyText(undefined, 'path'),
    '',
    "authorities that sign clients' certificates",
    FIXED,
  ),
  'tls-auth-clients': live(
    'TLS',
    oneOf('no', 'yes', 'optional'),
    'yes',
    'ask clients for a certificate',
    FIXED,
  ),
  'tls-client-cert-file': accepted(anyText(), ''),
  'tls-client-key-file': accepted(anyText(), ''),
  'tls-client-key-file-pass': accepted(anyText(), '', { isSecret: true }),
  'tls-dh-params-file': accepted(anyText(), ''),
  'tls-ca-cert-dir': accepted(anyText(), ''),
  'tls-protocols': accepted(anyText(), ''),
  'tls-ciphers': accepted(anyText(), ''),
  'tls-ciphersuites': accepted(anyText(), ''),
  'tls-prefer-server-ciphers': accepted(yesNo(), 'no'),
  'tls-session-caching': accepted(yesNo(), 'yes'),
  'tls-session-cache-size': accepted(NUMBER, '20480'),
  'tls-session-cache-timeout': accepted(NUMBER, '300'),
  'tls-replication': accepted(yesNo(), 'no'),
  'tls-cluster': accepted(yesNo(), 'no'),

  // Security. What would leave a server more open than its redis.conf says is refused, not ignored.
  requirepass: live('Security', anyText(), '', 'password that clients must give', { isSecret: true }),
  'protected-mode': live('Security', yesNo(), 'yes', 'without a password, serve this machine only'),
  'enable-debug-command': live('Security', PROTECTED_ACTION, 'no', 'who may use DEBUG', FIXED),
  'enable-protected-configs': live(
    'Security',
    PROTECTED_ACTION,
    'no',
    'who may change settings that name files',
    FIXED,
  ),
  'enable-module-command': accepted(PROTECTED_ACTION, 'no', FIXED),
  aclfile: live('Security', anyText(undefined, 'path'), '', 'file of the users and what they may do', FIXED),
  'acl-pubsub-default': live(
    'Security',
    oneOf('allchannels', 'resetchannels'),
    'resetchannels',
    'channels that new users may use',
  ),
  'acllog-max-len': live('Security', BIG_NUMBER, '128', 'entries that ACL LOG keeps'),

  // Memory
  maxmemory: live(
    'Memory',
    memoryOrShare(),
    (limits) => String(defaultMaxmemory(limits)),
    `limit on the data, or a share of the memory there is (80% by default, less on a small machine), 0 for none`,
  ),
  'maxmemory-policy': live(
    'Memory',
    oneOf(
      'volatile-lru',
      'volatile-lfu',
      'volatile-random',
      'volatile-ttl',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'noeviction',
    ),
    'noeviction',
    'which keys make room when maxmemory is reached',
  ),
  'cache-mode': live(
    'Memory',
    yesNo(),
    'no',
    'evict, whatever maxmemory-policy says, the keys that the fewest hits are to be expected of',
  ),
  'maxmemory-samples': live('Memory', integer(1, INT_MAX), '5', 'keys drawn for each that is evicted'),
  'maxmemory-eviction-tenacity': live(
    'Memory',
    integer(0, 100),
    '10',
    'how long a command may evict beyond its own need, 100 for as long as it takes',
  ),
  'maxmemory-clients': accepted(memoryOrPercent(), '0'),
  'lfu-log-factor': live('Memory', NUMBER, '10', 'how much rarer each further count of a key becomes'),
  'lfu-decay-time': live(
    'Memory',
    NUMBER,
    '1',
    'minutes in which the count of a key falls by one, 0 for never',
  ),
  activedefrag: live('Memory', yesNo(), 'yes', 'move values together, so that pages become free and go back'),
  'active-defrag-cycle-min': live('Memory', integer(1, 99), '1', 'percent of the time it takes at least'),
  'active-defrag-cycle-max': live('Memory', integer(1, 99), '25', 'percent of the time it takes at most'),
  'active-defrag-threshold-lower': live(
    'Memory',
    integer(0, 1000),
    '10',
    'percent of fragmentation from which on it works',
  ),
  'active-defrag-threshold-upper': live(
    'Memory',
    integer(0, 1000),
    '100',
    'percent of fragmentation at which it works its most',
  ),
  'active-defrag-max-scan-fields': accepted(integer(1, LONG_MAX), '1000'),
  'active-defrag-ignore-bytes': live(
    'Memory',
    memory(1, LONG_MAX),
    '104857600',
    'bytes of fragmentation below which it does nothing',
  ),
  'lazyfree-lazy-eviction': accepted(yesNo(), 'no'),
  'lazyfree-lazy-expire': accepted(yesNo(), 'no'),
  'lazyfree-lazy-server-del': accepted(yesNo(), 'no'),
  'lazyfree-lazy-user-del': accepted(yesNo(), 'no'),
  'lazyfree-lazy-user-flush': accepted(yesNo(), 'no'),
  'jemalloc-bg-thread': accepted(yesNo(), 'yes'),
  'disable-thp': accepted(yesNo(), 'yes', FIXED),
  'oom-score-adj': accepted(oneOf('no', 'yes', 'relative', 'absolute'), 'no'),
  'oom-score-adj-values': accepted(oomScores(), '0 200 800'),

  // Data
  databases: live('Data', integer(1, DATABASES_MAX), '16', 'how many databases SELECT knows', FIXED),
  'active-expire-effort': accepted(integer(1, 10), '1'),
  activerehashing: accepted(yesNo(), 'yes'),
  'notify-keyspace-events': live(
    'Data',
    eventClasses(),
    '',
    'what happens to keys that is published: letters as in Redis, of which m, n, t and d bring nothing yet',
  ),
  'hash-max-listpack-entries': live('Data', BIG_NUMBER, '512', 'fields up to which a hash is packed', {
    alias: 'hash-max-ziplist-entries',
  }),
  'hash-max-listpack-value': live(
    'Data',
    BYTES,
    '64',
    'bytes of a field or value up to which a hash is packed',
    { alias: 'hash-max-ziplist-value' },
  ),
  'list-max-listpack-size': live(
    'Data',
    integer(INT_MIN, INT_MAX),
    '-2',
    'entries of a list node, or -1 to -5 for 4 to 64 KiB',
    { alias: 'list-max-ziplist-size' },
  ),
  'list-compress-depth': accepted(NUMBER, '0'),
  'set-max-intset-entries': live(
    'Data',
    BIG_NUMBER,
    '512',
    'members up to which a set of integers is packed',
  ),
  'set-max-listpack-entries': live('Data', BIG_NUMBER, '128', 'members up to which a set is packed'),
  'set-max-listpack-value': live('Data', BYTES, '64', 'bytes of a member up to which a set is packed'),
  'zset-max-listpack-entries': live('Data', BIG_NUMBER, '128', 'members up to which a sorted set is packed', {
    alias: 'zset-max-ziplist-entries',
  }),
  'zset-max-listpack-value': live(
    'Data',
    BYTES,
    '64',
    'bytes of a member up to which a sorted set is packed',
    { alias: 'zset-max-ziplist-value' },
  ),
  'hll-sparse-max-bytes': live('Data', BYTES, '3000', 'bytes up to which a HyperLogLog is sparse'),
  'stream-node-max-bytes': live('Data', BYTES, '4096', 'bytes of a node of a stream, 0 for any'),
  'stream-node-max-entries': live('Data', BIG_NUMBER, '100', 'entries of a node of a stream, 0 for any'),
  'tracking-table-max-keys': accepted(BIG_NUMBER, '1000000'),
  'sanitize-dump-payload': accepted(oneOf('no', 'yes', 'clients'), 'no'),

  // Monitoring
  loglevel: live(
    'Monitoring',
    oneOf('debug', 'verbose', 'notice', 'warning'),
    'notice',
    'how much is logged',
  ),
  logfile: live(
    'Monitoring',
    anyText(undefined, 'path'),
    '',
    'file to log to, standard output if empty',
    FIXED,
  ),
  'slowlog-log-slower-than': live(
    'Monitoring',
    integer(-1, LONG_MAX),
    '10000',
    'microseconds from which a command is in SLOWLOG, -1 for never',
    { alias: 'commandlog-execution-slower-than' },
  ),
  'slowlog-max-len': live('Monitoring', BIG_NUMBER, '128', 'entries that SLOWLOG keeps', {
    alias: 'commandlog-slow-execution-max-len',
  }),
  'commandlog-request-larger-than': live(
    'Monitoring',
    integer(-1, LONG_MAX),
    '1048576',
    'bytes from which a request is in COMMANDLOG, -1 for never',
  ),
  'commandlog-large-request-max-len': live(
    'Monitoring',
    BIG_NUMBER,
    '128',
    'large requests that COMMANDLOG keeps',
  ),
  'commandlog-reply-larger-than': live(
    'Monitoring',
    integer(-1, LONG_MAX),
    '1048576',
    'bytes from which a reply is in COMMANDLOG, -1 for never',
  ),
  'commandlog-large-reply-max-len': live(
    'Monitoring',
    BIG_NUMBER,
    '128',
    'large replies that COMMANDLOG keeps',
  ),
  'latency-tracking': live('Monitoring', yesNo(), 'yes', 'tell how the times of commands are spread'),
  'latency-tracking-info-percentiles': live(
    'Monitoring',
    percentiles(),
    '50 99 99.9',
    'percentiles of these times in INFO latencystats',
  ),
  'latency-monitor-threshold': live(
    'Monitoring',
    BIG_NUMBER,
    '0',
    'milliseconds from which an event is in LATENCY, 0 for never',
  ),
  'syslog-enabled': accepted(yesNo(), 'no', FIXED),
  'syslog-ident': accepted(anyText(), 'redis', FIXED),
  'syslog-facility': accepted(
    oneOf('user', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'),
    'local0',
    FIXED,
  ),
  'crash-log-enabled': accepted(yesNo(), 'yes'),
  'crash-memcheck-enabled': accepted(yesNo(), 'yes'),

  // General
  threads: live(
    'General',
    integer(1, THREADS_MAX),
    (limits) => String(Math.min(limits.cpuCount, THREADS_MAX)),
    'worker threads, as many as there are cores by default',
    FIXED,
  ),
  hz: accepted(integer(0, INT_MAX, [1n, 500n]), '10'),
  daemonize: live('General', yesNo(), 'no', 'always no: whoever starts us keeps us running', FIXED),
  'dynamic-hz': accepted(yesNo(), 'yes'),
  pidfile: accepted(anyText(), '', FIXED),
  supervised: accepted(oneOf('upstart', 'systemd', 'auto', 'no'), 'no', FIXED),
  'always-show-logo': accepted(yesNo(), 'no', FIXED),
  'set-proc-title': accepted(yesNo(), 'yes', FIXED),
  'proc-title-template': accepted(anyText(), '{title} {listen-addr} {server-mode}'),
  'ignore-warnings': accepted(anyText(), ''),
  'io-threads': accepted(integer(1, 128), '1', FIXED),
  'io-threads-do-reads': accepted(yesNo(), 'no', FIXED),
  server_cpulist: accepted(anyText(), '', FIXED),
  bio_cpulist: accepted(anyText(), '', FIXED),
  aof_rewrite_cpulist: accepted(anyText(), '', FIXED),
  bgsave_cpulist: accepted(anyText(), '', FIXED),
  'busy-reply-threshold': accepted(BIG_NUMBER, '5000', { alias: 'lua-time-limit' }),
  'shutdown-timeout': accepted(NUMBER, '10'),
  'shutdown-on-sigint': live(
    'Persistence',
    shutdownOptions(),
    'default',
    'what SIGINT does: default, save, nosave, now, force',
  ),
  'shutdown-on-sigterm': live('Persistence', shutdownOptions(), 'default', 'the same for SIGTERM'),

  // Persistence
  dir: live('Persistence', directory(), () => process.cwd(), 'folder of the files', { isProtected: true }),
  dbfilename: live(
    'Persistence',
    fileName('dbfilename', true),
    'dump.rdb',
    'file of the snapshot; {timestamp}, {Y}, {m}, {d}, {H}, {M} and {S} become the time, and the newest is loaded',
    { isProtected: true },
  ),
  save: live(
    'Persistence',
    savePoints(),
    '3600 1 300 100 60 10000',
    'take a snapshot after so many seconds and changes',
  ),
  'snapshot-cron': live('Persistence', cronPattern(), '', 'take snapshots at these times, as in a crontab'),
  'stop-writes-on-bgsave-error': live(
    'Persistence',
    yesNo(),
    'yes',
    'refuse writes while snapshots cannot be written',
  ),
  'rdb-version': live(
    'Persistence',
    integer(10, 12),
    '10',
    'version of the format: Redis 7.0 reads 10, 7.2 reads 11, and 7.4 reads 12, which has the times of hash fields',
  ),
  rdbcompression: live('Persistence', yesNo(), 'yes', 'compress texts in snapshots'),
  rdbchecksum: live('Persistence', yesNo(), 'yes', 'end snapshots with a checksum, and check it', FIXED),
  'rdb-save-incremental-fsync': live(
    'Persistence',
    yesNo(),
    'yes',
    'make a snapshot durable bit by bit while it is written',
  ),
  'rdb-del-sync-files': accepted(yesNo(), 'no'),
  appendonly: live(
    'Persistence',
    yesNo(),
    'no',
    'record every change in the append-only file, and load that at the start',
  ),
  appendfsync: live(
    'Persistence',
    oneOf('everysec', 'always', 'no'),
    'everysec',
    'make it durable before each reply, every second, or when the system does',
  ),
  appendfilename: live(
    'Persistence',
    fileName('appendfilename', false),
    'appendonly.aof',
    'name of the append-only files',
    FIXED,
  ),
  appenddirname: live(
    'Persistence',
    fileName('appenddirname', false),
    'appendonlydir',
    'folder of the append-only files, in dir',
    FIXED,
  ),
  'no-appendfsync-on-rewrite': accepted(yesNo(), 'no'),
  'auto-aof-rewrite-percentage': live(
    'Persistence',
    NUMBER,
    '100',
    'begin it anew when it has grown by so much, 0 for never',
  ),
  'auto-aof-rewrite-min-size': live('Persistence', BYTES, '67108864', '...but not before it is so large'),
  'aof-load-truncated': live('Persistence', yesNo(), 'yes', 'load a file that ends too early up to there'),
  'aof-use-rdb-preamble': accepted(yesNo(), 'yes'),
  'aof-timestamp-enabled': live('Persistence', yesNo(), 'no', 'note the time in it'),
  'aof-rewrite-incremental-fsync': live(
    'Persistence',
    yesNo(),
    'yes',
    'make its base durable bit by bit while it is written',
  ),
  'aof-disable-auto-gc': live('Persistence', yesNo(), 'no', 'keep the files that are not needed any more'),

  // Replication
  replicaof: accepted(
    only('no one', 'host port', 'replicaof is not supported: this build cannot be a replica'),
    '',
    {
      alias: 'slaveof',
      isFixed: true,
    },
  ),
  masteruser: accepted(anyText(), '', { isSecret: true }),
  masterauth: accepted(anyText(), '', { isSecret: true }),
  'replica-serve-stale-data': accepted(yesNo(), 'yes', { alias: 'slave-serve-stale-data' }),
  'replica-read-only': accepted(yesNo(), 'yes', { alias: 'slave-read-only' }),
  'replica-ignore-maxmemory': accepted(yesNo(), 'yes', { alias: 'slave-ignore-maxmemory' }),
  'replica-lazy-flush': accepted(yesNo(), 'no', { alias: 'slave-lazy-flush' }),
  'replica-priority': accepted(NUMBER, '100', { alias: 'slave-priority' }),
  'replica-announced': accepted(yesNo(), 'yes'),
  'replica-announce-ip': accepted(anyText(), '', { alias: 'slave-announce-ip' }),
  'replica-announce-port': accepted(PORT, '0', { alias: 'slave-announce-port' }),
  'replica-ignore-disk-write-errors': accepted(yesNo(), 'no'),
  'propagation-error-behavior': accepted(oneOf('ignore', 'panic', 'panic-on-replicas'), 'ignore'),
  'min-replicas-to-write': accepted(NUMBER, '0', { alias: 'min-slaves-to-write' }),
  'min-replicas-max-lag': accepted(NUMBER, '10', { alias: 'min-slaves-max-lag' }),
  'repl-timeout': accepted(integer(1, INT_MAX), '60'),
  'repl-ping-replica-period': accepted(integer(1, INT_MAX), '10', { alias: 'repl-ping-slave-period' }),
  'repl-backlog-size': accepted(memory(1, LONG_MAX), '1048576'),
  'repl-backlog-ttl': accepted(BIG_NUMBER, '3600'),
  'repl-disable-tcp-nodelay': accepted(yesNo(), 'no'),
  'repl-diskless-sync': accepted(yesNo(), 'yes'),
  'repl-diskless-sync-delay': accepted(NUMBER, '5'),
  'repl-diskless-sync-max-replicas': accepted(NUMBER, '0'),
  'repl-diskless-load': accepted(oneOf('disabled', 'on-empty-db', 'swapdb'), 'disabled'),

  // Cluster
  'cluster-enabled': accepted(
    neverYes('cluster-enabled is not supported: this build is no cluster node'),
    'no',
    FIXED,
  ),
  'cluster-config-file': accepted(anyText(), 'nodes.conf', FIXED),
  'cluster-port': accepted(PORT, '0', FIXED),
  'cluster-node-timeout': accepted(BIG_NUMBER, '15000'),
  'cluster-announce-ip': accepted(anyText(), ''),
  'cluster-announce-hostname': accepted(
    anyText((text) =>
      /^[A-Za-z0-9.-]*$/.test(text)
        ? null
        : 'Hostnames may only contain alphanumeric characters, hyphens or dots',
    ),
    '',
  ),
  'cluster-announce-port': accepted(PORT, '0'),
  'cluster-announce-tls-port': accepted(PORT, '0'),
  'cluster-announce-bus-port': accepted(PORT, '0'),
  'cluster-preferred-endpoint-type': accepted(oneOf('ip', 'hostname', 'unknown-endpoint'), 'ip'),
  'cluster-replica-validity-factor': accepted(NUMBER, '10', { alias: 'cluster-slave-validity-factor' }),
  'cluster-replica-no-failover': accepted(yesNo(), 'no', { alias: 'cluster-slave-no-failover' }),
  'cluster-migration-barrier': accepted(NUMBER, '1'),
  'cluster-allow-replica-migration': accepted(yesNo(), 'yes'),
  'cluster-require-full-coverage': accepted(yesNo(), 'yes'),
  'cluster-allow-reads-when-down': accepted(yesNo(), 'no'),
  'cluster-allow-pubsubshard-when-down': accepted(yesNo(), 'yes'),
  'cluster-link-sendbuf-limit': accepted(BYTES, '0'),
} satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** The names of the settings of one kind, so that reading a flag as a number does not compile. */
export type NamesOf<K extends Kind> = {
  [N in SettingName]: (typeof SETTINGS)[N] extends Setting<K> ? N : never;
}[SettingName];

/** What no setting can be, because ignoring it would leave the server more open, or with other data, than asked for. */
export const REFUSED_DIRECTIVES: ReadonlyMap<string, string> = new Map([
  ['rename-command', 'rename-command is not supported: commands keep their names'],
  ['loadmodule', 'loadmodule is not supported: this build loads no modules'],
]);

/** Whether a setting's value must be in no log. */
export function isSecretSetting(name: string): boolean {
  const row = NAMES.get(name.toLowerCase());
  return row !== undefined && (SETTINGS[row] as Setting).isSecret === true;
}

/** Names and old names, lower case, to the name of the row. */
export const NAMES: ReadonlyMap<string, SettingName> = new Map(
  settingEntries().flatMap(([name, { alias }]): [string, SettingName][] =>
    alias === undefined
      ? [[name, name]]
      : [
          [name, name],
          [alias, name],
        ],
  ),
);

/** The rows in the order of the table. */
export function settingEntries(): [SettingName, Setting][] {
  return Object.entries(SETTINGS) as [SettingName, Setting][];
}
