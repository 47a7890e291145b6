/** The table `redis` that scripts and functions see. Texts are Redis 7.0's. */
import { createHash } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import { RespWriter } from '../protocol/resp-writer.ts';
import type { Lua } from './lua.ts';
import { LuaIndex, LuaType } from './lua-exports.ts';
import { formatExact } from './number-text.ts';
import { ReplyReader } from './reply-reader.ts';
import type { ScriptHabit } from './script-habits.ts';

/** What a script may ask of the server around it. */
export interface ScriptHost {
  /** A script begins, and has ended: what it changes belongs together. */
  begin(): void;
  end(): void;
  /** Runs a command under the locks held; its reply goes into `reply`. Returns why it was not run, or null. */
  call(source: Bytes, args: Int32Array, count: number, reply: RespWriter): string | null;
  /** Whether the script's user may run a command; null: there is no such command. */
  mayRun(source: Bytes, args: Int32Array, count: number): boolean | null;
  log(level: number, text: string): void;
  /** What the script being run has been like so far; Unknown: that cannot be told. */
  readonly habit: ScriptHabit;
}

const NUMBER_BYTES = 32;
const ARGUMENTS_USUAL = 32;
const REPLY_BYTES = 64 << 10;
const NO_ARGUMENT = 'Please specify at least one argument for this redis lib call';
const WRONG_ARGUMENT = 'Lua redis lib command arguments must be strings or integers';
const LOG_LEVELS = ['LOG_DEBUG', 'LOG_VERBOSE', 'LOG_NOTICE', 'LOG_WARNING'];
const REPLICATION_ALL = 3;
const REPLICATION = { REPL_NONE: 0, REPL_AOF: 1, REPL_REPLICA: 2, REPL_SLAVE: 2, REPL_ALL: REPLICATION_ALL };

export class RedisLibrary {
  /** The protocol version of replies that the script being run has chosen. */
  version: 2 | 3 = 2;
  /** Called before every command: raises an error when the script must end. */
  onCall: (state: number) => void = () => {};
  private readonly lua: Lua;
  private readonly host: ScriptHost;
  private readonly reply = new RespWriter(REPLY_BYTES);
  private readonly reader: ReplyReader;
  private args = new Int32Array(ARGUMENTS_USUAL * 2);
  private readonly versionText: string;

  constructor(lua: Lua, host: ScriptHost, versionText: string) {
    this.lua = lua;
    this.host = host;
    this.versionText = versionText;
    this.reader = new ReplyReader(lua);
  }

  /** Pushes a new table with what scripts and functions both have. */
  pushCommon(state: number): void {
    const { lua } = this;
    const { x } = lua;
    x.lua_createtable(state, 0, 32);
    lua.setFunction(state, 'call', (from) => this.call(from, true));
    lua.setFunction(state, 'pcall', (from) => this.call(from, false));
    lua.setFunction(state, 'log', (from) => this.log(from));
    lua.setFunction(state, 'setresp', (from) => this.setVersion(from));
    lua.setFunction(state, 'error_reply', (from) => this.errorReply(from));
    lua.setFunction(state, 'status_reply', (from) => this.statusReply(from));
    lua.setFunction(state, 'sha1hex', (from) => this.sha1(from));
    lua.setFunction(state, 'set_repl', (from) => this.setReplication(from));
    lua.setFunction(state, 'acl_check_cmd', (from) => this.checkCommand(from));
    LOG_LEVELS.forEach((name, level) => this.setNumber(state, name, level));
    for (const [name, value] of Object.entries(REPLICATION)) this.setNumber(state, name, value);
    const [major, minor, patch] = this.versionText.split('.').map(Number);
    this.setNumber(state, 'REDIS_VERSION_NUM', (major! << 16) | (minor! << 8) | patch!);
    lua.pushText(state, this.versionText);
    lua.setField(state, 'REDIS_VERSION');
  }

  /** Adds what only EVAL's scripts have to the table on top. */
  addForScripts(state: number): void {
    const { lua } = this;
    const { x } = lua;
    lua.setFunction(state, 'replicate_commands', (from) => {
      x.lua_pushboolean(from, 1);
      return 1;
    });
    lua.setFunction(state, 'breakpoint', (from) => {
      x.lua_pushboolean(from, 0);
      return 1;
    });
    lua.setFunction(state, 'debug', () => 0);
  }

  private setNumber(state: number, name: string, value: number): void {
    this.lua.x.lua_pushnumber(state, value);
    this.lua.setField(state, name);
  }

  /** Pushes an error in the form of a table. A text that begins with `-` has a code of its own. */
  pushError(state: number, text: string): void {
    const { lua } = this;
    let message = `ERR ${text}`;
    if (text.startsWith('-')) message = text.includes(' ') ? text.slice(1) : `ERR ${text.slice(1)}`;
    lua.x.lua_createtable(state, 0, 1);
    lua.pushText(state, message.replace(/[\r\n]+$/, ''));
    lua.setField(state, 'err');
  }

  /** Raises such an error. */
  raise(state: number, text: string): never {
    this.pushError(state, text);
    this.lua.x.lua_error(state);
    throw new Error('lua_error came back');
  }

  private refuse(state: number, text: string, raises: boolean): number {
    if (raises) this.raise(state, text);
    this.pushError(state, text);
    return 1;
  }

  /** Hot: redis.call. The arguments are read where they lie in the machine's memory. */
  private call(state: number, raises: boolean): number {
    const { lua, reply } = this;
    this.onCall(state);
    const count = lua.x.lua_gettop(state);
    const problem = this.readArguments(state, count);
    if (problem !== null) return this.refuse(state, problem, raises);
    reply.clear();
    reply.version = this.version;
    const refusal = this.host.call(lua.bytes, this.args, count, reply);
    if (refusal !== null) return this.refuse(state, refusal, raises);
    const isError = reply.bytes.u8[0] === 0x2d;
    this.reader.push(state, reply);
    if (isError && raises) lua.x.lua_error(state);
    return 1;
  }

  private readArguments(state: number, count: number): string | null {
    const { lua } = this;
    if (count === 0) return NO_ARGUMENT;
    if (this.args.length < count * 2) this.args = new Int32Array(count * 4);
    const { args } = this;
    let hasNumbers = false;
    for (let i = 0; i < count; i++) {
      const type = lua.x.lua_type(state, i + 1);
      if (type === LuaType.String) {
        lua.readString(state, i + 1);
        args[i * 2] = lua.textAt;
        args[i * 2 + 1] = lua.textBytes;
      } else if (type === LuaType.Number) hasNumbers = true;
      else return WRONG_ARGUMENT;
    }
    if (hasNumbers) this.writeNumbers(state, count);
    return null;
  }

  private writeNumbers(state: number, count: number): void {
    const { lua, args } = this;
    let at = lua.scratch(count * NUMBER_BYTES);
    if (at === 0) lua.outOfMemory(state);
    for (let i = 0; i < count; i++) {
      if (lua.x.lua_type(state, i + 1) !== LuaType.Number) continue;
      args[i * 2] = at;
      args[i * 2 + 1] = lua.bytes.u8.write(formatExact(lua.x.lua_tonumber(state, i + 1)), at);
      at += NUMBER_BYTES;
    }
  }

  private checkCommand(state: number): number {
    const { lua } = this;
    const count = lua.x.lua_gettop(state);
    const problem = this.readArguments(state, count);
    if (problem !== null) this.raise(state, problem);
    const allowed = this.host.mayRun(lua.bytes, this.args, count);
    if (allowed === null) this.raise(state, 'Invalid command passed to redis.acl_check_cmd()');
    lua.x.lua_pushboolean(state, allowed ? 1 : 0);
    return 1;
  }

  private log(state: number): number {
    const { lua } = this;
    const count = lua.x.lua_gettop(state);
    if (count < 2) this.raise(state, 'redis.log() requires two arguments or more.');
    if (lua.x.lua_isnumber(state, 1) === 0) {
      this.raise(state, 'First argument must be a number (log level).');
    }
    const level = lua.x.lua_tonumber(state, 1);
    if (!(level >= 0 && level < LOG_LEVELS.length)) this.raise(state, 'Invalid debug level.');
    const parts: string[] = [];
    for (let index = 2; index <= count; index++) parts.push(lua.text(state, index));
    this.host.log(Math.trunc(level), parts.join(' '));
    return 0;
  }

  private setVersion(state: number): number {
    const { x } = this.lua;
    if (x.lua_gettop(state) !== 1) this.raise(state, 'redis.setresp() requires one argument.');
    const version = x.lua_tonumber(state, 1);
    if (version !== 2 && version !== 3) this.raise(state, 'RESP version must be 2 or 3.');
    this.version = version;
    return 0;
  }

  private errorReply(state: number): number {
    const { lua } = this;
    if (lua.x.lua_gettop(state) !== 1 || lua.x.lua_type(state, 1) !== LuaType.String) {
      return this.refuse(state, 'wrong number or type of arguments', false);
    }
    const text = lua.text(state, 1);
    this.pushError(state, text.startsWith('-') ? text : `-${text}`);
    return 1;
  }

  private statusReply(state: number): number {
    const { lua } = this;
    if (lua.x.lua_gettop(state) !== 1 || lua.x.lua_type(state, 1) !== LuaType.String) {
      return this.refuse(state, 'wrong number or type of arguments', false);
    }
    lua.x.lua_createtable(state, 0, 1);
    lua.x.lua_pushvalue(state, 1);
    lua.setField(state, 'ok');
    return 1;
  }

  private sha1(state: number): number {
    const { lua } = this;
    if (lua.x.lua_gettop(state) !== 1) this.raise(state, 'wrong number of arguments');
    const hash = createHash('sha1');
    if (lua.readString(state, 1)) {
      hash.update(lua.bytes.u8.subarray(lua.textAt, lua.textAt + lua.textBytes));
    }
    lua.pushText(state, hash.digest('hex'));
    return 1;
  }

  /** Accepted and checked; what is replicated is the effect of every write, whatever the script asks for. */
  private setReplication(state: number): number {
    const { x } = this.lua;
    if (x.lua_gettop(state) !== 1) this.raise(state, 'redis.set_repl() requires two arguments.');
    const flags = x.lua_tonumber(state, -1);
    if ((flags & ~REPLICATION_ALL) !== 0) {
      this.raise(state, 'Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.');
    }
    return 0;
  }

  /** Keeps the value on top for later and pops it. */
  keep(state: number): number {
    return this.lua.x.luaL_ref(state, LuaIndex.Registry);
  }

  /** Gives back what a huge reply has needed. */
  trim(): void {
    this.reply.clear();
  }
}
