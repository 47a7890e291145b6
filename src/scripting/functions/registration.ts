/** redis.register_function: reads what a library says about one of its functions. Texts are Redis 7.0's. */
import type { Lua } from '../lua.ts';
import { LuaType } from '../lua-exports.ts';
import type { RedisLibrary } from '../redis-library.ts';
import { FLAG_NAMES } from '../shebang.ts';

export interface LibraryFunction {
  readonly name: string;
  readonly description: string | null;
  /** Set of ScriptFlag. */
  readonly flags: number;
  /** Where the machine keeps the callback. */
  readonly ref: number;
}

export const NAME_ERROR =
  'Library names can only contain letters, numbers, or underscores(_) and must be at least one character long';
const FIELDS = ['function_name', 'description', 'callback', 'flags'];

export function isName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name);
}

/** Reads the arguments on the stack. Raises an error of Lua when they are wrong. */
export function readRegistration(lua: Lua, library: RedisLibrary, state: number): LibraryFunction {
  const count = lua.x.lua_gettop(state);
  if (count < 1 || count > 2) library.raise(state, 'wrong number of arguments to redis.register_function');
  const read = count === 1 ? readNamed(lua, library, state) : readPositional(lua, library, state);
  if (!isName(read.name)) library.raise(state, NAME_ERROR);
  return read;
}

function readPositional(lua: Lua, library: RedisLibrary, state: number): LibraryFunction {
  const type = lua.x.lua_type(state, 1);
  if (type !== LuaType.String && type !== LuaType.Number) {
    library.raise(state, 'first argument to redis.register_function must be a string');
  }
  if (lua.x.lua_type(state, 2) !== LuaType.Function) {
    library.raise(state, 'second argument to redis.register_function must be a function');
  }
  const name = lua.text(state, 1);
  lua.x.lua_settop(state, 2);
  return { name, description: null, flags: 0, ref: library.keep(state) };
}

function readNamed(lua: Lua, library: RedisLibrary, state: number): LibraryFunction {
  const { x } = lua;
  if (x.lua_type(state, 1) !== LuaType.Table) {
    library.raise(
      state,
      'calling redis.register_function with a single argument is only applicable to Lua table (representing named ' +
        'arguments).',
    );
  }
  demandKnown(lua, library, state);
  const word = (field: string): string | null => {
    const type = lua.rawField(state, 1, field);
    const text = type === LuaType.Nil ? null : lua.text(state, -1);
    const isWord = type === LuaType.Nil || type === LuaType.String || type === LuaType.Number;
    if (!isWord) library.raise(state, `${field} argument given to redis.register_function must be a string`);
    lua.pop(state, 1);
    return text;
  };
  const name = word('function_name');
  const description = word('description');
  const type = lua.rawField(state, 1, 'callback');
  if (type !== LuaType.Nil && type !== LuaType.Function) {
    library.raise(state, 'callback argument given to redis.register_function must be a function');
  }
  lua.pop(state, 1);
  const flags = readFlags(lua, library, state);
  if (name === null) library.raise(state, 'redis.register_function must get a function name argument');
  if (type === LuaType.Nil) library.raise(state, 'redis.register_function must get a callback argument');
  lua.rawField(state, 1, 'callback');
  return { name, description, flags, ref: library.keep(state) };
}

function demandKnown(lua: Lua, library: RedisLibrary, state: number): void {
  const { x } = lua;
  x.lua_pushnil(state);
  while (x.lua_next(state, 1) !== 0) {
    lua.pop(state, 1);
    const type = x.lua_type(state, -1);
    if (type !== LuaType.String && type !== LuaType.Number) {
      library.raise(state, 'named argument key given to redis.register_function is not a string');
    }
    if (!FIELDS.includes(lua.text(state, -1))) {
      library.raise(state, 'unknown argument given to redis.register_function');
    }
  }
}

function readFlags(lua: Lua, library: RedisLibrary, state: number): number {
  const { x } = lua;
  const type = lua.rawField(state, 1, 'flags');
  let flags = 0;
  if (type !== LuaType.Nil && type !== LuaType.Table) {
    library.raise(
      state,
      'flags argument to redis.register_function must be a table representing function flags',
    );
  }
  for (let i = 1; type === LuaType.Table; i++) {
    x.lua_rawgeti(state, -1, i);
    const kind = x.lua_type(state, -1);
    if (kind === LuaType.Nil) {
      lua.pop(state, 1);
      break;
    }
    const flag = kind === LuaType.String ? FLAG_NAMES.get(lua.text(state, -1)) : undefined;
    if (flag === undefined) library.raise(state, 'unknown flag given');
    flags |= flag;
    lua.pop(state, 1);
  }
  lua.pop(state, 1);
  return flags;
}
