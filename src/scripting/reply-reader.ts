/** Turns the reply of a command into a Lua value, as Redis does: see its documentation, "Redis Lua API", data types. */
import type { RespWriter } from '../protocol/resp-writer.ts';
import type { Lua } from './lua.ts';

const MINUS = 0x2d;
const LINE_END = 0x0d;

export class ReplyReader {
  private readonly lua: Lua;
  /** Where we read, in the machine's memory. */
  private at = 0;

  constructor(lua: Lua) {
    this.lua = lua;
  }

  /** Pushes what `reply` holds, which is one reply. */
  push(state: number, reply: RespWriter): void {
    const { lua } = this;
    const at = lua.scratch(reply.at);
    if (at === 0) lua.outOfMemory(state);
    reply.bytes.u8.copy(lua.bytes.u8, at, 0, reply.at);
    this.at = at;
    this.value(state);
  }

  /** Reads the line at `at`: its content lies from there to the position returned, `at` is behind its end. */
  private line(): number {
    const { u8 } = this.lua.bytes;
    let end = this.at;
    while (u8[end] !== LINE_END) end++;
    this.at = end + 2;
    return end;
  }

  private integer(): number {
    const { u8 } = this.lua.bytes;
    const start = this.at;
    const end = this.line();
    const isNegative = u8[start] === MINUS;
    let value = 0;
    for (let at = isNegative ? start + 1 : start; at < end; at++) value = value * 10 + u8[at]! - 0x30;
    // Beyond 2^53 digit by digit would round more than once.
    if (end - start > 15) return Number(u8.toString('latin1', start, end));
    return isNegative ? -value : value;
  }

  private value(state: number): void {
    const { lua } = this;
    const { x } = lua;
    const type = lua.bytes.u8[this.at++]!;
    switch (type) {
      case 0x24: // $
        return this.bulk(state);
      case 0x3a: // :
        return x.lua_pushnumber(state, this.integer());
      case 0x2b: // +
        return this.status(state);
      case 0x2d: // -
        return this.error(state);
      case 0x2a: // *
        return this.array(state);
      case 0x5f: // _
        this.line();
        return x.lua_pushnil(state);
      case 0x23: // #
        x.lua_pushboolean(state, lua.bytes.u8[this.at] === 0x74 ? 1 : 0);
        this.line();
        return;
      default:
        return this.tagged(state, type);
    }
  }

  private bulk(state: number): void {
    const byteCount = this.integer();
    if (byteCount < 0) return this.lua.x.lua_pushboolean(state, 0);
    const start = this.at;
    this.at += byteCount + 2;
    this.lua.x.lua_pushlstring(state, start, byteCount);
  }

  private status(state: number): void {
    this.lua.x.lua_createtable(state, 0, 1);
    this.lineField(state, 'ok');
  }

  private error(state: number): void {
    const { lua } = this;
    lua.x.lua_createtable(state, 0, 2);
    this.lineField(state, 'err');
    // The command has counted it.
    lua.x.lua_pushboolean(state, 1);
    lua.setField(state, 'ignore_error_stats_update');
  }

  private lineField(state: number, name: string): void {
    const start = this.at;
    const end = this.line();
    this.lua.x.lua_pushlstring(state, start, end - start);
    this.lua.setField(state, name);
  }

  private array(state: number): void {
    const { x } = this.lua;
    const count = this.integer();
    if (count < 0) return x.lua_pushboolean(state, 0);
    x.lua_checkstack(state, 8);
    x.lua_createtable(state, count, 0);
    for (let i = 1; i <= count; i++) {
      this.value(state);
      x.lua_rawseti(state, -2, i);
    }
  }

  /** What Lua has no type for: a table with one field that says what it is. RESP3 only. */
  private tagged(state: number, type: number): void {
    const { lua } = this;
    const { x } = lua;
    x.lua_checkstack(state, 8);
    x.lua_createtable(state, 0, 1);
    if (type === 0x25) this.collection(state, 'map', true);
    else if (type === 0x7e) this.collection(state, 'set', false);
    else if (type === 0x2c) this.double(state);
    else if (type === 0x28) this.lineField(state, 'big_number');
    else if (type === 0x3d) this.verbatim(state);
  }

  private collection(state: number, name: string, isMap: boolean): void {
    const { x } = this.lua;
    const count = this.integer();
    x.lua_createtable(state, 0, count);
    for (let i = 0; i < count; i++) {
      this.value(state);
      if (isMap) this.value(state);
      else x.lua_pushboolean(state, 1);
      x.lua_rawset(state, -3);
    }
    this.lua.setField(state, name);
  }

  private double(state: number): void {
    const start = this.at;
    const end = this.line();
    const text = this.lua.bytes.u8.toString('latin1', start, end);
    const value = text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
    this.lua.x.lua_pushnumber(state, value);
    this.lua.setField(state, 'double');
  }

  private verbatim(state: number): void {
    const { lua } = this;
    const byteCount = this.integer();
    const start = this.at;
    this.at += byteCount + 2;
    lua.x.lua_createtable(state, 0, 2);
    lua.x.lua_pushlstring(state, start + 4, byteCount - 4);
    lua.setField(state, 'string');
    lua.x.lua_pushlstring(state, start, 3);
    lua.setField(state, 'format');
    lua.setField(state, 'verbatim_string');
  }
}
