/** The table `cmsgpack`: lua-cmsgpack 0.4.0, MessagePack for Lua. */
import type { Lua } from '../lua.ts';
import { LuaType } from '../lua-exports.ts';
import { ByteSink } from './byte-sink.ts';
import { MessageUnpacker } from './message-unpacker.ts';

/** Deeper tables are packed as nil. */
const DEPTH_MAX = 16;
const FIXED_BYTES = 16;
const TWO_32 = 2 ** 32;
const scratchFloat = new Float32Array(1);

/** Pushes the new table `cmsgpack`. */
export function pushCmsgpackLibrary(lua: Lua, state: number): void {
  const { x } = lua;
  const packer = new MessagePacker(lua);
  const unpacker = new MessageUnpacker(lua);
  x.lua_createtable(state, 0, 8);
  lua.setFunction(state, 'pack', (from) => packer.pack(from));
  lua.setFunction(state, 'unpack', (from) => unpacker.unpack(from, 'unpack', 0, 0));
  lua.setFunction(state, 'unpack_one', (from) =>
    unpacker.unpack(from, 'unpack_one', 1, optional(lua, from, 2, 'unpack_one')),
  );
  lua.setFunction(state, 'unpack_limit', (from) => {
    const limit = Math.trunc(lua.checkNumber(from, 2, 'unpack_limit'));
    return unpacker.unpack(from, 'unpack_limit', limit, optional(lua, from, 3, 'unpack_limit'));
  });
  const words = {
    _NAME: 'cmsgpack',
    _VERSION: 'lua-cmsgpack 0.4.0',
    _COPYRIGHT: 'Copyright (C) 2012, Salvatore Sanfilippo',
    _DESCRIPTION: 'MessagePack C implementation for Lua',
  };
  for (const [name, word] of Object.entries(words)) {
    lua.pushText(state, word);
    lua.setField(state, name);
  }
}

function optional(lua: Lua, state: number, position: number, name: string): number {
  return lua.x.lua_type(state, position) <= LuaType.Nil
    ? 0
    : Math.trunc(lua.checkNumber(state, position, name));
}

class MessagePacker {
  private readonly lua: Lua;
  private readonly sink = new ByteSink();

  constructor(lua: Lua) {
    this.lua = lua;
  }

  pack(state: number): number {
    const { lua, sink } = this;
    const count = lua.x.lua_gettop(state);
    if (count === 0) lua.failArgument(state, 0, 'pack', 'MessagePack pack needs input.');
    if (lua.x.lua_checkstack(state, count) === 0) {
      lua.failArgument(state, 0, 'pack', 'Too many arguments for MessagePack pack.');
    }
    sink.clear();
    for (let i = 1; i <= count; i++) {
      lua.x.lua_pushvalue(state, i);
      this.value(state, 0);
    }
    lua.pushBytes(state, sink.content());
    return 1;
  }

  /** Writes the value on top and pops it. */
  private value(state: number, depth: number): void {
    const { lua, sink } = this;
    const { x } = lua;
    if (!sink.ensure(FIXED_BYTES)) lua.outOfMemory(state);
    const type = x.lua_type(state, -1);
    if (type === LuaType.String) this.string(state);
    else if (type === LuaType.Boolean) sink.byte(x.lua_toboolean(state, -1) === 0 ? 0xc2 : 0xc3);
    else if (type === LuaType.Number) this.number(x.lua_tonumber(state, -1));
    else if (type === LuaType.Table && depth !== DEPTH_MAX) this.table(state, depth);
    else sink.byte(0xc0);
    lua.pop(state, 1);
  }

  private string(state: number): void {
    const { lua, sink } = this;
    lua.readString(state, -1);
    const { textAt, textBytes } = lua;
    if (!sink.ensure(FIXED_BYTES + textBytes)) lua.outOfMemory(state);
    if (textBytes < 32) sink.byte(0xa0 | textBytes);
    else if (textBytes <= 0xff) this.head(0xd9, 1, textBytes);
    else if (textBytes <= 0xffff) this.head(0xda, 2, textBytes);
    else this.head(0xdb, 4, textBytes);
    lua.bytes.u8.copy(sink.u8, sink.at, textAt, textAt + textBytes);
    sink.at += textBytes;
  }

  /** A byte that says what follows, and a number of `byteCount` bytes. */
  private head(kind: number, byteCount: number, value: number): void {
    const { sink } = this;
    sink.byte(kind);
    if (byteCount === 8) {
      const low = value - Math.floor(value / TWO_32) * TWO_32;
      sink.u8.writeInt32BE(Math.floor(value / TWO_32) | 0, sink.at);
      sink.u8.writeUInt32BE(low, sink.at + 4);
      sink.at += 8;
      return;
    }
    for (let shift = (byteCount - 1) * 8; shift >= 0; shift -= 8) sink.byte((value >> shift) & 0xff);
  }

  private number(value: number): void {
    const { sink } = this;
    const isInteger = Math.floor(value) === value && value >= -(2 ** 63) && value < 2 ** 63;
    if (isInteger) return this.integer(value);
    scratchFloat[0] = value;
    if (scratchFloat[0] === value) {
      sink.byte(0xca);
      sink.at = sink.u8.writeFloatBE(value, sink.at);
    } else {
      sink.byte(0xcb);
      sink.at = sink.u8.writeDoubleBE(value, sink.at);
    }
  }

  private integer(value: number): void {
    if (value >= 0) {
      if (value <= 127) this.sink.byte(value);
      else if (value <= 0xff) this.head(0xcc, 1, value);
      else if (value <= 0xffff) this.head(0xcd, 2, value);
      else if (value <= 0xffffffff) this.head(0xce, 4, value);
      else this.head(0xcf, 8, value);
    } else if (value >= -32) this.sink.byte(0x100 + value);
    else if (value >= -128) this.head(0xd0, 1, value);
    else if (value >= -32768) this.head(0xd1, 2, value);
    else if (value >= -(2 ** 31)) this.head(0xd2, 4, value);
    else this.head(0xd3, 8, value);
  }

  private table(state: number, depth: number): void {
    const { lua } = this;
    const { x } = lua;
    if (x.lua_checkstack(state, 8) === 0) lua.outOfMemory(state);
    let count = 0;
    let max = 0;
    let isArray = true;
    x.lua_pushnil(state);
    while (x.lua_next(state, -2) !== 0) {
      lua.pop(state, 1);
      count++;
      const key = x.lua_type(state, -1) === LuaType.Number ? x.lua_tonumber(state, -1) : 0;
      if (!(key > 0 && Math.floor(key) === key)) isArray = false;
      max = Math.max(max, key);
    }
    if (isArray && max === count) this.array(state, depth);
    else this.map(state, count, depth);
  }

  private array(state: number, depth: number): void {
    const { x } = this.lua;
    const length = x.lua_objlen(state, -1);
    if (length <= 15) this.sink.byte(0x90 | length);
    else if (length <= 0xffff) this.head(0xdc, 2, length);
    else this.head(0xdd, 4, length);
    for (let i = 1; i <= length; i++) {
      x.lua_pushnumber(state, i);
      x.lua_gettable(state, -2);
      this.value(state, depth + 1);
    }
  }

  private map(state: number, count: number, depth: number): void {
    const { x } = this.lua;
    if (count <= 15) this.sink.byte(0x80 | count);
    else if (count <= 0xffff) this.head(0xde, 2, count);
    else this.head(0xdf, 4, count);
    x.lua_pushnil(state);
    while (x.lua_next(state, -2) !== 0) {
      x.lua_pushvalue(state, -2);
      this.value(state, depth + 1);
      this.value(state, depth + 1);
    }
  }
}
