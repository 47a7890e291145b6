/**
 * One Lua 5.1 machine: the C Lua compiled to WebAssembly, used through its raw exports so that strings are bytes both
 * ways. A Lua error is a longjmp, which here is a JavaScript exception that passes through our functions between two
 * frames of Lua: a function called by Lua must leave nothing half done when something it calls throws.
 * The machine's memory is bounded; a machine that has trapped is broken and must be replaced.
 */
import { readFileSync } from 'node:fs';
import wasmPath from 'wasmoon-lua5.1/dist/liblua5.1.wasm' with { type: 'file' };
import { Bytes } from '../base/bytes.ts';
import { type LuaExports, LuaIndex, LuaType, TYPE_NAMES } from './lua-exports.ts';

/** A function that Lua calls: arguments are on the stack of `state`; returns how many results it has pushed. */
export type LuaFunction = (state: number) => number;

/** A script that needs more is told so. */
const MEMORY_BYTES_MAX = 512 << 20;
const WASM_PAGE_BYTES = 65536;
const SCRATCH_BYTES = 64 << 10;
/** What ends a Lua call in Emscripten's way: anything thrown that is a number. */
const LONG_JUMP = Infinity;
const BAD_FILE = 8;
const NO_SUCH_CALL = -52;

/** `(module (import "e" "f" (func (param i32 ...) (result i32 ...))) (export "f" (func 0)))` */
const FUNCTION_MODULE = [0x60, 1, 0x7f, 1, 0x7f];
const HOOK_MODULE = [0x60, 2, 0x7f, 0x7f, 0];

let scratchModule: WebAssembly.Module | null = null;

function luaModule(): WebAssembly.Module {
  scratchModule ??= new WebAssembly.Module(readFileSync(wasmPath));
  return scratchModule;
}

/** Makes a function of ours one that a WebAssembly table takes. */
function wrap(type: readonly number[], code: (...values: number[]) => unknown): CallableFunction {
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, type.length + 1, 1];
  const bytes = Uint8Array.from(head.concat(type, [2, 7, 1, 1, 0x65, 1, 0x66, 0, 0, 7, 5, 1, 1, 0x66, 0, 0]));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { f: code } });
  return instance.exports['f'] as CallableFunction;
}

export class Lua {
  readonly x: LuaExports;
  /** Its memory; replaced when that grows, so never kept over a call into Lua. */
  bytes!: Bytes;
  /** The main coroutine. */
  readonly state: number;
  /** Bytes that the last `readString` found: where they begin and how many. */
  textAt = 0;
  textBytes = 0;
  private readonly lengthAt: number;
  private scratchAt: number;
  private scratchBytes = SCRATCH_BYTES;
  private readonly names = new Map<string, { at: number; byteCount: number }>();

  constructor() {
    const instance = new WebAssembly.Instance(luaModule(), this.imports());
    this.x = instance.exports as object as LuaExports;
    this.refreshViews();
    this.x.emscripten_stack_init();
    this.x.__wasm_call_ctors();
    this.lengthAt = this.x.malloc(8);
    this.scratchAt = this.x.malloc(SCRATCH_BYTES);
    this.state = this.x.luaL_newstate();
    this.x.luaL_openlibs(this.state);
  }

  private refreshViews(): void {
    this.bytes = new Bytes(this.x.memory.buffer);
  }

  private imports(): Record<string, Record<string, CallableFunction>> {
    const nothing = () => 0;
    const refuse = () => NO_SUCH_CALL;
    const badFile = () => BAD_FILE;
    const table = () => this.x.__indirect_function_table;
    const env: Record<string, CallableFunction> = {
      invoke_vii: (index: number, a: number, b: number) => {
        const stack = this.x.stackSave();
        try {
          (table().get(index) as (a: number, b: number) => void)(a, b);
        } catch (thrown) {
          this.x.stackRestore(stack);
          if (typeof thrown !== 'number') throw thrown;
          this.x.setThrew(1, 0);
        }
      },
      _emscripten_throw_longjmp: () => {
        // oxlint-disable-next-line no-throw-literal: what `invoke_vii` of any Emscripten program expects.
        throw LONG_JUMP;
      },
      emscripten_memcpy_js: (to: number, from: number, byteCount: number) =>
        this.bytes.u8.copyWithin(to, from, from + byteCount),
      emscripten_date_now: () => Date.now(),
      emscripten_resize_heap: (byteCount: number) => this.grow(byteCount >>> 0),
      exit: () => {
        throw new Error('Lua has called exit');
      },
      strftime: nothing,
      _emscripten_get_now_is_monotonic: () => 1,
      _emscripten_system: refuse,
      _tzset_js: nothing,
      _mktime_js: nothing,
      _localtime_js: nothing,
      _gmtime_js: nothing,
    };
    for (const call of [
      'openat',
      'fcntl64',
      'ioctl',
      'dup3',
      'unlinkat',
      'rmdir',
      'renameat',
      'readlinkat',
    ]) {
      env[`__syscall_${call}`] = refuse;
    }
    const wasi: Record<string, CallableFunction> = { environ_get: nothing };
    for (const call of ['fd_write', 'fd_read', 'fd_close', 'fd_seek']) wasi[call] = badFile;
    wasi['environ_sizes_get'] = (countAt: number, bytesAt: number) => {
      this.bytes.view.setUint32(countAt, 0, true);
      this.bytes.view.setUint32(bytesAt, 0, true);
      return 0;
    };
    return { env, wasi_snapshot_preview1: wasi };
  }

  private grow(byteCount: number): number {
    const { memory } = this.x;
    const held = memory.buffer.byteLength;
    if (byteCount > MEMORY_BYTES_MAX) return 0;
    const wanted = Math.min(Math.max(byteCount, held + (held >> 2)), MEMORY_BYTES_MAX);
    try {
      memory.grow(Math.ceil((wanted - held) / WASM_PAGE_BYTES));
    } catch {
      // The system has no more: Lua tells the script.
      return 0;
    }
    this.refreshViews();
    return 1;
  }

  /** Bytes that the machine has taken from the system; it never gives any back. */
  get memoryBytes(): number {
    return this.bytes.u8.length;
  }

  /** Puts a function of ours into the machine's table, for ever. Returns its place. */
  addFunction(code: LuaFunction): number {
    return this.addToTable(wrap(FUNCTION_MODULE, code));
  }

  /** Like `addFunction`, for hooks. */
  addHook(code: (state: number) => void): number {
    return this.addToTable(wrap(HOOK_MODULE, code as (...values: number[]) => unknown));
  }

  private addToTable(code: CallableFunction): number {
    const table = this.x.__indirect_function_table;
    const index = table.grow(1);
    table.set(index, code);
    return index;
  }

  /** Makes the string at `index` the one at `textAt`. False: it is none, and no number. A number becomes a string. */
  readString(state: number, index: number): boolean {
    const at = this.x.lua_tolstring(state, index, this.lengthAt);
    if (at === 0) return false;
    this.textAt = at;
    this.textBytes = this.bytes.view.getUint32(this.lengthAt, true);
    return true;
  }

  /** The string at `index` as text for messages; bytes that are not UTF-8 are replaced. */
  text(state: number, index: number): string {
    return this.readString(state, index)
      ? this.bytes.u8.toString('utf8', this.textAt, this.textAt + this.textBytes)
      : '';
  }

  /** Room for `byteCount` bytes in the machine's memory, until the next call of this. 0: there is none. */
  scratch(byteCount: number): number {
    if (byteCount <= this.scratchBytes) return this.scratchAt;
    const at = this.x.malloc(byteCount);
    if (at === 0) return 0;
    this.x.free(this.scratchAt);
    this.scratchAt = at;
    this.scratchBytes = byteCount;
    return at;
  }

  /** Gives back scratch room that had to be large. */
  trimScratch(): void {
    if (this.scratchBytes <= SCRATCH_BYTES) return;
    this.x.free(this.scratchAt);
    this.scratchAt = this.x.malloc(SCRATCH_BYTES);
    this.scratchBytes = SCRATCH_BYTES;
  }

  pushText(state: number, text: string): void {
    this.pushBytes(state, Buffer.from(text));
  }

  pushBytes(state: number, content: Uint8Array): void {
    const at = this.scratch(content.length);
    if (at === 0) this.outOfMemory(state);
    this.bytes.u8.set(content, at);
    this.x.lua_pushlstring(state, at, content.length);
  }

  /** Pushes a word that is pushed often: its bytes stay in the machine's memory. */
  pushName(state: number, name: string): void {
    let place = this.names.get(name);
    if (place === undefined) {
      place = { at: this.cString(name), byteCount: Buffer.byteLength(name) };
      this.names.set(name, place);
    }
    this.x.lua_pushlstring(state, place.at, place.byteCount);
  }

  /** A text in the machine's memory for ever, with a zero behind it. */
  cString(text: string): number {
    const content = Buffer.from(text);
    const at = this.x.malloc(content.length + 1);
    this.bytes.u8.set(content, at);
    this.bytes.u8[at + content.length] = 0;
    return at;
  }

  /** Pushes field `name` of the table at `index`, past its metatable. Returns its type. */
  rawField(state: number, index: number, name: string): LuaType {
    this.pushName(state, name);
    this.x.lua_rawget(state, index < 0 && index > LuaIndex.Registry ? index - 1 : index);
    return this.x.lua_type(state, -1);
  }

  /** Sets field `name` of the table under the top of the stack to the value on it, which is popped. */
  setField(state: number, name: string): void {
    this.pushName(state, name);
    this.x.lua_insert(state, -2);
    this.x.lua_rawset(state, -3);
  }

  setFunction(state: number, name: string, code: LuaFunction): void {
    this.x.lua_pushcclosure(state, this.addFunction(code), 0);
    this.setField(state, name);
  }

  pop(state: number, count: number): void {
    this.x.lua_settop(state, -count - 1);
  }

  typeName(state: number, index: number): string {
    const type = this.x.lua_type(state, index);
    return type === LuaType.None ? 'no value' : TYPE_NAMES[type]!;
  }

  /** Raises an error with the place in the script in front of it (luaL_error). */
  fail(state: number, text: string): never {
    this.x.luaL_where(state, 1);
    this.pushText(state, text);
    this.x.lua_concat(state, 2);
    this.x.lua_error(state);
    throw new Error('lua_error came back');
  }

  /** Raises the error of a wrong argument (luaL_argerror). */
  failArgument(state: number, position: number, name: string, text: string): never {
    this.fail(state, `bad argument #${position} to '${name}' (${text})`);
  }

  outOfMemory(state: number): never {
    this.x.lua_pushlstring(state, this.cStringOnce(), 'not enough memory'.length);
    this.x.lua_error(state);
    throw new Error('lua_error came back');
  }

  private memoryText = 0;

  private cStringOnce(): number {
    if (this.memoryText === 0) this.memoryText = this.cString('not enough memory');
    return this.memoryText;
  }

  /** An argument that must be a number, or a string that is one (luaL_checknumber). */
  checkNumber(state: number, position: number, name: string): number {
    if (this.x.lua_isnumber(state, position) === 0) {
      this.failArgument(state, position, name, `number expected, got ${this.typeName(state, position)}`);
    }
    return this.x.lua_tonumber(state, position);
  }

  /** An argument that must be a string or a number: it lies at `textAt` (luaL_checklstring). */
  checkString(state: number, position: number, name: string): void {
    if (this.readString(state, position)) return;
    this.failArgument(state, position, name, `string expected, got ${this.typeName(state, position)}`);
  }

  checkTable(state: number, position: number, name: string): void {
    if (this.x.lua_type(state, position) === LuaType.Table) return;
    this.failArgument(state, position, name, `table expected, got ${this.typeName(state, position)}`);
  }
}
