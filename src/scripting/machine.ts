/**
 * One worker's machine for scripts: Lua with Redis' libraries in a sandbox, the scripts it has compiled, and the running
 * of one at a time under a hook that lets it be killed.
 */
import type { Bytes } from '../base/bytes.ts';
import { AssertionError } from '../base/assert.ts';
import { ReplyTooLargeError, type RespWriter } from '../protocol/resp-writer.ts';
import { pushBitLibrary } from './libraries/bit.ts';
import { pushCjsonLibrary } from './libraries/cjson.ts';
import { pushCmsgpackLibrary } from './libraries/cmsgpack.ts';
import { ScriptRandom } from './libraries/random.ts';
import { pushStructLibrary } from './libraries/struct.ts';
import { Lua } from './lua.ts';
import { LuaGc, LuaHook, LuaIndex, LuaStatus, LuaType } from './lua-exports.ts';
import { RedisLibrary, type ScriptHost } from './redis-library.ts';
import { writeReply } from './reply-writing.ts';
import { ScriptStrayedError } from './script-habits.ts';
import { SANDBOX_NAME, SANDBOX_SOURCE } from './sandbox-source.ts';

/** Asked now and then while a script runs. */
export interface Watch {
  /** Called every so many instructions: why the script must end, or null. */
  look(): string | null;
}

/** Arguments of a script: a range of a request's arguments. */
export interface ScriptArguments {
  readonly source: Bytes;
  readonly args: Int32Array;
  readonly count: number;
  readonly firstKey: number;
  readonly keyCount: number;
}

const HOOK_INSTRUCTIONS = 10_000;
/** Few instructions may be many commands that take long: one in so many of them is a look too. A power of two. */
const CALLS_PER_LOOK = 8;
/** A machine that has grown beyond this is replaced after the script: it gives no memory back to the system. */
const KEPT_BYTES = 64 << 20;
const SCRIPT_NAME = '@user_script';

export class ScriptMachine {
  readonly lua = new Lua();
  readonly library: RedisLibrary;
  /** It has trapped, or has grown too large: not to be used again. */
  isSpent = false;
  private readonly random = new ScriptRandom();
  private readonly compiled = new Map<string, number>();
  private readonly handler: number;
  private readonly globals: number;
  private readonly environment: number;
  private readonly hook: number;
  private readonly chunkName: number;
  private watch: Watch | null = null;
  private callCount = 0;
  private libraryGlobals = 0;
  private libraryRedis = 0;
  private libraryEnvironment = 0;

  constructor(host: ScriptHost, versionText: string) {
    const { lua } = this;
    const { x, state } = lua;
    this.library = new RedisLibrary(lua, host, versionText);
    this.library.onCall = (from) => {
      if ((++this.callCount & (CALLS_PER_LOOK - 1)) === 0) this.look(from);
    };
    this.hook = lua.addHook((from) => this.look(from));
    this.chunkName = lua.cString(SCRIPT_NAME);
    this.makeSandbox();
    lua.rawField(state, -1, 'handler');
    this.handler = this.library.keep(state);
    this.globals = this.makeGlobals(true);
    this.environment = this.makeEnvironment(this.globals);
    this.makeLibraryGlobals();
    x.lua_rawgeti(state, LuaIndex.Registry, this.environment);
    x.lua_replace(state, LuaIndex.Globals);
    x.lua_settop(state, 0);
    x.lua_gc(state, LuaGc.Collect, 0);
  }

  /** Leaves the host's table on the stack. */
  private makeSandbox(): void {
    const { lua, random } = this;
    const { x, state } = lua;
    x.lua_createtable(state, 0, 16);
    random.addTo(lua, state);
    lua.setFunction(state, 'clock', (from) => {
      x.lua_pushnumber(from, process.cpuUsage().user / 1e6);
      return 1;
    });
    lua.setFunction(state, 'checkpoint', (from) => {
      this.look(from);
      return 0;
    });
    pushBitLibrary(lua, state);
    lua.setField(state, 'bit');
    pushCjsonLibrary(lua, state);
    lua.setField(state, 'cjson');
    pushCmsgpackLibrary(lua, state);
    lua.setField(state, 'cmsgpack');
    pushStructLibrary(lua, state);
    lua.setField(state, 'struct');
    this.load(Buffer.from(SANDBOX_SOURCE), lua.cString(SANDBOX_NAME));
    x.lua_pushvalue(state, -2);
    x.lua_pcall(state, 1, 0, 0);
  }

  /** The globals of scripts or of functions. The host's table is on top. */
  private makeGlobals(forScripts: boolean): number {
    const { lua } = this;
    const { x, state } = lua;
    lua.rawField(state, -1, 'globals');
    this.library.pushCommon(state);
    if (forScripts) this.library.addForScripts(state);
    else {
      x.lua_pushvalue(state, -1);
      this.libraryRedis = this.library.keep(state);
    }
    x.lua_pcall(state, 1, 1, 0);
    return this.library.keep(state);
  }

  private makeEnvironment(globals: number): number {
    const { lua } = this;
    const { x, state } = lua;
    lua.rawField(state, -1, 'environment');
    x.lua_rawgeti(state, LuaIndex.Registry, globals);
    x.lua_pcall(state, 1, 1, 0);
    return this.library.keep(state);
  }

  private makeLibraryGlobals(): void {
    this.libraryGlobals = this.makeGlobals(false);
    this.libraryEnvironment = this.makeEnvironment(this.libraryGlobals);
  }

  /** Compiles `body` and pushes the function, or pushes why not and returns false. */
  private load(body: Uint8Array, chunkName: number): boolean {
    const { lua } = this;
    const { x, state } = lua;
    const at = lua.scratch(body.length);
    if (at === 0) {
      lua.pushText(state, 'not enough memory');
      return false;
    }
    lua.bytes.u8.set(body, at);
    // Bytecode is never loaded: it is not checked.
    if (body[0] === 0x1b) lua.bytes.u8[at] = 0x01;
    return x.luaL_loadbuffer(state, at, body.length, chunkName) === LuaStatus.Ok;
  }

  /** Compiles a script under its SHA-1. Returns why it cannot be, or null. */
  compile(sha: string, body: Uint8Array): string | null {
    if (this.compiled.has(sha)) return null;
    const { lua } = this;
    if (!this.load(body, this.chunkName)) {
      const text = lua.text(lua.state, -1);
      lua.x.lua_settop(lua.state, 0);
      return `ERR Error compiling script (new function): ${text}`;
    }
    this.compiled.set(sha, this.library.keep(lua.state));
    return null;
  }

  /** Lets go of every script compiled. */
  forgetScripts(): void {
    const { x, state } = this.lua;
    for (const ref of this.compiled.values()) x.luaL_unref(state, LuaIndex.Registry, ref);
    this.compiled.clear();
  }

  /** Runs a script that was compiled and writes its reply. */
  runScript(sha: string, request: ScriptArguments, reply: RespWriter, watch: Watch): void {
    const { lua } = this;
    const { x, state } = lua;
    this.guarded(sha, reply, watch, () => {
      x.lua_rawgeti(state, LuaIndex.Registry, this.handler);
      x.lua_rawgeti(state, LuaIndex.Registry, this.globals);
      const behindKeys = request.firstKey + request.keyCount;
      this.pushArguments(request, request.firstKey, behindKeys);
      lua.setField(state, 'KEYS');
      this.pushArguments(request, behindKeys, request.count);
      lua.setField(state, 'ARGV');
      x.lua_settop(state, 1);
      x.lua_rawgeti(state, LuaIndex.Registry, this.compiled.get(sha)!);
      return x.lua_pcall(state, 0, 1, 1);
    });
  }

  /** Runs a function of a library and writes its reply. `ref`: what `keep` has returned for it. */
  runFunction(name: string, ref: number, request: ScriptArguments, reply: RespWriter, watch: Watch): void {
    const { x, state } = this.lua;
    this.guarded(name, reply, watch, () => {
      x.lua_rawgeti(state, LuaIndex.Registry, this.handler);
      x.lua_rawgeti(state, LuaIndex.Registry, ref);
      const behindKeys = request.firstKey + request.keyCount;
      this.pushArguments(request, request.firstKey, behindKeys);
      this.pushArguments(request, behindKeys, request.count);
      return x.lua_pcall(state, 2, 1, 1);
    });
  }

  /** Pushes a table of the arguments [from, to). */
  private pushArguments(request: ScriptArguments, from: number, to: number): void {
    const { lua } = this;
    const { x, state } = lua;
    const { args } = request;
    x.lua_createtable(state, to - from, 0);
    if (to <= from) return;
    const start = args[from * 2]!;
    const byteCount = args[to * 2 - 2]! + args[to * 2 - 1]! - start;
    const at = lua.scratch(byteCount);
    if (at === 0) throw new RangeError('not enough memory');
    request.source.u8.copy(lua.bytes.u8, at, start, start + byteCount);
    for (let index = from; index < to; index++) {
      x.lua_pushlstring(state, at + args[index * 2]! - start, args[index * 2 + 1]!);
      x.lua_rawseti(state, -2, index - from + 1);
    }
  }

  /** Runs `call`, which leaves a value or an error on the stack, and makes a reply of it. */
  private guarded(name: string, reply: RespWriter, watch: Watch, call: () => number): void {
    const { lua, library } = this;
    const { x, state } = lua;
    library.version = 2;
    this.watch = watch;
    const start = reply.at;
    try {
      x.lua_sethook(state, this.hook, LuaHook.Count, HOOK_INSTRUCTIONS);
      const status = call();
      if (status === LuaStatus.Ok) writeReply(lua, state, reply, library.version);
      else this.writeError(name, reply);
    } catch (thrown) {
      this.isSpent = true;
      if (thrown instanceof AssertionError || thrown instanceof ReplyTooLargeError) throw thrown;
      if (thrown instanceof ScriptStrayedError) throw thrown;
      // What was written of the reply is no whole one.
      reply.at = start;
      if (thrown instanceof RangeError) return reply.error('ERR reached lua stack limit');
      reply.error(
        `ERR Error running script ${name}, ${thrown instanceof Error ? thrown.message : 'not enough memory'}`,
      );
      return;
    } finally {
      this.watch = null;
      if (lua.memoryBytes > KEPT_BYTES) this.isSpent = true;
    }
    x.lua_settop(state, 0);
    lua.trimScratch();
    library.trim();
  }

  private writeError(name: string, reply: RespWriter): void {
    const { lua } = this;
    const { x, state } = lua;
    if (x.lua_type(state, -1) !== LuaType.Table) {
      const text = x.lua_type(state, -1) === LuaType.String ? lua.text(state, -1) : 'execution failure';
      return reply.error(`ERR Error running script ${name}, ${text.slice(0, 100)}`);
    }
    const field = (key: string) => {
      lua.rawField(state, -1, key);
      const text = lua.text(state, -1);
      lua.pop(state, 1);
      return text;
    };
    const message = field('err') || 'ERR unknown error';
    const source = field('source');
    const line = field('line');
    const place = source !== '' && line !== '' ? ` script: ${name}, on ${source}:${line}.` : '';
    reply.error(message + place);
  }

  private look(state: number): void {
    const reason = this.watch?.look() ?? null;
    if (reason === null) return;
    // A script that swallows the error meets it again with its next instruction.
    this.lua.x.lua_sethook(state, this.hook, LuaHook.Line | LuaHook.Count, 1);
    this.library.raise(state, reason);
  }

  /**
   * Runs the code of a library, in which functions are registered: `register` is what redis.register_function does, and
   * redis.call does nothing there. Returns why it failed, or null.
   */
  loadLibrary(body: Uint8Array, register: (state: number) => number, watch: Watch): string | null {
    const { lua } = this;
    const { x, state } = lua;
    this.watch = watch;
    try {
      if (!this.load(body, this.chunkNameOfFunctions())) {
        return `ERR Error compiling function: ${lua.text(state, -1)}`;
      }
      x.lua_rawgeti(state, LuaIndex.Registry, this.libraryEnvironment);
      x.lua_setfenv(state, -2);
      this.setLoading(register);
      x.lua_rawgeti(state, LuaIndex.Registry, this.handler);
      x.lua_insert(state, 1);
      x.lua_sethook(state, this.hook, LuaHook.Count, HOOK_INSTRUCTIONS);
      const status = x.lua_pcall(state, 0, 0, 1);
      return status === LuaStatus.Ok ? null : `ERR Error registering functions: ${this.loadError()}`;
    } catch (thrown) {
      this.isSpent = true;
      if (thrown instanceof AssertionError) throw thrown;
      return `ERR Error registering functions: ${thrown instanceof Error ? thrown.message : 'not enough memory'}`;
    } finally {
      this.watch = null;
      this.setLoading(null);
      x.lua_settop(state, 0);
    }
  }

  private loadError(): string {
    const { lua } = this;
    const { x, state } = lua;
    if (x.lua_type(state, -1) !== LuaType.Table) return lua.text(state, -1);
    lua.rawField(state, -1, 'err');
    return lua.text(state, -1);
  }

  private functionsName = 0;

  private chunkNameOfFunctions(): number {
    if (this.functionsName === 0) this.functionsName = this.lua.cString('@user_function');
    return this.functionsName;
  }

  /** While a library is loaded its `redis` can register functions, and not call commands. */
  private setLoading(register: ((state: number) => number) | null): void {
    const { lua } = this;
    const { x, state } = lua;
    if (this.callRef === 0) this.keepCalls();
    x.lua_rawgeti(state, LuaIndex.Registry, this.libraryRedis);
    this.registering = register;
    const refs: readonly [string, number][] = [
      ['call', register === null ? this.callRef : this.noCallRef],
      ['pcall', register === null ? this.pcallRef : this.noPcallRef],
      ['register_function', register === null ? this.nilRef : this.registerRef],
    ];
    for (const [name, ref] of refs) {
      if (ref === this.nilRef) x.lua_pushnil(state);
      else x.lua_rawgeti(state, LuaIndex.Registry, ref);
      lua.setField(state, name);
    }
    lua.pop(state, 1);
  }

  private callRef = 0;
  private pcallRef = 0;
  private noCallRef = 0;
  private noPcallRef = 0;
  private registerRef = 0;
  private readonly nilRef = -1;
  private registering: ((state: number) => number) | null = null;

  private keepCalls(): void {
    const { lua } = this;
    const { x, state } = lua;
    x.lua_rawgeti(state, LuaIndex.Registry, this.libraryRedis);
    lua.rawField(state, -1, 'call');
    this.callRef = this.library.keep(state);
    lua.rawField(state, -1, 'pcall');
    this.pcallRef = this.library.keep(state);
    this.noCallRef = this.keepMissing('call');
    this.noPcallRef = this.keepMissing('pcall');
    x.lua_pushcclosure(
      state,
      lua.addFunction((from) => this.registering?.(from) ?? 0),
      0,
    );
    this.registerRef = this.library.keep(state);
    lua.pop(state, 1);
  }

  /** A function that says that there is none of its name. */
  private keepMissing(name: string): number {
    const { lua } = this;
    const text = `Script attempted to access nonexistent global variable '${name}'`;
    lua.x.lua_pushcclosure(
      lua.state,
      lua.addFunction((from) => lua.fail(from, text)),
      0,
    );
    return this.library.keep(lua.state);
  }
}
