/** Commands that the state of their client keeps from running at once. */
import type { Command } from '../commands/registry.ts';
import { type Client, Flag, Gate } from '../commands/row.ts';

/** What a subscribed client may ask for in RESP2, where a reply could be taken for a message. */
const SUBSCRIBED_COMMANDS: ReadonlySet<string> = new Set(
  'ping subscribe ssubscribe unsubscribe sunsubscribe psubscribe punsubscribe quit reset'.split(' '),
);
/** What is not queued between MULTI and EXEC. */
const TRANSACTION_COMMANDS: ReadonlySet<string> = new Set('exec discard multi watch quit reset'.split(' '));
const TOUCHES_KEYS = Flag.Write | Flag.ReadOnly | Flag.MayReplicate;

/** The error, or null: the command may run. In Redis' order. */
export function refuseByState(command: Command, client: Client): string | null {
  const { name, flags } = command;
  const { gates, version } = client;
  if ((gates & Gate.Subscribed) !== 0 && version === 2 && !SUBSCRIBED_COMMANDS.has(name)) {
    return (
      `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in ` +
      'this context'
    );
  }
  // Redis: a monitor is a kind of replica.
  if ((gates & Gate.Monitor) !== 0 && (flags & TOUCHES_KEYS) !== 0) {
    return "ERR Replica can't interact with the keyspace";
  }
  if (isQueued(command, client) && (flags & Flag.NoMulti) !== 0) {
    return 'ERR Command not allowed inside a transaction';
  }
  return null;
}

/** Whether the command is to be run with others at the end of a transaction. */
export function isQueued(command: Command, client: Client): boolean {
  return (client.gates & Gate.Transaction) !== 0 && !TRANSACTION_COMMANDS.has(command.name);
}
