/** Turns what a script returns into a reply, as Redis does. */
import type { RespWriter } from '../protocol/resp-writer.ts';
import type { Lua } from './lua.ts';
import { LuaType } from './lua-exports.ts';

/** Places of the stack that one level needs. */
const LEVEL_PLACES = 4;
const INT64_MIN = -(2n ** 63n);

/**
 * Writes the value on top of the stack and pops it. `scriptVersion` is the protocol version the script has chosen with
 * redis.setresp, which decides what a boolean is.
 */
export function writeReply(lua: Lua, state: number, reply: RespWriter, scriptVersion: 2 | 3): void {
  const { x } = lua;
  if (x.lua_checkstack(state, LEVEL_PLACES) === 0) {
    reply.error('ERR reached lua stack limit');
    return lua.pop(state, 1);
  }
  switch (x.lua_type(state, -1)) {
    case LuaType.String:
      lua.readString(state, -1);
      reply.bulk(lua.bytes, lua.textAt, lua.textBytes);
      break;
    case LuaType.Boolean: {
      const isTrue = x.lua_toboolean(state, -1) !== 0;
      if (scriptVersion === 3) reply.boolean(isTrue);
      else if (isTrue) reply.integer(1);
      else reply.nil();
      break;
    }
    case LuaType.Number:
      writeInteger(reply, x.lua_tonumber(state, -1));
      break;
    case LuaType.Table:
      writeTable(lua, state, reply, scriptVersion);
      break;
    default:
      reply.nil();
  }
  lua.pop(state, 1);
}

/** Redis: the fraction is cut off; what has no 64-bit form becomes the least integer. */
function writeInteger(reply: RespWriter, value: number): void {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) reply.integer(whole === 0 ? 0 : whole);
  else if (whole < 2 ** 63 && whole >= -(2 ** 63)) reply.bigInteger(BigInt(whole));
  else reply.bigInteger(INT64_MIN);
}

/** The table stays on the stack. */
function writeTable(lua: Lua, state: number, reply: RespWriter, scriptVersion: 2 | 3): void {
  if (lua.rawField(state, -1, 'err') === LuaType.String) {
    reply.error(lua.text(state, -1));
    return lua.pop(state, 1);
  }
  lua.pop(state, 1);
  if (lua.rawField(state, -1, 'ok') === LuaType.String) {
    reply.simple(lua.text(state, -1).replace(/[\r\n]/g, ' '));
    return lua.pop(state, 1);
  }
  lua.pop(state, 1);
  if (writeTagged(lua, state, reply, scriptVersion)) return;
  writeArray(lua, state, reply, scriptVersion);
}

/** Whether the table was one that says by a field what it is: then it is written. */
function writeTagged(lua: Lua, state: number, reply: RespWriter, scriptVersion: 2 | 3): boolean {
  const { x } = lua;
  if (lua.rawField(state, -1, 'double') === LuaType.Number) reply.double(x.lua_tonumber(state, -1));
  else {
    lua.pop(state, 1);
    if (lua.rawField(state, -1, 'map') === LuaType.Table) writeMap(lua, state, reply, scriptVersion);
    else {
      lua.pop(state, 1);
      if (lua.rawField(state, -1, 'set') === LuaType.Table) writeSet(lua, state, reply, scriptVersion);
      else {
        lua.pop(state, 1);
        return writeNamed(lua, state, reply);
      }
    }
  }
  lua.pop(state, 1);
  return true;
}

function writeNamed(lua: Lua, state: number, reply: RespWriter): boolean {
  if (lua.rawField(state, -1, 'big_number') === LuaType.String) {
    reply.bigNumber(lua.text(state, -1).replace(/[\r\n]/g, ' '));
    lua.pop(state, 1);
    return true;
  }
  lua.pop(state, 1);
  const top = lua.x.lua_gettop(state);
  const isText =
    lua.rawField(state, -1, 'verbatim_string') === LuaType.Table &&
    lua.rawField(state, -1, 'format') === LuaType.String &&
    lua.rawField(state, -2, 'string') === LuaType.String;
  if (!isText) {
    lua.x.lua_settop(state, top);
    return false;
  }
  const format = lua.text(state, -2);
  lua.readString(state, -1);
  const content = lua.bytes.u8.subarray(lua.textAt, lua.textAt + lua.textBytes);
  if (reply.version !== 3) reply.bulkBuffer(content);
  else {
    reply.text(`=${content.length + 4}\r\n${format.slice(0, 3)}:`);
    reply.whole(content);
    reply.text('\r\n');
  }
  lua.pop(state, 3);
  return true;
}

/** How many pairs the table on top holds. */
function countPairs(lua: Lua, state: number): number {
  let count = 0;
  lua.x.lua_pushnil(state);
  while (lua.x.lua_next(state, -2) !== 0) {
    lua.pop(state, 1);
    count++;
  }
  return count;
}

function writeMap(lua: Lua, state: number, reply: RespWriter, scriptVersion: 2 | 3): void {
  const { x } = lua;
  reply.map(countPairs(lua, state));
  x.lua_pushnil(state);
  while (x.lua_next(state, -2) !== 0) {
    x.lua_pushvalue(state, -2);
    writeReply(lua, state, reply, scriptVersion);
    writeReply(lua, state, reply, scriptVersion);
  }
}

function writeSet(lua: Lua, state: number, reply: RespWriter, scriptVersion: 2 | 3): void {
  const { x } = lua;
  reply.set(countPairs(lua, state));
  x.lua_pushnil(state);
  while (x.lua_next(state, -2) !== 0) {
    lua.pop(state, 1);
    x.lua_pushvalue(state, -1);
    writeReply(lua, state, reply, scriptVersion);
  }
}

/** Up to the first nil. */
function writeArray(lua: Lua, state: number, reply: RespWriter, scriptVersion: 2 | 3): void {
  const { x } = lua;
  let count = 0;
  for (;;) {
    x.lua_rawgeti(state, -1, count + 1);
    const type = x.lua_type(state, -1);
    lua.pop(state, 1);
    if (type === LuaType.Nil) break;
    count++;
  }
  reply.array(count);
  for (let i = 1; i <= count; i++) {
    x.lua_rawgeti(state, -1, i);
    writeReply(lua, state, reply, scriptVersion);
  }
}
