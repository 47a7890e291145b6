/** What the WebAssembly of Lua 5.1 exports, as far as we use it. Pointers are byte offsets in its memory. */

export interface LuaExports {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  stackSave(): number;
  stackRestore(at: number): void;
  setThrew(threw: number, value: number): void;
  malloc(byteCount: number): number;
  free(at: number): void;
  luaL_newstate(): number;
  luaL_openlibs(state: number): void;
  luaL_loadbuffer(state: number, at: number, byteCount: number, name: number): number;
  luaL_where(state: number, level: number): void;
  luaL_ref(state: number, table: number): number;
  luaL_unref(state: number, table: number, ref: number): void;
  lua_checkstack(state: number, count: number): number;
  lua_gettop(state: number): number;
  lua_settop(state: number, index: number): void;
  lua_remove(state: number, index: number): void;
  lua_insert(state: number, index: number): void;
  lua_replace(state: number, index: number): void;
  lua_pushvalue(state: number, index: number): void;
  lua_type(state: number, index: number): number;
  lua_tonumber(state: number, index: number): number;
  lua_toboolean(state: number, index: number): number;
  lua_tolstring(state: number, index: number, byteCountAt: number): number;
  lua_objlen(state: number, index: number): number;
  lua_touserdata(state: number, index: number): number;
  lua_isnumber(state: number, index: number): number;
  lua_pushnil(state: number): void;
  lua_pushnumber(state: number, value: number): void;
  lua_pushlstring(state: number, at: number, byteCount: number): void;
  lua_pushcclosure(state: number, code: number, upvalues: number): void;
  lua_pushboolean(state: number, value: number): void;
  lua_pushlightuserdata(state: number, value: number): void;
  lua_gettable(state: number, index: number): void;
  lua_rawget(state: number, index: number): void;
  lua_rawgeti(state: number, index: number, n: number): void;
  lua_rawset(state: number, index: number): void;
  lua_rawseti(state: number, index: number, n: number): void;
  lua_createtable(state: number, array: number, fields: number): void;
  lua_setfenv(state: number, index: number): number;
  lua_pcall(state: number, argumentCount: number, resultCount: number, handler: number): number;
  lua_gc(state: number, what: number, data: number): number;
  lua_error(state: number): number;
  lua_next(state: number, index: number): number;
  lua_concat(state: number, count: number): void;
  lua_sethook(state: number, hook: number, mask: number, count: number): void;
}

/** Types of values, as `lua_type` tells them. */
export const enum LuaType {
  None = -1,
  Nil = 0,
  Boolean = 1,
  LightUserdata = 2,
  Number = 3,
  String = 4,
  Table = 5,
  Function = 6,
  Userdata = 7,
  Thread = 8,
}

/** Indices of the stack that are none of its places. */
export const enum LuaIndex {
  Registry = -10000,
  Globals = -10002,
}

/** What `lua_pcall` returns. */
export const enum LuaStatus {
  Ok = 0,
  Run = 2,
  Syntax = 3,
  Memory = 4,
  Handler = 5,
}

/** Masks of hooks. */
export const enum LuaHook {
  Line = 4,
  Count = 8,
}

/** What `lua_gc` does. */
export const enum LuaGc {
  Restart = 1,
  Collect = 2,
  CountKb = 3,
  Step = 5,
}

export const TYPE_NAMES = [
  'nil',
  'boolean',
  'userdata',
  'number',
  'string',
  'table',
  'function',
  'userdata',
  'thread',
];
