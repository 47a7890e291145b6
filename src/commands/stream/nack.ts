/** XNACK (Redis 8.8): giving pending entries back, so that whoever claims next has them at once. */
import { hasRoomToDeliver } from '../../store/stream/stream.ts';
import { findInGroup, releasePending, TIMES_MAX } from '../../structures/stream/groups.ts';
import { Pending } from '../../structures/stream/pending-list.ts';
import { StreamId } from '../../structures/stream/stream-id.ts';
import { hasEntry } from '../../structures/stream/stream-log.ts';
import { isWord } from '../argument.ts';
import { OUT_OF_MEMORY, wrongArity } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findStream, groupArgument, idArgument, integerArgument, NO_STREAM, noGroup } from './arguments.ts';

export const nackRows: readonly Row[] = [
  {
    name: 'XNACK',
    since: '8.8.0',
    arity: -7,
    flags: Flag.Write | Flag.Fast,
    acl: ['stream'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    summary: 'Gives pending entries back to their group, to be delivered again at once.',
    run: xnackCommand,
  },
];

/** What becomes of the count of deliveries. */
const enum Mode {
  /** This one did not count. */
  Silent,
  Fail,
  /** As many as there can be. */
  Fatal,
}

const scratchRequest = { mode: Mode.Fail as Mode, firstId: 0, idCount: 0, times: -1, force: false };
const scratchId = new StreamId();

function modeArgument(call: Call, index: number): Mode | null {
  if (isWord(call, index, 'SILENT')) return Mode.Silent;
  if (isWord(call, index, 'FAIL')) return Mode.Fail;
  return isWord(call, index, 'FATAL') ? Mode.Fatal : null;
}

/** Parses everything behind the group. False: the error has been replied. */
function parseRequest(call: Call): boolean {
  const { reply } = call;
  const request = scratchRequest;
  const mode = modeArgument(call, 3);
  if (mode === null) {
    reply.error('ERR mode must be SILENT, FAIL, or FATAL');
    return false;
  }
  request.mode = mode;
  request.firstId = 0;
  request.times = -1;
  request.force = false;
  for (let index = 4; index < call.count;) {
    const rest = call.count - index - 1;
    if (request.firstId === 0 && rest > 0 && isWord(call, index, 'IDS')) {
      if (!parseIds(call, index + 1)) return false;
      index = request.firstId + request.idCount;
    } else if (rest > 0 && isWord(call, index, 'RETRYCOUNT')) {
      const times = integerArgument(call, index + 1);
      if (times !== times) return false;
      if (times < 0) {
        reply.error('ERR Invalid RETRYCOUNT value, must be >= 0');
        return false;
      }
      request.times = Math.min(times, TIMES_MAX);
      index += 2;
    } else if (isWord(call, index, 'FORCE')) {
      request.force = true;
      index++;
    } else {
      reply.error(`ERR Unrecognized XNACK option '${call.text(index)}'`);
      return false;
    }
  }
  if (request.firstId !== 0) return true;
  reply.error('ERR syntax error, expected IDS keyword');
  return false;
}

function parseIds(call: Call, countIndex: number): boolean {
  const request = scratchRequest;
  const error = 'ERR numids must be a positive integer';
  const count = integerArgument(call, countIndex, error);
  if (count !== count) return false;
  if (count < 1) call.reply.error(error);
  else if (count > call.count - countIndex - 1) call.reply.error("ERR number of IDs doesn't match numids");
  else {
    request.firstId = countIndex + 1;
    request.idCount = count;
    for (let i = 0; i < count; i++) if (!idArgument(call, request.firstId + i, scratchId)) return false;
    return true;
  }
  return false;
}

function xnackCommand(call: Call): void {
  const { key, reply, keyspace } = call;
  const { shard } = key;
  const root = findStream(call, key);
  if (root === NO_STREAM) return;
  if (call.count < 7) return wrongArity(reply, 'xnack');
  const group = groupArgument(call, root, 2);
  if (group === 0) return noGroup(call);
  if (!parseRequest(call)) return;
  const { firstId, idCount, force } = scratchRequest;
  if (force && !hasRoomToDeliver(shard, idCount, 0)) return reply.error(OUT_OF_MEMORY);
  let released = 0;
  for (let index = firstId; index < firstId + idCount; index++) {
    idArgument(call, index, scratchId);
    const found = findInGroup(shard, group, scratchId);
    if (found === 0 && !(force && hasEntry(shard, root, scratchId))) continue;
    const entry = releasePending(shard, group, found, scratchId);
    shard.words[entry + Pending.Times] = timesAfter(shard.words[entry + Pending.Times]!);
    released++;
  }
  if (released > 0) keyspace.touched(key);
  reply.integer(released);
}

function timesAfter(times: number): number {
  const request = scratchRequest;
  if (request.times >= 0) return request.times;
  if (request.mode === Mode.Fatal) return TIMES_MAX;
  return request.mode === Mode.Silent ? Math.max(times - 1, 0) : times;
}
