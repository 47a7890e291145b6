/** COMMAND: what commands there are, computed from their rows. */
import { globMatch } from '../../base/glob.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { findArguments, writeArguments } from './argument-docs.ts';
import { aclCategories, flagWords, keyFlagWords, legacyKeys } from './command-facts.ts';
import { collectKeyPositions } from '../key-positions.ts';
import type { Command, Registry } from '../registry.ts';
import { helpText, SYNTAX_ERROR } from '../replies.ts';
import { type Call, type Family, Flag, KeyFlag, type KeySpec, type Row } from '../row.ts';

const FLAGS = Flag.Loading | Flag.Stale;
const ANY_ORDER = ['NONDETERMINISTIC_OUTPUT_ORDER'];

export const commandFamily: Family = {
  group: 'server',
  rows: [
    {
      ...about('COMMAND', '2.8.13', -1, 'Describes every command.', allCommands, ANY_ORDER),
      subs: [
        about('COUNT', '2.8.13', 2, 'Tells how many commands there are.', commandCount),
        about('INFO', '2.8.13', -2, 'Describes commands.', commandInfo, ANY_ORDER),
        about('DOCS', '7.0.0', -2, 'Describes commands for people.', commandDocs, ANY_ORDER),
        about(
          'LIST',
          '7.0.0',
          -2,
          'Names the commands, or those a filter lets through.',
          commandList,
          ANY_ORDER,
        ),
        about('GETKEYS', '2.8.13', -3, 'Tells the keys in a command.', commandGetKeys),
        about(
          'GETKEYSANDFLAGS',
          '7.0.0',
          -3,
          'Tells the keys in a command and their use.',
          commandGetKeysAndFlags,
        ),
        about('HELP', '5.0.0', 2, 'Tells what subcommands there are.', commandHelp),
      ],
    },
  ],
};

/** The rows of this family differ in little. */
function about(
  name: string,
  since: string,
  arity: number,
  summary: string,
  run: (call: Call) => void,
  tips: readonly string[] = [],
): Row {
  return { name, since, arity, flags: FLAGS, acl: ['connection'], tips, summary, run };
}

function allCommands(call: Call): void {
  const { byName } = call.server.registry;
  call.reply.array(byName.size);
  for (const command of byName.values()) writeCommand(call.reply, command);
}

function commandCount(call: Call): void {
  call.reply.integer(call.server.registry.byName.size);
}

function commandInfo(call: Call): void {
  if (call.count === 2) return allCommands(call);
  call.reply.array(call.count - 2);
  for (let index = 2; index < call.count; index++) {
    const command = findByFullName(call.server.registry, call.text(index));
    if (command === null) call.reply.nil();
    else writeCommand(call.reply, command);
  }
}

/** `get`, or `config|get`, in any case. */
function findByFullName(registry: Registry, name: string): Command | null {
  const [container = '', sub] = name.toLowerCase().split('|', 2);
  const command = registry.byName.get(container) ?? null;
  return sub === undefined ? command : (command?.subs?.get(sub) ?? null);
}

function writeCommand(reply: RespWriter, command: Command): void {
  const { first, last, step } = legacyKeys(command);
  reply.array(10);
  reply.bulkText(command.name);
  reply.integer(command.arity);
  writeWords(reply, flagWords(command));
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  writeWords(
    reply,
    aclCategories(command).map((category) => `@${category}`),
  );
  const tips = command.row.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.bulkText(tip.toLowerCase());
  reply.set(command.keys.length);
  for (const spec of command.keys) writeKeySpec(reply, spec);
  // Redis: subcommands are an array, none at all an empty set.
  if (command.subs === null) return reply.set(0);
  reply.array(command.subs.size);
  for (const sub of command.subs.values()) writeCommand(reply, sub);
}

/** A set of words as simple strings. */
function writeWords(reply: RespWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

function writeKeySpec(reply: RespWriter, spec: KeySpec): void {
  const { begin, find } = spec;
  reply.map(3);
  reply.bulkText('flags');
  writeWords(reply, keyFlagWords(spec.flags));
  reply.bulkText('begin_search');
  if (begin.kind === 'index') writeTyped(reply, 'index', [['index', begin.position]]);
  else if (begin.kind === 'unknown') writeTyped(reply, 'unknown', []);
  else {
    writeTyped(reply, 'keyword', [
      ['keyword', begin.word],
      ['startfrom', begin.from],
    ]);
  }
  reply.bulkText('find_keys');
  if (find.kind === 'unknown') writeTyped(reply, 'unknown', []);
  else if (find.kind === 'range') {
    writeTyped(reply, 'range', [
      ['lastkey', find.last],
      ['keystep', find.step],
      ['limit', find.limit],
    ]);
  } else {
    writeTyped(reply, 'keynum', [
      ['keynumidx', find.countAt],
      ['firstkey', find.first],
      ['keystep', find.step],
    ]);
  }
}

function writeTyped(reply: RespWriter, type: string, fields: readonly [string, number | string][]): void {
  reply.map(2);
  reply.bulkText('type');
  reply.bulkText(type);
  reply.bulkText('spec');
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.bulkText(value);
  }
}

/** Redis: names that are not known are left out. */
function commandDocs(call: Call): void {
  const { registry } = call.server;
  let commands: readonly Command[] = [...registry.byName.values()];
  if (call.count > 2) {
    const named = Array.from({ length: call.count - 2 }, (_, i) =>
      findByFullName(registry, call.text(i + 2)),
    );
    commands = named.filter((command) => command !== null);
  }
  call.reply.map(commands.length);
  for (const command of commands) writeDocs(call.reply, command);
}

/** Name and documentation of one command. */
function writeDocs(reply: RespWriter, command: Command): void {
  const { row, subs, group } = command;
  const texts: [string, string][] = [
    ['summary', row.summary ?? ''],
    ['since', row.since],
    ['group', group],
  ];
  const args = findArguments(command.name);
  const otherCount = (row.deprecated === true ? 1 : 0) + (args === null ? 0 : 1) + (subs === null ? 0 : 1);
  reply.bulkText(command.name);
  reply.map(texts.length + otherCount);
  for (const [name, text] of texts) {
    reply.bulkText(name);
    reply.bulkText(text);
  }
  if (row.deprecated === true) {
    reply.bulkText('doc_flags');
    writeWords(reply, ['deprecated']);
  }
  if (args !== null) {
    reply.bulkText('arguments');
    writeArguments(reply, args);
  }
  if (subs === null) return;
  reply.bulkText('subcommands');
  reply.map(subs.size);
  for (const sub of subs.values()) writeDocs(reply, sub);
}

/** Subcommands are listed like commands; COUNT leaves them out. */
function commandList(call: Call): void {
  let passes: ((command: Command) => boolean) | null = () => true;
  if (call.count === 5 && call.text(2).toLowerCase() === 'filterby') {
    passes = filterBy(call.text(3).toLowerCase(), call.text(4));
  } else if (call.count > 2) passes = null;
  if (passes === null) return call.reply.error(SYNTAX_ERROR);
  const found = call.server.registry.commands.filter(passes);
  call.reply.array(found.length);
  for (const command of found) call.reply.bulkText(command.name);
}

function filterBy(kind: string, argument: string): ((command: Command) => boolean) | null {
  if (kind === 'module') return () => false;
  if (kind === 'aclcat') return (command) => aclCategories(command).includes(argument.toLowerCase());
  if (kind !== 'pattern') return null;
  const pattern = Buffer.from(argument);
  return ({ name }) => globMatch(pattern, 0, pattern.length, Buffer.from(name), 0, name.length, true);
}

function commandGetKeys(call: Call): void {
  writeKeys(call, (position) => writeArgument(call, position));
}

function commandGetKeysAndFlags(call: Call): void {
  writeKeys(call, (position, flags) => {
    call.reply.array(2);
    writeArgument(call, position);
    writeWords(call.reply, keyFlagWords(flags));
  });
}

function writeArgument(call: Call, index: number): void {
  call.reply.bulk(call.source, call.args[index * 2]!, call.args[index * 2 + 1]!);
}

/** Writes the array of the keys of the request that stands from argument 2 on. */
function writeKeys(call: Call, write: (position: number, flags: number) => void): void {
  const { reply } = call;
  const count = call.count - 2;
  const command = findRequested(call);
  if (command === null) return reply.error('ERR Invalid command specified');
  if (!command.keys.some(({ flags }) => (flags & KeyFlag.NotKey) === 0)) {
    return reply.error('ERR The command has no key arguments');
  }
  if (command.arity > 0 ? command.arity !== count : count < -command.arity) {
    return reply.error('ERR Invalid number of arguments specified for command');
  }
  const positions: number[] = [];
  const request = { u8: call.source.u8, args: call.args.subarray(4), count };
  const fits = collectKeyPositions(command, request, positions);
  if (!fits || positions.length === 0) {
    if ((command.flags & Flag.NoMandatoryKeys) !== 0) return reply.array(0);
    return reply.error('ERR Invalid arguments specified for command');
  }
  reply.array(positions.length / 2);
  for (let i = 0; i < positions.length; i += 2) {
    write(positions[i]! + 2, actualFlags(call, command, positions[i + 1]!));
  }
}

function findRequested(call: Call): Command | null {
  const command = call.server.registry.byName.get(call.text(2).toLowerCase()) ?? null;
  if (command === null || command.subs === null) return command;
  if (call.count < 4) return command.row.run === undefined ? null : command;
  return command.subs.get(call.text(3).toLowerCase()) ?? null;
}

/** Redis: what SET does to its key depends on its options: without GET the old value is not looked at. */
function actualFlags(call: Call, command: Command, flags: number): number {
  if (command.name !== 'set' || (flags & KeyFlag.VariableFlags) === 0) return flags;
  for (let index = 5; index < call.count; index++) {
    if (call.text(index).toLowerCase() === 'get') return KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update;
  }
  return KeyFlag.Overwrite | KeyFlag.Update;
}

const HELP = [
  '(no subcommand)',
  '    Return details about all Redis commands.',
  'COUNT',
  '    Return the total number of commands in this Redis server.',
  'LIST',
  '    Return a list of all commands in this Redis server.',
  'INFO [<command-name> ...]',
  '    Return details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'DOCS [<command-name> ...]',
  '    Return documentation details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'GETKEYS <full-command>',
  '    Return the keys from a full Redis command.',
  'GETKEYSANDFLAGS <full-command>',
  '    Return the keys and the access flags from a full Redis command.',
];

function commandHelp(call: Call): void {
  helpText(call.reply, 'COMMAND', HELP);
}
