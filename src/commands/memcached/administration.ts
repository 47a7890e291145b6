/** memcached's commands about the server: flush_all, stats, version, verbosity, quit, shutdown. */
import { Control, Counter } from '../../memory/control.ts';
import { parseSigned } from '../../protocol/memcache-number.ts';
import { BAD_FORMAT, expiryOf, numberAt, takeNoReply } from './request.ts';
import { type MemcachedCall, MemcachedEvent, MemcachedRoute, type MemcachedRow, Parsed } from './row.ts';

/** The memcached whose protocol is served: clients look at it to know what they may send. */
export const MEMCACHED_LEVEL = '1.6.18';
/** Worker topic: each worker sets its own memcached statistics back to zero. */
export const RESET_STATISTICS = 'memcached.reset-statistics';

const RESET = Buffer.from('RESET\r\n');
const RESET_FAILED = Buffer.from('SERVER_ERROR statistics could not be reset\r\n');
const BAD_LINE = 'CLIENT_ERROR bad command line';

const here = { tokensMin: 1, tokensMax: Infinity, route: MemcachedRoute.Here, writes: false } as const;

export const ADMINISTRATION_ROWS: readonly MemcachedRow[] = [
  { ...here, verb: 'flush_all', tokensMax: 3, writes: true, parse: parseFlush, run: flushCommand },
  { ...here, verb: 'stats', run: statsCommand },
  { ...here, verb: 'version', run: versionCommand },
  { ...here, verb: 'verbosity', tokensMin: 2, tokensMax: 3, run: verbosityCommand },
  { ...here, verb: 'quit', run: quitCommand },
  { ...here, verb: 'shutdown', run: shutdownCommand },
];

/** `flush_all [delay] [noreply]`: a delay is a time as every other, and is over at once when it is negative. */
function parseFlush(call: MemcachedCall): Parsed {
  takeNoReply(call);
  const { request } = call;
  call.countEvent(MemcachedEvent.CommandFlush);
  request.whenMs = 0;
  if (call.count !== (request.noReply ? 2 : 1)) {
    const delayS = numberAt(call, 1);
    if (Number.isNaN(delayS)) {
      call.reply.text('CLIENT_ERROR invalid exptime argument');
      return Parsed.Refused;
    }
    request.whenMs = expiryOf(delayS, call.keyspace.nowMs);
  }
  return Parsed.Run;
}

function flushCommand(call: MemcachedCall): void {
  const { keyspace, request } = call;
  const delayMs = request.whenMs - keyspace.nowMs;
  const isDone = call.flushLater(Math.max(delayMs, 0));
  call.reply.text(isDone ? 'OK' : 'SERVER_ERROR busy running a script');
}

function versionCommand(call: MemcachedCall): void {
  call.reply.text(`VERSION ${MEMCACHED_LEVEL}`);
}

/** Accepted and without effect: what is logged is the setting `loglevel`. */
function verbosityCommand(call: MemcachedCall): void {
  takeNoReply(call);
  const start = call.args[2]!;
  const level = parseSigned(call.source.u8, start, start + call.args[3]!);
  call.reply.text(level >= 0 ? 'OK' : BAD_FORMAT);
}

function quitCommand(call: MemcachedCall): void {
  call.client.closeAfterReply();
}

function shutdownCommand(call: MemcachedCall): void {
  call.reply.text('ERROR: shutdown not enabled');
}

function statsCommand(call: MemcachedCall): void {
  const topic = call.count === 1 ? '' : call.text(1);
  switch (topic) {
    case '':
      return generalStats(call);
    case 'settings':
      return settingsStats(call);
    case 'items':
      return itemsStats(call);
    case 'slabs':
      return slabsStats(call);
    case 'sizes':
      call.reply.stat('sizes_status', 'disabled');
      return call.reply.end();
    case 'conns':
      return call.reply.end();
    case 'cachedump':
      return call.count < 4 ? call.reply.text(BAD_LINE) : call.reply.end();
    case 'detail':
      return detailStats(call);
    case 'reset':
      return resetStats(call);
    default:
      return call.reply.text('ERROR');
  }
}

function generalStats(call: MemcachedCall): void {
  const { reply, server } = call;
  const { control } = server;
  const total = (event: MemcachedEvent): number => control.total(Counter.MemcachedFirst + event);
  const usage = process.cpuUsage();
  const nowS = Math.floor(call.keyspace.nowMs / 1000);
  reply.stat('pid', process.pid);
  reply.stat('uptime', nowS - control.words[Control.StartedAtS]!);
  reply.stat('time', nowS);
  reply.stat('version', MEMCACHED_LEVEL);
  reply.stat('pointer_size', 64);
  reply.stat('rusage_user', (usage.user / 1e6).toFixed(6));
  reply.stat('rusage_system', (usage.system / 1e6).toFixed(6));
  reply.stat('max_connections', server.setting('maxclients'));
  reply.stat('curr_connections', control.total(Counter.ConnectedClients));
  reply.stat('total_connections', control.total(Counter.ConnectionsReceived));
  reply.stat('rejected_connections', control.total(Counter.RejectedConnections));
  for (const [name, event] of EVENT_NAMES) reply.stat(name, total(event));
  reply.stat('bytes_read', control.total(Counter.NetInputBytes));
  reply.stat('bytes_written', control.total(Counter.NetOutputBytes));
  reply.stat('limit_maxbytes', server.setting('maxmemory'));
  reply.stat('accepting_conns', 1);
  reply.stat('threads', server.workerCount);
  reply.stat('bytes', call.keyspace.usedBytes());
  reply.stat('curr_items', call.keyspace.keyCount(call.database));
  reply.stat('total_items', total(MemcachedEvent.TotalItems));
  reply.stat('evictions', control.total(Counter.EvictedKeys));
  reply.end();
}

/** In memcached's order. */
const EVENT_NAMES: readonly (readonly [string, MemcachedEvent])[] = [
  ['cmd_get', MemcachedEvent.CommandGet],
  ['cmd_set', MemcachedEvent.CommandSet],
  ['cmd_flush', MemcachedEvent.CommandFlush],
  ['cmd_touch', MemcachedEvent.CommandTouch],
  ['cmd_meta', MemcachedEvent.CommandMeta],
  ['get_hits', MemcachedEvent.GetHits],
  ['get_misses', MemcachedEvent.GetMisses],
  ['delete_misses', MemcachedEvent.DeleteMisses],
  ['delete_hits', MemcachedEvent.DeleteHits],
  ['incr_misses', MemcachedEvent.IncrementMisses],
  ['incr_hits', MemcachedEvent.IncrementHits],
  ['decr_misses', MemcachedEvent.DecrementMisses],
  ['decr_hits', MemcachedEvent.DecrementHits],
  ['cas_misses', MemcachedEvent.CasMisses],
  ['cas_hits', MemcachedEvent.CasHits],
  ['cas_badval', MemcachedEvent.CasBadValue],
  ['touch_hits', MemcachedEvent.TouchHits],
  ['touch_misses', MemcachedEvent.TouchMisses],
  ['store_too_large', MemcachedEvent.StoreTooLarge],
  ['store_no_memory', MemcachedEvent.StoreNoMemory],
  ['auth_cmds', MemcachedEvent.AuthCommands],
  ['auth_errors', MemcachedEvent.AuthErrors],
];

function settingsStats(call: MemcachedCall): void {
  const { reply, server } = call;
  reply.stat('maxbytes', server.setting('maxmemory'));
  reply.stat('maxconns', server.setting('maxclients'));
  reply.stat('tcpport', server.setting('memcached-port'));
  reply.stat('udpport', 0);
  reply.stat('inter', server.setting('bind'));
  reply.stat('verbosity', 0);
  reply.stat('evictions', server.setting('maxmemory-policy') === 'noeviction' ? 'off' : 'on');
  reply.stat('domain_socket', 'NULL');
  reply.stat('shutdown_command', 'no');
  reply.stat('num_threads', server.workerCount);
  reply.stat('detail_enabled', 'no');
  reply.stat('cas_enabled', 'yes');
  reply.stat('binding_protocol', 'ascii');
  reply.stat('auth_enabled_sasl', 'no');
  reply.stat('auth_enabled_ascii', server.users.needsAuthentication ? 'yes' : 'no');
  reply.stat('item_size_max', server.setting('memcached-item-size-max'));
  reply.stat('flush_enabled', 'yes');
  reply.stat('dump_enabled', 'no');
  reply.stat('idle_timeout', server.setting('timeout'));
  reply.end();
}

/** There are no slab classes here: all items are shown as one class. */
function itemsStats(call: MemcachedCall): void {
  const itemCount = call.keyspace.keyCount(call.database);
  if (itemCount > 0) call.reply.stat('items:1:number', itemCount);
  call.reply.end();
}

function slabsStats(call: MemcachedCall): void {
  call.reply.stat('active_slabs', 0);
  call.reply.stat('total_malloced', call.keyspace.usedBytes());
  call.reply.end();
}

/** Statistics by key prefix are not kept. */
function detailStats(call: MemcachedCall): void {
  const word = call.count > 2 ? call.text(2) : '';
  if (word === 'dump') return call.reply.end();
  call.reply.text(word === 'on' || word === 'off' ? 'OK' : 'CLIENT_ERROR usage: stats detail on|off|dump');
}

function resetStats(call: MemcachedCall): void {
  const parked = call.client.park();
  void call.server.askWorkers(RESET_STATISTICS, null).then(
    () => parked.resume((reply) => reply.raw(RESET)),
    () => parked.resume((reply) => reply.raw(RESET_FAILED)),
  );
}
