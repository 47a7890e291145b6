/** Publish and subscribe: SUBSCRIBE and its kin, PUBLISH, and PUBSUB, which tells who listens. */
import { globMatch } from '../../base/glob.ts';
import { Subject } from '../../store/audience.ts';
import { helpText } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, Route, type Row } from '../row.ts';

const LISTENS = Flag.PubSub | Flag.NoScript | Flag.Loading | Flag.Stale;
const PUBLISHES = Flag.PubSub | Flag.Loading | Flag.Stale | Flag.Fast | Flag.MayReplicate;
const TELLS = Flag.PubSub | Flag.Loading | Flag.Stale;
const OUT_OF_MEMORY = 'OOM no memory left for another channel';

/** A shard channel is no key, but a cluster would look for it where a key of its name is. */
const SHARD_CHANNELS = [key(1, KeyFlag.NotKey, -1)];

const PUBSUB_SUBCOMMANDS: readonly Row[] = [
  {
    name: 'CHANNELS',
    since: '2.8.0',
    arity: -2,
    flags: TELLS,
    summary: 'The channels that somebody listens to.',
    run: (call) => replyNames(call, Subject.Channel),
  },
  {
    name: 'HELP',
    since: '6.2.0',
    arity: 2,
    flags: Flag.Loading | Flag.Stale,
    summary: 'Lists the subcommands.',
    run: help,
  },
  {
    name: 'NUMPAT',
    since: '2.8.0',
    arity: 2,
    flags: TELLS,
    summary: 'How many patterns somebody listens to.',
    run: (call) => call.reply.integer(call.server.pubsub.nameCount(Subject.Pattern)),
  },
  {
    name: 'NUMSUB',
    since: '2.8.0',
    arity: -2,
    flags: TELLS,
    summary: 'How many clients listen to channels.',
    run: (call) => replyListeners(call, Subject.Channel),
  },
  {
    name: 'SHARDCHANNELS',
    since: '7.0.0',
    arity: -2,
    flags: TELLS,
    summary: 'The shard channels that somebody listens to.',
    run: (call) => replyNames(call, Subject.ShardChannel),
  },
  {
    name: 'SHARDNUMSUB',
    since: '7.0.0',
    arity: -2,
    flags: TELLS,
    summary: 'How many clients listen to shard channels.',
    run: (call) => replyListeners(call, Subject.ShardChannel),
  },
];

export const pubsubFamily: Family = {
  group: 'pubsub',
  rows: [
    {
      name: 'SUBSCRIBE',
      since: '2.0.0',
      arity: -2,
      flags: LISTENS | Flag.Sentinel,
      summary: 'Listens to channels.',
      run: (call) => listen(call, Subject.Channel),
    },
    {
      name: 'UNSUBSCRIBE',
      since: '2.0.0',
      arity: -1,
      flags: LISTENS | Flag.Sentinel,
      summary: 'Stops listening to channels, or to all.',
      run: (call) => stopListening(call, Subject.Channel),
    },
    {
      name: 'PSUBSCRIBE',
      since: '2.0.0',
      arity: -2,
      flags: LISTENS | Flag.Sentinel,
      summary: 'Listens to all channels that match patterns.',
      run: (call) => listen(call, Subject.Pattern),
    },
    {
      name: 'PUNSUBSCRIBE',
      since: '2.0.0',
      arity: -1,
      flags: LISTENS | Flag.Sentinel,
      summary: 'Stops listening to patterns, or to all.',
      run: (call) => stopListening(call, Subject.Pattern),
    },
    {
      name: 'SSUBSCRIBE',
      since: '7.0.0',
      arity: -2,
      flags: LISTENS,
      keys: SHARD_CHANNELS,
      route: Route.Here,
      summary: 'Listens to shard channels.',
      run: (call) => listen(call, Subject.ShardChannel),
    },
    {
      name: 'SUNSUBSCRIBE',
      since: '7.0.0',
      arity: -1,
      flags: LISTENS,
      keys: SHARD_CHANNELS,
      route: Route.Here,
      summary: 'Stops listening to shard channels, or to all.',
      run: (call) => stopListening(call, Subject.ShardChannel),
    },
    {
      name: 'PUBLISH',
      since: '2.0.0',
      arity: 3,
      flags: PUBLISHES | Flag.Sentinel,
      summary: 'Sends a message to a channel.',
      run: (call) => publish(call, Subject.Channel),
    },
    {
      name: 'SPUBLISH',
      since: '7.0.0',
      arity: 3,
      flags: PUBLISHES,
      keys: [key(1, KeyFlag.NotKey)],
      route: Route.Here,
      summary: 'Sends a message to a shard channel.',
      run: (call) => publish(call, Subject.ShardChannel),
    },
    {
      name: 'PUBSUB',
      since: '2.8.0',
      arity: -2,
      flags: Flag.None,
      summary: 'Tells who listens to what.',
      subs: PUBSUB_SUBCOMMANDS,
    },
  ],
};

/** The first words of confirmations, by subject. */
const LISTENING = ['subscribe', 'psubscribe', 'ssubscribe'];
const LISTENING_NO_MORE = ['unsubscribe', 'punsubscribe', 'sunsubscribe'];

function listen(call: Call, subject: Subject): void {
  for (let index = 1; index < call.count; index++) {
    const name = call.copyArgument(index);
    if (!call.server.pubsub.subscribe(call.client, subject, name)) return call.reply.error(OUT_OF_MEMORY);
    confirm(call, LISTENING[subject]!, name, subject);
  }
}

function stopListening(call: Call, subject: Subject): void {
  const { pubsub } = call.server;
  const names = call.count === 1 ? pubsub.namesOf(call.client, subject) : [];
  for (let index = 1; index < call.count; index++) names.push(call.copyArgument(index));
  for (const name of names) {
    pubsub.unsubscribe(call.client, subject, name);
    confirm(call, LISTENING_NO_MORE[subject]!, name, subject);
  }
  if (names.length === 0) confirm(call, LISTENING_NO_MORE[subject]!, null, subject);
}

/** Redis: a confirmation is a message like those to come, sent also when replies are not. */
function confirm(call: Call, word: string, name: Buffer | null, subject: Subject): void {
  const { reply, client } = call;
  const start = reply.at;
  reply.push(3);
  reply.bulkText(word);
  if (name === null) reply.nil();
  else reply.bulkBuffer(name);
  reply.integer(confirmedCount(call, subject));
  if (client.replyMode === 'on') return;
  client.deliver(Buffer.from(reply.bytes.u8.subarray(start, reply.at)));
  reply.at = start;
}

/** Redis: channels and patterns are counted together, shard channels on their own. */
function confirmedCount({ client, server: { pubsub } }: Call, subject: Subject): number {
  if (subject === Subject.ShardChannel) return pubsub.countOf(client, Subject.ShardChannel);
  return pubsub.countOf(client, Subject.Channel) + pubsub.countOf(client, Subject.Pattern);
}

function publish(call: Call, subject: Subject.Channel | Subject.ShardChannel): void {
  const { source, args, server } = call;
  call.reply.integer(server.pubsub.publish(subject, source, args[2]!, args[3]!, args[4]!, args[5]!));
}

function replyNames(call: Call, subject: Subject): void {
  const { reply, server } = call;
  if (call.count > 3) {
    return reply.error(
      `ERR unknown subcommand or wrong number of arguments for '${call.text(1).slice(0, 128)}'. Try PUBSUB HELP.`,
    );
  }
  let names = server.pubsub.names(subject);
  if (call.count === 3) {
    const pattern = call.copyArgument(2);
    names = names.filter((name) => globMatch(pattern, 0, pattern.length, name, 0, name.length, false));
  }
  reply.array(names.length);
  for (const name of names) reply.bulkBuffer(name);
}

function replyListeners(call: Call, subject: Subject): void {
  const { reply, source, args, server } = call;
  reply.array((call.count - 2) * 2);
  for (let index = 2; index < call.count; index++) {
    const at = args[index * 2]!;
    const byteCount = args[index * 2 + 1]!;
    reply.bulk(source, at, byteCount);
    reply.integer(server.pubsub.listenerCount(subject, source, at, byteCount));
  }
}

function help(call: Call): void {
  helpText(call.reply, 'PUBSUB', [
    'CHANNELS [<pattern>]',
    '    Tells the channels that somebody listens to, or those of them that match.',
    'NUMPAT',
    '    Tells how many patterns somebody listens to.',
    'NUMSUB [<channel> ...]',
    '    Tells how many clients listen to channels, patterns left aside.',
    'SHARDCHANNELS [<pattern>]',
    '    Tells the shard channels that somebody listens to, or those of them that match.',
    'SHARDNUMSUB [<shardchannel> ...]',
    '    Tells how many clients listen to shard channels.',
  ]);
}
