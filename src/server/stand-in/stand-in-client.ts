/** A client that main answers while the worker it has connected to runs a script. */
import type { Socket } from 'bun';
import { Bytes } from '../../base/bytes.ts';
import { DEFAULT_USER } from '../../commands/acl/user-table.ts';
import type { User } from '../../commands/acl/user.ts';
import type { Command } from '../../commands/registry.ts';
import {
  BUSY_FUNCTION,
  BUSY_SCRIPT,
  NO_AUTH,
  WRONG_PASSWORD,
  wrongArityText,
} from '../../commands/replies.ts';
import { replyToKill } from '../../commands/scripting/script.ts';
import { RespReader } from '../../protocol/resp-reader.ts';
import { RespWriter } from '../../protocol/resp-writer.ts';
import type { BusyScripts } from '../../scripting/busy-scripts.ts';
import { Flag } from '../../commands/row.ts';
import { API_VERSION } from '../product.ts';
import type { StandInSetup } from './stand-in.ts';

/** What such a client has to say is short: who sends more, or does not read, is closed. */
const INPUT_BYTES_MAX = 65536;
const REPLY_BYTES = 1024;

export class StandInClient {
  private readonly setup: StandInSetup;
  private readonly busy: BusyScripts;
  private readonly reader = new RespReader(Bytes.allocate(0));
  private readonly reply = new RespWriter(REPLY_BYTES);
  private socket: Socket<undefined> | null = null;
  private input = Buffer.alloc(0);
  private user: User | null;
  private isClosing = false;

  constructor(setup: StandInSetup, busy: BusyScripts) {
    this.setup = setup;
    this.busy = busy;
    this.user = setup.users.needsAuthentication ? null : setup.users.default;
  }

  begin(socket: Socket<undefined>): void {
    this.socket = socket;
  }

  close(): void {
    this.socket?.end();
  }

  receive(socket: Socket<undefined>, chunk: Buffer): void {
    this.input = Buffer.concat([this.input, chunk]);
    const { reader, reply } = this;
    const bytes = new Bytes(this.input.buffer, this.input.byteOffset, this.input.length);
    let at = 0;
    reader.reset();
    reader.authenticated = this.user !== null;
    while (!this.isClosing) {
      const next = reader.read(bytes, at, this.input.length);
      if (next === 0) break;
      if (next < 0) {
        reply.error(reader.error);
        this.isClosing = true;
        break;
      }
      at = next;
      if (reader.count > 0) this.run(this.words());
    }
    this.input = Buffer.from(this.input.subarray(at));
    this.flush(socket);
  }

  private flush(socket: Socket<undefined>): void {
    const { reply } = this;
    const byteCount = reply.at;
    const taken = byteCount === 0 ? 0 : socket.write(reply.take(0, byteCount));
    reply.clear();
    if (this.isClosing || taken < byteCount || this.input.length > INPUT_BYTES_MAX) socket.end();
  }

  /** The request just read, a character for each byte. */
  private words(): string[] {
    const { args, count, source } = this.reader;
    return Array.from({ length: count }, (_, index) => {
      const start = args[index * 2]!;
      return source.u8.toString('latin1', start, start + args[index * 2 + 1]!);
    });
  }

  private find(words: readonly string[]): Command | null {
    const command = this.setup.registry.byName.get(words[0]!.toLowerCase()) ?? null;
    if (command === null || command.subs === null) return command;
    return command.subs.get(words[1]?.toLowerCase() ?? '') ?? null;
  }

  private run(words: readonly string[]): void {
    const { reply } = this;
    const command = this.find(words);
    if (command !== null && !fits(command, words.length)) return reply.error(wrongArityText(command.name));
    const isOpen = command !== null && (command.flags & Flag.NoAuth) !== 0;
    if (this.user === null && !isOpen) return reply.error(NO_AUTH);
    if (command !== null && !isOpen && !this.mayRun(command)) {
      return reply.error(
        `NOPERM User ${this.user!.name} has no permissions to run the '${command.name}' command`,
      );
    }
    this.answer(command?.name ?? '', words);
  }

  private mayRun(command: Command): boolean {
    return this.setup.users.permissionsOf(this.user!)?.allows(command) ?? true;
  }

  private answer(name: string, words: readonly string[]): void {
    const { reply, setup } = this;
    switch (name) {
      case 'auth':
        if (this.authenticate(words.length === 3 ? words[1]! : DEFAULT_USER, words.at(-1)!)) reply.ok();
        return;
      case 'hello':
        return this.hello(words);
      case 'script|kill':
        return replyToKill(reply, setup.states, false);
      case 'function|kill':
        return replyToKill(reply, setup.states, true);
      case 'shutdown':
        // What is to be saved has no worker to be asked for it.
        if (words.some((word) => word.toLowerCase() === 'nosave')) return setup.shutDown();
        return this.refuse();
      case 'quit':
        this.isClosing = true;
        return reply.ok();
      default:
        this.refuse();
    }
  }

  private refuse(): void {
    this.reply.error(this.busy.longest?.isFunction === true ? BUSY_FUNCTION : BUSY_SCRIPT);
  }

  private authenticate(name: string, password: string): boolean {
    const user = this.setup.users.authenticate(name, Buffer.from(password, 'latin1'));
    if (user === null) this.reply.error(WRONG_PASSWORD);
    else this.user = user;
    return user !== null;
  }

  private hello(words: readonly string[]): void {
    const { reply } = this;
    if (words.length > 1 && words[1] !== '2' && words[1] !== '3') {
      return reply.error('NOPROTO unsupported protocol version');
    }
    const authAt = words.findIndex((word, index) => index > 1 && word.toUpperCase() === 'AUTH');
    if (authAt > 0 && !this.authenticate(words[authAt + 1] ?? '', words[authAt + 2] ?? '')) return;
    if (this.user === null) return reply.error(NO_AUTH);
    if (words.length > 1) reply.version = words[1] === '3' ? 3 : 2;
    reply.map(3);
    for (const [field, text] of Object.entries({ server: 'redis', version: API_VERSION })) {
      reply.bulkText(field);
      reply.bulkText(text);
    }
    reply.bulkText('proto');
    reply.integer(reply.version);
  }
}

function fits({ arity }: Command, count: number): boolean {
  return arity >= 0 ? count === arity : count >= -arity;
}
