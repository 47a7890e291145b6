/** cjson.encode: a Lua value as JSON text. */
import type { Lua } from '../lua.ts';
import { LuaType } from '../lua-exports.ts';
import { formatGeneral } from '../number-text.ts';
import { ByteSink } from './byte-sink.ts';
import type { JsonSettings } from './cjson.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NUMBER_BYTES = 32;
/** `\u001f` */
const ESCAPE_BYTES_MAX = 6;

/** What stands for a byte in a string; null: itself. */
const ESCAPES: readonly (Buffer | null)[] = Array.from({ length: 256 }, (_, byte) => {
  const short = { 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r', 34: '\\"', 47: '\\/', 92: '\\\\' }[
    byte
  ];
  if (short !== undefined) return Buffer.from(short);
  if (byte >= 32 && byte !== 127) return null;
  return Buffer.from(`\\u00${byte.toString(16).padStart(2, '0')}`);
});

export class JsonEncoder {
  private readonly lua: Lua;
  private readonly settings: JsonSettings;
  private readonly sink = new ByteSink();

  constructor(lua: Lua, settings: JsonSettings) {
    this.lua = lua;
    this.settings = settings;
  }

  /** Pushes the text of the value on top. */
  encode(state: number): number {
    const { sink } = this;
    sink.clear();
    this.value(state, 0);
    this.lua.pushBytes(state, sink.content());
    return 1;
  }

  private room(state: number, byteCount: number): void {
    if (!this.sink.ensure(byteCount)) this.lua.outOfMemory(state);
  }

  /** Writes the value on top, which stays. */
  private value(state: number, depth: number): void {
    const { lua } = this;
    const { x } = lua;
    switch (x.lua_type(state, -1)) {
      case LuaType.String:
        return this.string(state);
      case LuaType.Number:
        return this.number(state, -1);
      case LuaType.Boolean:
        return this.word(state, x.lua_toboolean(state, -1) === 0 ? FALSE : TRUE);
      case LuaType.Nil:
        return this.word(state, NULL);
      case LuaType.Table:
        return this.table(state, depth + 1);
      case LuaType.LightUserdata:
        if (x.lua_touserdata(state, -1) === 0) return this.word(state, NULL);
    }
    this.refuse(state, -1, 'type not supported');
  }

  private refuse(state: number, index: number, reason: string): never {
    this.lua.fail(state, `Cannot serialise ${this.lua.typeName(state, index)}: ${reason}`);
  }

  private word(state: number, word: Buffer): void {
    this.room(state, word.length);
    this.sink.u8.set(word, this.sink.at);
    this.sink.at += word.length;
  }

  private byte(state: number, byte: number): void {
    this.room(state, 1);
    this.sink.byte(byte);
  }

  private string(state: number): void {
    const { lua, sink } = this;
    lua.readString(state, -1);
    const { textAt, textBytes } = lua;
    this.room(state, textBytes * ESCAPE_BYTES_MAX + 2);
    const from = lua.bytes.u8;
    const to = sink.u8;
    let at = sink.at;
    to[at++] = QUOTE;
    for (let i = textAt; i < textAt + textBytes; i++) {
      const byte = from[i]!;
      const escape = ESCAPES[byte]!;
      if (escape === null) to[at++] = byte;
      else for (let j = 0; j < escape.length; j++) to[at++] = escape[j]!;
    }
    to[at++] = QUOTE;
    sink.at = at;
  }

  private number(state: number, index: number): void {
    const { lua, sink, settings } = this;
    const value = lua.x.lua_tonumber(state, index);
    if (!Number.isFinite(value)) {
      if (settings.encodeInvalidNumbers === 0) this.refuse(state, index, 'must not be NaN or Inf');
      if (settings.encodeInvalidNumbers === 2) return this.word(state, NULL);
    }
    this.room(state, NUMBER_BYTES);
    const isShort =
      value !== 0 && Number.isInteger(value) && value > -1e9 && value < 1e9 && settings.precision >= 9;
    const text = isShort ? String(value) : formatGeneral(value, settings.precision);
    sink.at += sink.u8.write(text, sink.at);
  }

  private table(state: number, depth: number): void {
    const { lua, settings } = this;
    if (depth > settings.encodeDepthMax || lua.x.lua_checkstack(state, 4) === 0) {
      lua.fail(state, `Cannot serialise, excessive nesting (${depth})`);
    }
    const length = this.arrayLength(state);
    if (length > 0) this.array(state, length, depth);
    else this.object(state, depth);
  }

  /** The greatest index of a table whose keys are all positive integers; -1: it is to be an object. */
  private arrayLength(state: number): number {
    const { settings } = this;
    const { x } = this.lua;
    let max = 0;
    let items = 0;
    x.lua_pushnil(state);
    while (x.lua_next(state, -2) !== 0) {
      const key = x.lua_type(state, -2) === LuaType.Number ? x.lua_tonumber(state, -2) : 0;
      if (!(key >= 1 && Math.floor(key) === key)) {
        this.lua.pop(state, 2);
        return -1;
      }
      max = Math.max(max, key);
      items++;
      this.lua.pop(state, 1);
    }
    const { sparseRatio, sparseSafe } = settings;
    if (sparseRatio > 0 && max > items * sparseRatio && max > sparseSafe) {
      if (settings.sparseConvert === 0) this.refuse(state, -1, 'excessively sparse array');
      return -1;
    }
    return max;
  }

  private array(state: number, length: number, depth: number): void {
    const { x } = this.lua;
    this.byte(state, 0x5b);
    for (let i = 1; i <= length; i++) {
      if (i > 1) this.byte(state, COMMA);
      x.lua_rawgeti(state, -1, i);
      this.value(state, depth);
      this.lua.pop(state, 1);
    }
    this.byte(state, 0x5d);
  }

  private object(state: number, depth: number): void {
    const { lua } = this;
    const { x } = lua;
    this.byte(state, 0x7b);
    let isFirst = true;
    x.lua_pushnil(state);
    while (x.lua_next(state, -2) !== 0) {
      if (!isFirst) this.byte(state, COMMA);
      isFirst = false;
      this.key(state);
      this.byte(state, COLON);
      this.value(state, depth);
      lua.pop(state, 1);
    }
    this.byte(state, 0x7d);
  }

  private key(state: number): void {
    const { x } = this.lua;
    const type = x.lua_type(state, -2);
    if (type === LuaType.Number) {
      this.byte(state, QUOTE);
      this.number(state, -2);
      this.byte(state, QUOTE);
    } else if (type === LuaType.String) {
      x.lua_pushvalue(state, -2);
      this.string(state);
      this.lua.pop(state, 1);
    } else this.refuse(state, -2, 'table key must be a number or string');
  }
}
