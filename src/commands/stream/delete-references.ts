/** XDELEX and XACKDEL (Redis 8.2): deleting entries with regard to the groups that have them pending. */
import { deleteWith, References } from '../../store/stream/references.ts';
import { acknowledge } from '../../structures/stream/groups.ts';
import { StreamId } from '../../structures/stream/stream-id.ts';
import { hasEntry } from '../../structures/stream/stream-log.ts';
import { isWord } from '../argument.ts';
import { SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findStream, groupArgument, idArgument, integerArgument, NO_STREAM } from './arguments.ts';

const KEYS = [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)];

export const deleteReferencesRows: readonly Row[] = [
  {
    name: 'XDELEX',
    since: '8.2.0',
    arity: -5,
    flags: Flag.Write | Flag.Fast,
    acl: ['stream'],
    keys: KEYS,
    summary: 'Deletes entries of a stream, and what groups know of them if wanted.',
    run: xdelexCommand,
  },
  {
    name: 'XACKDEL',
    since: '8.2.0',
    arity: -6,
    flags: Flag.Write | Flag.Fast,
    acl: ['stream'],
    keys: KEYS,
    summary: 'Takes entries off what a group has still to acknowledge, and deletes them.',
    run: xackdelCommand,
  },
];

/** What is replied for an id. */
const enum Result {
  Missing = -1,
  Deleted = 1,
  Kept = 2,
}

interface DeleteRequest {
  readonly references: References;
  readonly firstId: number;
}

const scratchId = new StreamId();

/** What KEEPREF, DELREF or ACKED at `index` asks for. Null: it is another word. */
export function referencesWord(call: Call, index: number): References | null {
  if (isWord(call, index, 'KEEPREF')) return References.Keep;
  if (isWord(call, index, 'DELREF')) return References.Delete;
  return isWord(call, index, 'ACKED') ? References.Acknowledged : null;
}

/** The options from argument `index` on, and the ids, all of which are ids. Null: the error has been replied. */
function parseRequest(call: Call, index: number): DeleteRequest | null {
  let references: References = References.Keep;
  let hasReferences = false;
  for (; index < call.count; index++) {
    if (isWord(call, index, 'IDS'))
      return parseIds(call, index + 1) ? { references, firstId: index + 2 } : null;
    const word = referencesWord(call, index);
    if (hasReferences || word === null) break;
    hasReferences = true;
    references = word;
  }
  call.reply.error(SYNTAX_ERROR);
  return null;
}

function parseIds(call: Call, countIndex: number): boolean {
  if (countIndex >= call.count) {
    call.reply.error(SYNTAX_ERROR);
    return false;
  }
  const count = integerArgument(call, countIndex, 'ERR Number of IDs must be a positive integer');
  if (count !== count) return false;
  if (count < 1) call.reply.error('ERR Number of IDs must be a positive integer');
  else if (count !== call.count - countIndex - 1) {
    call.reply.error('ERR The `numids` parameter must match the number of arguments');
  } else {
    for (let index = countIndex + 1; index < call.count; index++) {
      if (!idArgument(call, index, scratchId)) return false;
    }
    return true;
  }
  return false;
}

/** Replies with a number for each id. */
function replyResults(call: Call, firstId: number, resultOf: (id: StreamId) => Result): void {
  call.reply.array(call.count - firstId);
  let changed = false;
  for (let index = firstId; index < call.count; index++) {
    idArgument(call, index, scratchId);
    const result = resultOf(scratchId);
    if (result !== Result.Missing) changed = true;
    call.reply.integer(result);
  }
  if (changed) call.keyspace.touched(call.key);
}

function xdelexCommand(call: Call): void {
  const { shard } = call.key;
  const root = findStream(call, call.key);
  if (root === NO_STREAM) return;
  const request = parseRequest(call, 2);
  if (request === null) return;
  replyResults(call, request.firstId, (id) => {
    if (root === 0 || !hasEntry(shard, root, id)) return Result.Missing;
    return deleteWith(shard, root, id, request.references) ? Result.Deleted : Result.Kept;
  });
}

function xackdelCommand(call: Call): void {
  const { shard } = call.key;
  const root = findStream(call, call.key);
  if (root === NO_STREAM) return;
  const request = parseRequest(call, 3);
  if (request === null) return;
  const group = groupArgument(call, root, 2);
  replyResults(call, request.firstId, (id) => {
    if (group === 0 || !acknowledge(shard, group, id)) return Result.Missing;
    return deleteWith(shard, root, id, request.references) ? Result.Deleted : Result.Kept;
  });
}
