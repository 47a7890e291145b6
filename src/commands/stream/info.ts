/** XINFO: what is known of a stream, its groups and their consumers. */
import { EntryText } from '../../structures/packed-entry.ts';
import { groupLag } from '../../store/stream/stream.ts';
import {
  consumerAt,
  consumerCount,
  consumerPending,
  consumerPendingCount,
  deliveredMs,
  entriesRead,
  findInGroup,
  groupAt,
  groupCount,
  groupLastId,
  groupPending,
  groupPendingCount,
  pointAtConsumerName,
  pointAtGroupName,
  seenMs,
  unownedCount,
  UNKNOWN_READ,
} from '../../structures/stream/groups.ts';
import { OWN_WORDS, Pending, PendingWalk } from '../../structures/stream/pending-list.ts';
import { loadId, StreamId } from '../../structures/stream/stream-id.ts';
import {
  entriesAdded,
  readStreamId,
  Stream,
  streamLength,
  streamNodes,
} from '../../structures/stream/stream-log.ts';
import { isWord } from '../argument.ts';
import { helpText, NO_SUCH_KEY } from '../replies.ts';
import { type Call, Flag, type Handler, key, KeyFlag, type Row } from '../row.ts';
import { groupArgument, integerArgument, NO_STREAM, readStream } from './arguments.ts';
import { replyEdge, replyId, replyOwner, replyRange, replyTimes } from './entries.ts';

const ACL = ['stream'];
const FULL_COUNT = 10;

export const infoRows: readonly Row[] = [
  {
    name: 'XINFO',
    since: '5.0.0',
    arity: -2,
    flags: Flag.None,
    summary: 'Tells what is known of a stream and its groups.',
    subs: [
      {
        ...sub('CONSUMERS', 4, 'Tells what is known of the consumers of a group.', consumersCommand),
        tips: ['NONDETERMINISTIC_OUTPUT'],
      },
      sub('GROUPS', 3, 'Tells what is known of the groups of a stream.', groupsCommand),
      {
        name: 'HELP',
        since: '5.0.0',
        arity: 2,
        flags: Flag.Loading | Flag.Stale,
        acl: ACL,
        summary: 'Describes the subcommands of XINFO.',
        run: (call) => helpText(call.reply, 'XINFO', HELP),
      },
      sub('STREAM', -3, 'Tells what is known of a stream.', streamCommand),
    ],
  },
];

function sub(name: string, arity: number, summary: string, run: Handler): Row {
  return {
    name,
    since: '5.0.0',
    arity,
    flags: Flag.ReadOnly,
    acl: ACL,
    keys: [key(2, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary,
    run,
  };
}

const HELP = [
  'CONSUMERS <key> <groupname>',
  '    Show consumers of <groupname>.',
  'GROUPS <key>',
  '    Show the stream consumer groups.',
  'STREAM <key> [FULL [COUNT <count>]',
  '    Show information about the stream.',
];

const scratchId = new StreamId();
const scratchText = new EntryText();
const scratchWalk = new PendingWalk();
const MAX = new StreamId();
MAX.setMax();

/** The stream asked about, or NO_STREAM: the error has been replied. */
function openStream(call: Call): number {
  const root = readStream(call, call.key);
  if (root !== 0) return root;
  call.reply.error(NO_SUCH_KEY);
  return NO_STREAM;
}

function replyText({ reply }: Call): void {
  reply.bulk(scratchText.bytes, scratchText.at, scratchText.byteCount);
}

function consumersCommand(call: Call): void {
  const { key, reply, keyspace } = call;
  const { shard } = key;
  const root = openStream(call);
  if (root === NO_STREAM) return;
  const group = groupArgument(call, root, 3);
  if (group === 0) {
    return reply.error(`NOGROUP No such consumer group '${call.text(3)}' for key name '${call.text(2)}'`);
  }
  const count = consumerCount(shard, group);
  reply.array(count);
  for (let i = 0; i < count; i++) {
    const consumer = consumerAt(shard, group, i);
    reply.map(3);
    reply.bulkText('name');
    pointAtConsumerName(shard, consumer, scratchText);
    replyText(call);
    reply.bulkText('pending');
    reply.integer(consumerPendingCount(shard, consumer));
    reply.bulkText('idle');
    reply.integer(Math.max(keyspace.nowMs - seenMs(shard, consumer), 0));
  }
}

function groupsCommand(call: Call): void {
  const { key, reply } = call;
  const { shard } = key;
  const root = openStream(call);
  if (root === NO_STREAM) return;
  const count = groupCount(shard, root);
  reply.array(count);
  for (let i = 0; i < count; i++) {
    const group = groupAt(shard, root, i);
    reply.map(6);
    reply.bulkText('name');
    pointAtGroupName(shard, group, scratchText);
    replyText(call);
    reply.bulkText('consumers');
    reply.integer(consumerCount(shard, group));
    reply.bulkText('pending');
    reply.integer(groupPendingCount(shard, group));
    replyProgress(call, root, group);
  }
}

/** How far a group has read: three pairs. */
function replyProgress(call: Call, root: number, group: number): void {
  const { key, reply } = call;
  reply.bulkText('last-delivered-id');
  groupLastId(key.shard, group, scratchId);
  replyId(reply, scratchId);
  reply.bulkText('entries-read');
  const read = entriesRead(key.shard, group);
  if (read === UNKNOWN_READ) reply.nil();
  else reply.integer(read);
  reply.bulkText('lag');
  const lag = groupLag(key.shard, root, group);
  if (lag === lag) reply.integer(lag);
  else reply.nil();
}

function streamCommand(call: Call): void {
  const { reply, count } = call;
  const root = openStream(call);
  if (root === NO_STREAM) return;
  if (count === 3) return replyStream(call, root);
  const isSyntax =
    (count === 4 || count === 6) && isWord(call, 3, 'FULL') && (count === 4 || isWord(call, 4, 'COUNT'));
  if (!isSyntax) {
    return reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${call.text(1).slice(0, 128)}'. Try XINFO HELP.`,
    );
  }
  let countMax = FULL_COUNT;
  if (count === 6) countMax = integerArgument(call, 5);
  if (countMax !== countMax) return;
  replyFull(call, root, countMax === 0 ? Infinity : countMax < 0 ? FULL_COUNT : countMax);
}

/** What both forms begin with: seven pairs. */
function replyHead({ key, reply }: Call, root: number): void {
  const { shard } = key;
  const nodes = streamNodes(shard, root);
  reply.bulkText('length');
  reply.integer(streamLength(shard, root));
  reply.bulkText('radix-tree-keys');
  reply.integer(nodes);
  reply.bulkText('radix-tree-nodes');
  // Limit: there is no radix tree. It is told what one of the same keys has at least.
  reply.integer(nodes + 1);
  for (const [name, field] of ID_FIELDS) {
    reply.bulkText(name);
    readStreamId(shard, root, field, scratchId);
    replyId(reply, scratchId);
  }
  reply.bulkText('entries-added');
  reply.integer(entriesAdded(shard, root));
  reply.bulkText('recorded-first-entry-id');
  readStreamId(shard, root, Stream.FirstId, scratchId);
  replyId(reply, scratchId);
}

const ID_FIELDS: readonly (readonly [string, number])[] = [
  ['last-generated-id', Stream.LastId],
  ['max-deleted-entry-id', Stream.MaxDeletedId],
];

function replyStream(call: Call, root: number): void {
  const { key, reply } = call;
  reply.map(10);
  replyHead(call, root);
  reply.bulkText('groups');
  reply.integer(groupCount(key.shard, root));
  reply.bulkText('first-entry');
  replyEdge(reply, key.shard, root, false);
  reply.bulkText('last-entry');
  replyEdge(reply, key.shard, root, true);
}

function replyFull(call: Call, root: number, countMax: number): void {
  const { key, reply } = call;
  const { shard } = key;
  reply.map(9);
  replyHead(call, root);
  reply.bulkText('entries');
  scratchId.setZero();
  replyRange(reply, shard, root, scratchId, MAX, countMax, false);
  reply.bulkText('groups');
  const count = groupCount(shard, root);
  reply.array(count);
  for (let i = 0; i < count; i++) replyGroup(call, root, groupAt(shard, root, i), countMax);
}

function replyGroup(call: Call, root: number, group: number, countMax: number): void {
  const { key, reply } = call;
  const { shard } = key;
  reply.map(8);
  reply.bulkText('name');
  pointAtGroupName(shard, group, scratchText);
  replyText(call);
  replyProgress(call, root, group);
  reply.bulkText('pel-count');
  reply.integer(groupPendingCount(shard, group));
  reply.bulkText('pending');
  replyPendingOf(call, group, 0, countMax);
  replyConsumers(call, group, countMax);
  reply.bulkText('nacked-count');
  reply.integer(unownedCount(shard, group));
}

function replyConsumers(call: Call, group: number, countMax: number): void {
  const { key, reply } = call;
  const { shard } = key;
  reply.bulkText('consumers');
  const count = consumerCount(shard, group);
  reply.array(count);
  for (let i = 0; i < count; i++) {
    const consumer = consumerAt(shard, group, i);
    reply.map(4);
    reply.bulkText('name');
    pointAtConsumerName(shard, consumer, scratchText);
    replyText(call);
    reply.bulkText('seen-time');
    reply.integer(seenMs(shard, consumer));
    reply.bulkText('pel-count');
    reply.integer(consumerPendingCount(shard, consumer));
    reply.bulkText('pending');
    replyPendingOf(call, group, consumer, countMax);
  }
}

/** Pending entries of a group, or with `consumer` of one. */
function replyPendingOf(call: Call, group: number, consumer: number, countMax: number): void {
  const { key, reply } = call;
  const { shard } = key;
  const list = consumer === 0 ? groupPending(group) : consumerPending(consumer);
  const entryWords = consumer === 0 ? Pending.Words : OWN_WORDS;
  const all = consumer === 0 ? groupPendingCount(shard, group) : consumerPendingCount(shard, consumer);
  const count = Math.min(all, countMax);
  reply.array(count);
  scratchId.setZero();
  scratchWalk.start(shard, list, entryWords, scratchId);
  for (let i = 0; i < count; i++) {
    const word = scratchWalk.next(shard, list, entryWords);
    loadId(shard.words, word, scratchId);
    const entry = consumer === 0 ? word : findInGroup(shard, group, scratchId);
    reply.array(consumer === 0 ? 4 : 3);
    replyId(reply, scratchId);
    if (consumer === 0) replyOwner(reply, shard, entry);
    reply.integer(deliveredMs(shard, entry));
    replyTimes(reply, shard.words[entry + Pending.Times]!);
  }
}
