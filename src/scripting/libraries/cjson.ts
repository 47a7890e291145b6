/** The table `cjson`: Lua CJSON 2.1.0 as Redis ships it, its settings and error texts included. */
import type { Lua } from '../lua.ts';
import { LuaType } from '../lua-exports.ts';
import { JsonDecoder } from './json-decoder.ts';
import { JsonEncoder } from './json-encoder.ts';

const INT_MAX = 2 ** 31 - 1;
const SWITCH = ['off', 'on'];
const INVALID_NUMBERS = ['off', 'on', 'null'];

/** What a script may set; the same for all scripts of a machine, as in Redis. */
export class JsonSettings {
  sparseConvert = 0;
  sparseRatio = 2;
  sparseSafe = 10;
  encodeDepthMax = 1000;
  decodeDepthMax = 1000;
  encodeInvalidNumbers = 0;
  decodeInvalidNumbers = 1;
  keepBuffer = 1;
  precision = 14;
}

type NumberSetting = keyof JsonSettings;

/** Pushes a new table `cjson` with settings of its own. */
export function pushCjsonLibrary(lua: Lua, state: number): void {
  const { x } = lua;
  const settings = new JsonSettings();
  const encoder = new JsonEncoder(lua, settings);
  const decoder = new JsonDecoder(lua, settings);
  x.lua_createtable(state, 0, 16);
  lua.setFunction(state, 'encode', (from) => {
    demandOne(lua, from, 'encode');
    return encoder.encode(from);
  });
  lua.setFunction(state, 'decode', (from) => {
    demandOne(lua, from, 'decode');
    return decoder.decode(from);
  });
  lua.setFunction(state, 'new', (from) => {
    pushCjsonLibrary(lua, from);
    return 1;
  });
  addSettings(lua, state, settings);
  x.lua_pushlightuserdata(state, 0);
  lua.setField(state, 'null');
  lua.pushText(state, 'cjson');
  lua.setField(state, '_NAME');
  lua.pushText(state, '2.1.0');
  lua.setField(state, '_VERSION');
}

function demandOne(lua: Lua, state: number, name: string): void {
  if (lua.x.lua_gettop(state) !== 1) lua.failArgument(state, 1, name, 'expected 1 argument');
}

function addSettings(lua: Lua, state: number, settings: JsonSettings): void {
  const integer = (name: string, setting: NumberSetting, low: number, high: number) =>
    lua.setFunction(state, name, (from) => {
      readCount(lua, from, name, 1);
      return integerSetting(lua, from, 1, name, settings, setting, low, high);
    });
  const choice = (name: string, setting: NumberSetting, words: readonly string[]) =>
    lua.setFunction(state, name, (from) => {
      readCount(lua, from, name, 1);
      return choiceSetting(lua, from, 1, name, settings, setting, words);
    });
  lua.setFunction(state, 'encode_sparse_array', (from) => {
    const name = 'encode_sparse_array';
    readCount(lua, from, name, 3);
    choiceSetting(lua, from, 1, name, settings, 'sparseConvert', SWITCH);
    integerSetting(lua, from, 2, name, settings, 'sparseRatio', 0, INT_MAX);
    integerSetting(lua, from, 3, name, settings, 'sparseSafe', 0, INT_MAX);
    return 3;
  });
  integer('encode_max_depth', 'encodeDepthMax', 1, INT_MAX);
  integer('decode_max_depth', 'decodeDepthMax', 1, INT_MAX);
  integer('encode_number_precision', 'precision', 1, 14);
  choice('encode_keep_buffer', 'keepBuffer', SWITCH);
  choice('encode_invalid_numbers', 'encodeInvalidNumbers', INVALID_NUMBERS);
  choice('decode_invalid_numbers', 'decodeInvalidNumbers', SWITCH);
}

function readCount(lua: Lua, state: number, name: string, most: number): void {
  if (lua.x.lua_gettop(state) > most) {
    lua.failArgument(state, most + 1, name, 'found too many arguments');
  }
  lua.x.lua_settop(state, most);
}

function integerSetting(
  lua: Lua,
  state: number,
  position: number,
  name: string,
  settings: JsonSettings,
  setting: NumberSetting,
  low: number,
  high: number,
): number {
  if (lua.x.lua_type(state, position) !== LuaType.Nil) {
    const value = Math.trunc(lua.checkNumber(state, position, name));
    if (!(value >= low && value <= high)) {
      lua.failArgument(state, position, name, `expected integer between ${low} and ${high}`);
    }
    settings[setting] = value;
  }
  lua.x.lua_pushnumber(state, settings[setting]);
  return 1;
}

function choiceSetting(
  lua: Lua,
  state: number,
  position: number,
  name: string,
  settings: JsonSettings,
  setting: NumberSetting,
  words: readonly string[],
): number {
  const { x } = lua;
  const type = x.lua_type(state, position);
  if (type === LuaType.Boolean) settings[setting] = x.lua_toboolean(state, position);
  else if (type !== LuaType.Nil) {
    lua.checkString(state, position, name);
    const word = lua.text(state, position);
    const choice = words.indexOf(word);
    if (choice < 0) lua.failArgument(state, position, name, `invalid option '${word}'`);
    settings[setting] = choice;
  }
  if (settings[setting] < 2) x.lua_pushboolean(state, settings[setting]);
  else lua.pushText(state, words[settings[setting]]!);
  return 1;
}
