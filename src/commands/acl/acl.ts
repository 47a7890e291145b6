/** ACL: what an operator asks about users and changes of them. Changes are main's, which answers when all workers know. */
import { randomBytes } from 'node:crypto';
import { parseLong } from '../connection/client-arguments.ts';
import { helpText, NOT_AN_INTEGER, wrongArity } from '../replies.ts';
import { type Call, type Family, Flag, type Row } from '../row.ts';
import { ACL_CATEGORIES } from '../server/command-facts.ts';
import { type AccessLogEntry, mergeAccessLogs } from './access-log.ts';
import { Denial, Permissions } from './permissions.ts';
import type { Selector } from './selector.ts';
import { DEFAULT_USER } from './user-table.ts';

/** Question of `acl.setuser`; answered by '' or the error. */
export interface SetUserRequest {
  readonly name: string;
  readonly words: readonly string[];
}

const ADMIN = Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Sentinel;
const OPEN = Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Sentinel;
const EVERYWHERE = ['REQUEST_POLICY:ALL_NODES', 'RESPONSE_POLICY:ALL_SUCCEEDED'];
const LOG_ENTRIES_DEFAULT = 10;
const PASSWORD_BITS_DEFAULT = 256n;
const PASSWORD_BITS_MAX = 4096n;
const LONG_MAX = 2n ** 63n - 1n;

/** Most subcommands differ in their arity and handler only. */
function sub(name: string, arity: number, flags: number, summary: string, run: (call: Call) => void): Row {
  const since = name === 'DRYRUN' ? '7.0.0' : '6.0.0';
  return { name, since, arity, flags, summary, run };
}

export const aclFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'ACL',
      since: '6.0.0',
      arity: -2,
      flags: Flag.Sentinel,
      summary: 'Commands about users and what they may do.',
      subs: [
        sub('CAT', -2, OPEN, 'Lists the categories of commands, or the commands of one.', categories),
        {
          ...sub('DELUSER', -3, ADMIN, 'Deletes users and closes their connections.', deleteUsers),
          tips: EVERYWHERE,
        },
        sub('DRYRUN', -4, ADMIN, 'Tells whether a user may run a command.', dryRun),
        sub('GENPASS', -2, OPEN, 'Makes a password of random bits.', generatePassword),
        sub('GETUSER', 3, ADMIN, 'Tells the rules of a user.', getUser),
        sub('HELP', 2, Flag.Loading | Flag.Stale | Flag.Sentinel, 'Lists the subcommands.', help),
        sub('LIST', 2, ADMIN, 'Tells every user as a line of a file.', listUsers),
        sub('LOAD', 2, ADMIN, 'Reads the users from the ACL file again.', loadFile),
        sub('LOG', -2, ADMIN, 'Tells what was refused.', showLog),
        { ...sub('SAVE', 2, ADMIN, 'Writes the users to the ACL file.', saveFile), tips: EVERYWHERE },
        {
          ...sub('SETUSER', -3, ADMIN, 'Makes or changes a user, by all of the rules or none.', setUser),
          tips: EVERYWHERE,
        },
        sub('USERS', 2, ADMIN, 'Lists the names of the users.', userNames),
        sub('WHOAMI', 2, OPEN, 'Tells who the client is.', whoAmI),
      ],
    },
  ],
};

/** An argument as users, rules and keys are kept: a character for each byte. */
function latin1(call: Call, index: number): string {
  return call.copyArgument(index).toString('latin1');
}

function bulkLatin1(call: Pick<Call, 'reply'>, text: string): void {
  call.reply.bulkBuffer(Buffer.from(text, 'latin1'));
}

function argumentsFrom(call: Call, first: number): string[] {
  const words: string[] = [];
  for (let index = first; index < call.count; index++) words.push(latin1(call, index));
  return words;
}

/** Redis: a subcommand that exists, with arguments that it does not take. */
function wrongForm(call: Call): void {
  const name = call.text(1).slice(0, 128);
  call.reply.error(`ERR unknown subcommand or wrong number of arguments for '${name}'. Try ACL HELP.`);
}

function categories(call: Call): void {
  const { reply, server } = call;
  if (call.count > 3) return wrongForm(call);
  if (call.count === 2) {
    reply.array(ACL_CATEGORIES.length);
    for (const name of ACL_CATEGORIES) reply.bulkText(name);
    return;
  }
  const commands = server.users.sets.category(call.text(2));
  if (commands === null) return reply.error(`ERR Unknown category '${call.text(2).slice(0, 128)}'`);
  reply.array(commands.length);
  for (const { name } of commands) reply.bulkText(name);
}

function deleteUsers(call: Call): void {
  const names = argumentsFrom(call, 2);
  const { reply } = call;
  if (names.includes(DEFAULT_USER)) return reply.error("ERR The 'default' user cannot be removed");
  const parked = call.park();
  void call.server.askMain('acl.deluser', names).then((count) => {
    parked.resume((late) => late.integer(Number(count)));
  });
}

function dryRun(call: Call): void {
  const { reply, server } = call;
  const user = server.users.get(latin1(call, 2));
  if (user === undefined) return reply.error(`ERR User '${call.text(2)}' not found`);
  const found = server.registry.byName.get(call.text(3).toLowerCase()) ?? null;
  const isContainer = found !== null && found.subs !== null && call.count > 4;
  const command = isContainer ? found.subs!.get(call.text(4).toLowerCase()) : found;
  if (command === undefined || command === null) {
    return reply.error(`ERR Command '${call.text(3).slice(0, 128)}' not found`);
  }
  const count = call.count - 3;
  if (command.arity > 0 ? command.arity !== count : count < -command.arity) {
    return wrongArity(reply, command.name);
  }
  const args = call.args.subarray(6);
  const refusal = new Permissions(user).check(command, call.source, args, count);
  if (refusal === null) return reply.ok();
  const object = refusal.position === 0 ? '' : latin1(call, refusal.position + 3);
  const what = {
    [Denial.Command]: `run the '${command.name}' command`,
    [Denial.Key]: `access the '${object}' key`,
    [Denial.Auth]: '',
    [Denial.Channel]: `access the '${object}' channel`,
  }[refusal.denial];
  bulkLatin1(call, `This user has no permissions to ${what}`);
}

function generatePassword(call: Call): void {
  if (call.count > 3) return wrongForm(call);
  const bits = call.count === 2 ? PASSWORD_BITS_DEFAULT : parseLong(call.text(2));
  if (bits === null) return call.reply.error(NOT_AN_INTEGER);
  if (bits <= 0n || bits > PASSWORD_BITS_MAX) {
    return call.reply.error(
      'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096',
    );
  }
  const digitCount = Math.ceil(Number(bits) / 4);
  call.reply.bulkText(
    randomBytes(Math.ceil(digitCount / 2))
      .toString('hex')
      .slice(0, digitCount),
  );
}

function getUser(call: Call): void {
  const { reply, server } = call;
  const { sets } = server.users;
  const user = server.users.get(latin1(call, 2));
  if (user === undefined) return reply.nil();
  reply.map(6);
  reply.bulkText('flags');
  const flags = user.flagWords();
  reply.set(flags.length);
  for (const word of flags) reply.bulkText(word);
  reply.bulkText('passwords');
  reply.array(user.passwords.length);
  for (const hash of user.passwords) reply.bulkText(hash);
  const writeSelector = (selector: Selector): void => {
    reply.bulkText('commands');
    bulkLatin1(call, selector.describeCommands(sets));
    reply.bulkText('keys');
    bulkLatin1(call, selector.describeKeys());
    reply.bulkText('channels');
    bulkLatin1(call, selector.describeChannels());
  };
  writeSelector(user.root);
  reply.bulkText('selectors');
  reply.array(user.others.length);
  for (const selector of user.others) {
    reply.map(3);
    writeSelector(selector);
  }
}

function listUsers(call: Call): void {
  const { users } = call.server;
  const sorted = users.sorted;
  call.reply.array(sorted.length);
  for (const user of sorted) bulkLatin1(call, user.describe(users.sets));
}

function userNames(call: Call): void {
  const sorted = call.server.users.sorted;
  call.reply.array(sorted.length);
  for (const { name } of sorted) bulkLatin1(call, name);
}

function whoAmI(call: Call): void {
  bulkLatin1(call, call.client.account);
}

function setUser(call: Call): void {
  const request: SetUserRequest = { name: latin1(call, 2), words: argumentsFrom(call, 3) };
  // In a transaction the commands behind it are run before main has answered.
  if (!call.mayBlock) call.server.answer('acl.setuser.here', request);
  askForOk(call, 'acl.setuser', request);
}

function loadFile(call: Call): void {
  askForOk(call, 'acl.load', null);
}

function saveFile(call: Call): void {
  askForOk(call, 'acl.save', null);
}

/** Asks main, who answers '' or an error. */
function askForOk(call: Call, topic: string, payload: unknown): void {
  const parked = call.park();
  void call.server.askMain(topic, payload).then((answer) => {
    const error = String(answer);
    parked.resume((reply) => (error === '' ? reply.ok() : reply.error(error)));
  });
}

function showLog(call: Call): void {
  if (call.count > 3) return wrongForm(call);
  let wanted = BigInt(LOG_ENTRIES_DEFAULT);
  if (call.count === 3) {
    if (call.text(2).toUpperCase() === 'RESET') return resetLog(call);
    const given = parseLong(call.text(2));
    if (given === null || given > LONG_MAX) return call.reply.error(NOT_AN_INTEGER);
    wanted = given < 0n ? 0n : given;
  }
  const entriesMax = Number(call.server.setting('acllog-max-len'));
  const parked = call.park();
  void call.server.askWorkers('acl.log', null).then((answers) => {
    const merged = mergeAccessLogs(answers as AccessLogEntry[][], entriesMax);
    const entries = merged.slice(0, Number(wanted));
    parked.resume((reply) => {
      reply.array(entries.length);
      for (const entry of entries) writeEntry({ reply }, entry);
    });
  });
}

function writeEntry(call: Pick<Call, 'reply'>, entry: AccessLogEntry): void {
  const { reply } = call;
  reply.map(7);
  reply.bulkText('count');
  reply.integer(entry.count);
  const texts = { reason: entry.reason, context: entry.context, object: entry.object, username: entry.user };
  for (const [name, text] of Object.entries(texts)) {
    reply.bulkText(name);
    bulkLatin1(call, text);
  }
  reply.bulkText('age-seconds');
  reply.double(Math.max(Date.now() - entry.atMs, 0) / 1000);
  reply.bulkText('client-info');
  reply.bulkText(entry.client);
}

function resetLog(call: Call): void {
  const parked = call.park();
  void call.server.askWorkers('acl.log.reset', null).then(() => parked.resume((reply) => reply.ok()));
}

const HELP = [
  'CAT [<category>]',
  '    List all commands that belong to <category>, or all command categories',
  '    when no category is specified.',
  'DELUSER <username> [<username> ...]',
  '    Delete a list of users.',
  'DRYRUN <username> <command> [<arg> ...]',
  '    Returns whether the user can execute the given command without executing the command.',
  'GETUSER <username>',
  "    Get the user's details.",
  'GENPASS [<bits>]',
  '    Generate a secure 256-bit user password. The optional `bits` argument can',
  '    be used to specify a different size.',
  'LIST',
  '    Show users details in config file format.',
  'LOAD',
  '    Reload users from the ACL file.',
  'LOG [<count> | RESET]',
  '    Show the ACL log entries.',
  'SAVE',
  '    Save the current config to the ACL file.',
  'SETUSER <username> <attribute> [<attribute> ...]',
  '    Create or modify a user with the specified attributes.',
  'USERS',
  '    List all the registered usernames.',
  'WHOAMI',
  '    Return the current connection username.',
];

function help(call: Call): void {
  helpText(call.reply, 'ACL', HELP);
}
