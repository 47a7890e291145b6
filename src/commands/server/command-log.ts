/** What SLOWLOG and COMMANDLOG have in common: the logs of all workers, merged when they are asked for. */
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { parseLong } from '../connection/client-arguments.ts';
import type { Call } from '../row.ts';

/** The logs there are, and the setting of how many entries each keeps. */
export const COMMAND_LOGS = {
  slow: 'slowlog-max-len',
  'large-request': 'commandlog-large-request-max-len',
  'large-reply': 'commandlog-large-reply-max-len',
} as const;
export type CommandLogKind = keyof typeof COMMAND_LOGS;

/** One command that took much. */
export interface CommandLogEntry {
  /** Unique in its log, and ascending with time, over all workers. */
  readonly id: number;
  readonly timeS: number;
  /** Microseconds, or the bytes of its request or its reply. */
  readonly amount: number;
  readonly args: readonly Uint8Array[];
  readonly address: string;
  readonly clientName: string;
}

/** Payload of `commandlog.get`, whose answer is the newest entries, the newest first. */
export interface CommandLogRequest {
  readonly kind: CommandLogKind;
  readonly countMax: number;
}

const COUNT_INVALID = 'ERR count should be greater than or equal to -1';

export function tellEntries(call: Call, kind: CommandLogKind, countText: string): void {
  const asked = parseLong(countText);
  if (asked === null || asked < -1n) return call.reply.error(COUNT_INVALID);
  const countMax = Math.min(asked === -1n ? Infinity : Number(asked), lengthMax(call, kind));
  const request: CommandLogRequest = { kind, countMax };
  gather(call, 'commandlog.get', request, (reply, answers) => {
    const entries = (answers as CommandLogEntry[][]).flat().sort((a, b) => b.id - a.id);
    const shown = entries.slice(0, countMax);
    reply.array(shown.length);
    for (const entry of shown) writeEntry(reply, entry);
  });
}

/** Of what the workers have together only the newest are told. */
export function tellLength(call: Call, kind: CommandLogKind): void {
  const most = lengthMax(call, kind);
  gather(call, 'commandlog.length', kind, (reply, answers) => {
    const sum = (answers as number[]).reduce((total, length) => total + length, 0);
    reply.integer(Math.min(sum, most));
  });
}

export function emptyLog(call: Call, kind: CommandLogKind): void {
  const { server } = call;
  if (!call.isInScript) return gather(call, 'commandlog.reset', kind, (reply) => reply.ok());
  void server.askWorkers('commandlog.reset', kind);
  call.reply.ok();
}

/** A script cannot wait for other workers: it is told what this one has. */
function gather(
  call: Call,
  topic: string,
  payload: unknown,
  write: (reply: RespWriter, answers: readonly unknown[]) => void,
): void {
  const { server } = call;
  if (call.isInScript) return write(call.reply, [server.answer(topic, payload)]);
  const parked = call.park();
  void server.askWorkers(topic, payload).then((answers) => parked.resume((reply) => write(reply, answers)));
}

function lengthMax({ server }: Call, kind: CommandLogKind): number {
  return Number(server.setting(COMMAND_LOGS[kind]));
}

function writeEntry(reply: RespWriter, entry: CommandLogEntry): void {
  reply.array(6);
  reply.integer(entry.id);
  reply.integer(entry.timeS);
  reply.integer(entry.amount);
  reply.array(entry.args.length);
  for (const argument of entry.args) reply.bulkBuffer(argument);
  reply.bulkText(entry.address);
  reply.bulkText(entry.clientName);
}
