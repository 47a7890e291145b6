/** What a script reaches of the server: commands under the locks that its own command holds, and the log. */
import type { Bytes } from '../base/bytes.ts';
import type { RespWriter } from '../protocol/resp-writer.ts';
import type { Command } from '../commands/registry.ts';
import { OUT_OF_MEMORY } from '../commands/replies.ts';
import { Flag } from '../commands/row.ts';
import type { ScriptHabit } from '../scripting/script-habits.ts';
import type { ScriptHost } from '../scripting/redis-library.ts';
import { ScriptFlag, type Scripts } from '../scripting/scripts.ts';
import type { Dispatcher } from './dispatch.ts';
import { log } from './log.ts';

export class ServerScriptHost implements ScriptHost {
  private readonly dispatcher: Dispatcher;
  private readonly scripts: () => Scripts;

  constructor(dispatcher: Dispatcher, scripts: () => Scripts) {
    this.dispatcher = dispatcher;
    this.scripts = scripts;
  }

  begin(): void {
    this.dispatcher.journal.beginGroup();
  }

  end(): void {
    this.dispatcher.journal.endGroup();
  }

  call(source: Bytes, args: Int32Array, count: number, reply: RespWriter): string | null {
    const command = this.find(source, args, count);
    if (command === null) return 'Unknown Redis command called from script';
    const { arity, flags } = command;
    if (arity >= 0 ? count !== arity : count < -arity) {
      return 'Wrong number of args calling Redis command from script';
    }
    if ((flags & Flag.NoScript) !== 0) return 'This Redis command is not allowed from script';
    const request = { source, args, count };
    const { client, server } = this.dispatcher;
    const refusal = server.accessLog.refuse(client, command, request, 'lua') ?? this.refuse(command);
    if (refusal !== null) return refusal;
    this.dispatcher.runHeld(command, request, reply);
    return null;
  }

  /** Why the script may not run the command now, or null. */
  private refuse({ flags, grows }: Command): string | null {
    const scripts = this.scripts();
    const { dispatcher } = this;
    const hadWritten = scripts.hasWritten;
    if ((flags & Flag.Write) !== 0) {
      const refusal = scripts.mayWrite();
      if (refusal !== null) return refusal;
      const reason = dispatcher.state?.writeRefusal ?? '';
      if (reason !== '' && !hadWritten) return `-${reason}`;
    }
    // Redis: a script that has begun to write is let end, so that it is not left half done.
    if ((flags & Flag.DenyOom) === 0 || hadWritten) return null;
    if ((scripts.flags & ScriptFlag.AllowOom) !== 0) return null;
    if (grows && !dispatcher.memoryFull) dispatcher.guard.look(0);
    return dispatcher.memoryFull ? `-${OUT_OF_MEMORY}` : null;
  }

  private find(source: Bytes, args: Int32Array, count: number): Command | null {
    const command = this.dispatcher.registry.find(source.u8, args[0]!, args[1]!);
    if (command === null || command.subs === null || count < 2) return command;
    const start = args[2]!;
    const name = source.u8.toString('latin1', start, start + args[3]!).toLowerCase();
    return command.subs.get(name) ?? null;
  }

  mayRun(source: Bytes, args: Int32Array, count: number): boolean | null {
    const command = this.find(source, args, count);
    if (command === null) return null;
    const { permissions } = this.dispatcher.client;
    return permissions === null || permissions.check(command, source, args, count) === null;
  }

  get habit(): ScriptHabit {
    return this.dispatcher.scriptLocks.habit;
  }

  log(level: number, text: string): void {
    if (level === 0 || level === 1) log.debug(text);
    else if (level === 2) log.info(text);
    else log.warn(text);
  }
}
