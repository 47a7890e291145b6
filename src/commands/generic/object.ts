/** OBJECT: what is known of a key beside its value. */
import { idleSeconds } from '../../store/eviction/access.ts';
import { type Call, Flag, type Handler, key, KeyFlag, type Row } from '../row.ts';
import { encodingName } from '../value-names.ts';

export const objectRow: Row = {
  name: 'OBJECT',
  since: '2.2.3',
  arity: -2,
  flags: Flag.None,
  summary: 'Tells what is known of a key beside its value.',
  subs: [
    subcommand('ENCODING', '2.2.3', "Tells how Redis would store a key's value.", encodingCommand),
    subcommand('FREQ', '4.0.0', 'Tells how often a key is used.', freqCommand),
    {
      name: 'HELP',
      since: '6.2.0',
      arity: 2,
      flags: Flag.Loading | Flag.Stale,
      acl: ['keyspace'],
      summary: 'Describes the subcommands of OBJECT.',
      run: helpCommand,
    },
    subcommand('IDLETIME', '2.2.3', 'Tells the seconds since a key was last used.', idleTimeCommand),
    subcommand('REFCOUNT', '2.2.3', "Tells the number of references to a key's value.", refCountCommand),
  ],
};

function subcommand(name: string, since: string, summary: string, run: Handler): Row {
  return {
    name,
    since,
    arity: 3,
    flags: Flag.ReadOnly,
    acl: ['keyspace'],
    keys: [key(2, KeyFlag.ReadOnly)],
    tips: ['NONDETERMINISTIC_OUTPUT'],
    summary,
    run,
  };
}

const LFU_SELECTED =
  'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';
const LFU_NOT_SELECTED =
  'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';
const HELP = [
  'OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'ENCODING <key>',
  '    Return the kind of internal representation used in order to store the value',
  '    associated with a <key>.',
  'FREQ <key>',
  '    Return the access frequency index of the <key>. The returned integer is',
  '    proportional to the logarithm of the recent access frequency of the key.',
  'IDLETIME <key>',
  '    Return the idle time of the <key>, that is the approximated number of',
  '    seconds elapsed since the last access to the key.',
  'REFCOUNT <key>',
  '    Return the number of references of the value associated with the specified',
  '    <key>.',
  'HELP',
  '    Prints this help.',
];

function encodingCommand(call: Call): void {
  const record = call.keyspace.peek(call.key);
  if (record === 0) call.reply.nil();
  else call.reply.bulkText(encodingName(call.key.shard, record));
}

function freqCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const record = keyspace.peek(key);
  if (record === 0) return reply.nil();
  const keeper = keyspace.accessKeeper;
  if (keeper === null) reply.error(LFU_NOT_SELECTED);
  else reply.integer(keeper.frequency(key.shard, record));
}

function helpCommand(call: Call): void {
  call.reply.array(HELP.length);
  for (const line of HELP) call.reply.simple(line);
}

function idleTimeCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const record = keyspace.peek(key);
  if (record === 0) reply.nil();
  else if (keyspace.accessKeeper !== null) reply.error(LFU_SELECTED);
  else reply.integer(idleSeconds(keyspace, key.shard, record));
}

/** No value is shared: the keyspace holds the only reference. */
function refCountCommand(call: Call): void {
  if (call.keyspace.peek(call.key) === 0) call.reply.nil();
  else call.reply.integer(1);
}
