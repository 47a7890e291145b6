/** Commands that the state of their client keeps from running, queueing in a transaction apart. */
import type { Command } from '../commands/registry.ts';
import { type Client, Flag, Gate } from '../commands/row.ts';

/** What a subscribed client may ask for in RESP2, where a reply could be taken for a message. */
const SUBSCRIBED_COMMANDS: ReadonlySet<string> = new Set(
  'ping subscribe ssubscribe unsubscribe sunsubscribe psubscribe punsubscribe quit reset'.split(' '),
);
/** Redis: these say themselves what is wrong with them between MULTI and EXEC. */
const SELF_REFUSING: ReadonlySet<string> = new Set(['multi', 'watch']);
const TOUCHES_KEYS = Flag.Write | Flag.ReadOnly | Flag.MayReplicate;

/** The error, or null: the command may run. In Redis' order. */
export function refuseByState({ name, flags }: Command, { gates, version }: Client): string | null {
  if ((gates & Gate.Transaction) !== 0 && (flags & Flag.NoMulti) !== 0 && !SELF_REFUSING.has(name)) {
    return 'ERR Command not allowed inside a transaction';
  }
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
  return null;
}
