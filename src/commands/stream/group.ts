/** Groups of consumers: XGROUP and XACK. */
import { hasRoomFor } from '../../memory/allocator.ts';
import { createStreamKey } from '../../store/stream/stream.ts';
import {
  acknowledge,
  consumerPendingCount,
  createConsumer,
  createGroup,
  destroyGroup,
  findConsumer,
  NAMED_BYTES_MAX,
  removeConsumer,
  setEntriesRead,
  setGroupLastId,
  UNKNOWN_READ,
} from '../../structures/stream/groups.ts';
import { StreamId } from '../../structures/stream/stream-id.ts';
import { readStreamId, Stream } from '../../structures/stream/stream-log.ts';
import { isWord } from '../argument.ts';
import { helpText, OUT_OF_MEMORY } from '../replies.ts';
import { type Call, Flag, type Handler, key, KeyFlag, type Row } from '../row.ts';
import {
  groupArgument,
  idArgument,
  integerArgument,
  isSymbol,
  looseIdArgument,
  type MutableName,
  nameArgument,
  NO_STREAM,
  findStream,
} from './arguments.ts';

const ACL = ['stream'];

export const groupRows: readonly Row[] = [
  {
    name: 'XGROUP',
    since: '5.0.0',
    arity: -2,
    flags: Flag.None,
    summary: 'Manages the groups that read a stream.',
    subs: [
      sub('CREATE', '5.0.0', -5, Flag.DenyOom, KeyFlag.Insert, 'Creates a group.', createCommand),
      sub(
        'CREATECONSUMER',
        '6.2.0',
        5,
        Flag.DenyOom,
        KeyFlag.Insert,
        'Creates a consumer.',
        createConsumerCommand,
      ),
      sub('DELCONSUMER', '5.0.0', 5, Flag.None, KeyFlag.Delete, 'Removes a consumer.', removeConsumerCommand),
      sub('DESTROY', '5.0.0', 4, Flag.None, KeyFlag.Delete, 'Removes a group.', destroyCommand),
      {
        name: 'HELP',
        since: '5.0.0',
        arity: 2,
        flags: Flag.Loading | Flag.Stale,
        acl: ACL,
        summary: 'Describes the subcommands of XGROUP.',
        run: (call) => helpText(call.reply, 'XGROUP', HELP),
      },
      sub('SETID', '5.0.0', -5, Flag.None, KeyFlag.Update, 'Sets the last id of a group.', setIdCommand),
    ],
  },
  {
    name: 'XACK',
    since: '5.0.0',
    arity: -4,
    flags: Flag.Write | Flag.Fast,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    summary: 'Takes entries off what a group has still to acknowledge.',
    run: xackCommand,
  },
];

function sub(
  name: string,
  since: string,
  arity: number,
  flags: number,
  keyFlags: number,
  summary: string,
  run: Handler,
): Row {
  return {
    name,
    since,
    arity,
    flags: Flag.Write | flags,
    acl: ACL,
    keys: [key(2, KeyFlag.ReadWrite | keyFlags)],
    summary,
    run,
  };
}

const HELP = [
  'CREATE <key> <groupname> <id|$> [option]',
  '    Create a new consumer group. Options are:',
  '    * MKSTREAM',
  '      Create the empty stream if it does not exist.',
  '    * ENTRIESREAD entries_read',
  "      Set the group's entries_read counter (internal use).",
  'CREATECONSUMER <key> <groupname> <consumer>',
  '    Create a new consumer in the specified group.',
  'DELCONSUMER <key> <groupname> <consumer>',
  '    Remove the specified consumer.',
  'DESTROY <key> <groupname>',
  '    Remove the specified group.',
  'SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]',
  '    Set the current group ID and entries_read counter.',
];
const NO_KEY =
  'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.';

const scratchId = new StreamId();
const scratchName: MutableName = { bytes: null as never, at: 0, byteCount: 0 };

interface GroupOptions {
  makeStream: boolean;
  entriesRead: number;
}

/** The options of CREATE and SETID. Null: the error has been replied. */
function parseOptions(call: Call, isCreate: boolean): GroupOptions | null {
  const options = { makeStream: false, entriesRead: UNKNOWN_READ };
  for (let index = 5; index < call.count; index++) {
    if (isCreate && isWord(call, index, 'MKSTREAM')) options.makeStream = true;
    else if (index + 1 < call.count && isWord(call, index, 'ENTRIESREAD')) {
      options.entriesRead = integerArgument(call, ++index);
      if (options.entriesRead !== options.entriesRead) return null;
      if (options.entriesRead >= UNKNOWN_READ) continue;
      call.reply.error('ERR value for ENTRIESREAD must be positive or -1');
      return null;
    } else {
      subcommandError(call);
      return null;
    }
  }
  return options;
}

function subcommandError(call: Call): void {
  call.reply.error(
    `ERR unknown subcommand or wrong number of arguments for '${call.text(1).slice(0, 128)}'. Try XGROUP HELP.`,
  );
}

/** The stream that a subcommand is about. 0 where it may be missing; NO_STREAM: the error has been replied. */
function openStream(call: Call, mayBeMissing: boolean): number {
  const root = findStream(call, call.key);
  if (root !== 0 || mayBeMissing) return root;
  call.reply.error(NO_KEY);
  return NO_STREAM;
}

/** The group that a subcommand is about, or 0: the error has been replied. */
function openGroup(call: Call): number {
  const root = openStream(call, false);
  if (root === NO_STREAM) return 0;
  const group = groupArgument(call, root, 3);
  if (group === 0) {
    call.reply.error(`NOGROUP No such consumer group '${call.text(3)}' for key name '${call.text(2)}'`);
  }
  return group;
}

function createCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const options = parseOptions(call, true);
  if (options === null) return;
  let root = openStream(call, options.makeStream);
  if (root === NO_STREAM) return;
  if (call.count > 8) return subcommandError(call);
  scratchId.setZero();
  if (isSymbol(call, 4, '$')) {
    if (root !== 0) readStreamId(key.shard, root, Stream.LastId, scratchId);
  } else if (!idArgument(call, 4, scratchId)) return;
  if (groupArgument(call, root, 3) !== 0) return reply.error('BUSYGROUP Consumer Group name already exists');
  const name = nameArgument(call, 3, scratchName);
  // What comes after creating the stream must not fail.
  if (root === 0 && !hasRoomFor(key.shard, name.byteCount + NAMED_BYTES_MAX))
    return reply.error(OUT_OF_MEMORY);
  if (root === 0) root = createStreamKey(keyspace, key);
  if (root === 0 || createGroup(key.shard, root, name, scratchId, options.entriesRead) === 0) {
    return reply.error(OUT_OF_MEMORY);
  }
  keyspace.touched(key);
  reply.ok();
}

function setIdCommand(call: Call): void {
  const { key, reply } = call;
  const options = parseOptions(call, false);
  if (options === null) return;
  const group = openGroup(call);
  if (group === 0) return;
  if (call.count !== 5 && call.count !== 7) return subcommandError(call);
  if (isSymbol(call, 4, '$')) readStreamId(key.shard, findStream(call, key), Stream.LastId, scratchId);
  else if (!looseIdArgument(call, 4, false, scratchId)) return;
  setGroupLastId(key.shard, group, scratchId);
  setEntriesRead(key.shard, group, options.entriesRead);
  call.keyspace.touched(key);
  reply.ok();
}

function destroyCommand(call: Call): void {
  const { key, reply } = call;
  const root = openStream(call, false);
  if (root === NO_STREAM) return;
  const group = groupArgument(call, root, 3);
  if (group === 0) return reply.integer(0);
  destroyGroup(key.shard, root, group);
  call.keyspace.touched(key);
  reply.integer(1);
}

function createConsumerCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const group = openGroup(call);
  if (group === 0) return;
  const name = nameArgument(call, 4, scratchName);
  if (findConsumer(key.shard, group, name) !== 0) return reply.integer(0);
  if (createConsumer(key.shard, group, name, keyspace.nowMs) === 0) return reply.error(OUT_OF_MEMORY);
  keyspace.touched(key);
  reply.integer(1);
}

function removeConsumerCommand(call: Call): void {
  const { key, reply } = call;
  const group = openGroup(call);
  if (group === 0) return;
  const consumer = findConsumer(key.shard, group, nameArgument(call, 4, scratchName));
  if (consumer === 0) return reply.integer(0);
  const pending = consumerPendingCount(key.shard, consumer);
  removeConsumer(key.shard, group, consumer);
  call.keyspace.touched(key);
  reply.integer(pending);
}

/** Hot. */
function xackCommand(call: Call): void {
  const { key, reply, count } = call;
  const root = findStream(call, key);
  if (root === NO_STREAM) return;
  const group = groupArgument(call, root, 2);
  if (group === 0) return reply.integer(0);
  for (let index = 3; index < count; index++) if (!idArgument(call, index, scratchId)) return;
  let acknowledged = 0;
  for (let index = 3; index < count; index++) {
    // The last one is what the first turn has left.
    if (count > 4) idArgument(call, index, scratchId);
    if (acknowledge(key.shard, group, scratchId)) acknowledged++;
  }
  if (acknowledged > 0) call.keyspace.touched(key);
  reply.integer(acknowledged);
}
