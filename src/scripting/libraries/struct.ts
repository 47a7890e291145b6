/** The table `struct`: Roberto Ierusalimschy's struct 0.2 as Redis ships it. */
import type { Lua } from '../lua.ts';
import { LuaType } from '../lua-exports.ts';
import { ByteSink } from './byte-sink.ts';

const INTEGER_BYTES_MAX = 32;
const ALIGN_MAX = 8;
const INT_MAX = 2 ** 31 - 1;
const MASK64 = (1n << 64n) - 1n;
const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  b: 1,
  H: 2,
  h: 2,
  L: 8,
  l: 8,
  T: 8,
  f: 4,
  d: 8,
  x: 1,
};

/** Reads a format option by option. */
class Format {
  option = '';
  bytes = 0;
  isBig = false;
  private align = 1;
  private at = 0;
  private readonly lua: Lua;
  private readonly state: number;
  private readonly name: string;
  private readonly text: string;

  constructor(lua: Lua, state: number, name: string) {
    this.lua = lua;
    this.state = state;
    this.name = name;
    lua.checkString(state, 1, name);
    this.text = lua.bytes.u8.toString('latin1', lua.textAt, lua.textAt + lua.textBytes);
  }

  /** Goes on to the next option. False: there is none. */
  next(): boolean {
    if (this.at >= this.text.length || this.text[this.at] === '\0') return false;
    this.option = this.text[this.at++]!;
    this.bytes = SIZES[this.option] ?? 0;
    if (this.option === 'c') this.bytes = this.count(1);
    else if (this.option === 'i' || this.option === 'I') {
      this.bytes = this.count(4);
      if (this.bytes > INTEGER_BYTES_MAX) {
        this.lua.fail(this.state, `integral size ${this.bytes} is larger than limit of ${INTEGER_BYTES_MAX}`);
      }
    }
    return true;
  }

  private count(otherwise: number): number {
    const digits = /^\d+/.exec(this.text.slice(this.at, this.at + 16))?.[0];
    if (digits === undefined) return otherwise;
    if (Number(digits) > INT_MAX) this.lua.fail(this.state, 'integral size overflow');
    this.at += digits.length;
    return Number(digits);
  }

  /** Bytes to leave out at `at` so that the option's value is aligned. */
  padding(at: number): number {
    const bytes = Math.min(this.bytes, this.align);
    if (bytes === 0 || this.option === 'c') return 0;
    return (bytes - (at & (bytes - 1))) & (bytes - 1);
  }

  /** The option is none that stands for a value. */
  control(): void {
    const { option } = this;
    if (option === ' ') return;
    if (option === '>' || option === '<') this.isBig = option === '>';
    else if (option === '!') {
      this.align = this.count(ALIGN_MAX);
      if (this.align > 0 && (this.align & (this.align - 1)) === 0) return;
      this.lua.fail(this.state, `alignment ${this.align} is not a power of 2`);
    } else this.lua.failArgument(this.state, 1, this.name, `invalid format option '${option}'`);
  }
}

/** Pushes the new table `struct`. */
export function pushStructLibrary(lua: Lua, state: number): void {
  const sink = new ByteSink();
  lua.x.lua_createtable(state, 0, 4);
  lua.setFunction(state, 'pack', (from) => pack(lua, from, sink));
  lua.setFunction(state, 'unpack', (from) => unpack(lua, from));
  lua.setFunction(state, 'size', (from) => size(lua, from));
}

function pack(lua: Lua, state: number, sink: ByteSink): number {
  const format = new Format(lua, state, 'pack');
  // Redis: an argument that is missing is reported as nil.
  lua.x.lua_pushnil(state);
  sink.clear();
  let position = 2;
  while (format.next()) {
    if (!sink.ensure(format.bytes + ALIGN_MAX)) lua.outOfMemory(state);
    for (let padding = format.padding(sink.at); padding > 0; padding--) sink.byte(0);
    switch (format.option) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I':
        packInteger(sink, lua.checkNumber(state, position++, 'pack'), format);
        break;
      case 'x':
        sink.byte(0);
        break;
      case 'f':
      case 'd':
        packFloat(sink, lua.checkNumber(state, position++, 'pack'), format);
        break;
      case 'c':
      case 's':
        packString(lua, state, sink, position++, format);
        break;
      default:
        format.control();
    }
  }
  lua.pushBytes(state, sink.content());
  return 1;
}

function packInteger(sink: ByteSink, value: number, { bytes, isBig }: Format): void {
  const whole = Number.isFinite(value) ? Math.trunc(value) : -(2 ** 63);
  const start = sink.at;
  let rest = BigInt(whole) & MASK64;
  for (let i = 0; i < bytes; i++) {
    sink.u8[isBig ? start + bytes - 1 - i : start + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  sink.at += bytes;
}

function packFloat(sink: ByteSink, value: number, { bytes, isBig }: Format): void {
  const { u8, at } = sink;
  if (bytes === 4) sink.at = isBig ? u8.writeFloatBE(value, at) : u8.writeFloatLE(value, at);
  else sink.at = isBig ? u8.writeDoubleBE(value, at) : u8.writeDoubleLE(value, at);
}

function packString(lua: Lua, state: number, sink: ByteSink, position: number, format: Format): void {
  lua.checkString(state, position, 'pack');
  const { textAt, textBytes } = lua;
  const bytes = format.bytes === 0 ? textBytes : format.bytes;
  if (textBytes < bytes) lua.failArgument(state, position + 1, 'pack', 'string too short');
  if (!sink.ensure(bytes + 1)) lua.outOfMemory(state);
  lua.bytes.u8.copy(sink.u8, sink.at, textAt, textAt + bytes);
  sink.at += bytes;
  if (format.option === 's') sink.byte(0);
}

function unpack(lua: Lua, state: number): number {
  const { x } = lua;
  const format = new Format(lua, state, 'unpack');
  lua.checkString(state, 2, 'unpack');
  const start = lua.textAt;
  const byteCount = lua.textBytes;
  const from = x.lua_type(state, 3) <= LuaType.Nil ? 1 : Math.trunc(lua.checkNumber(state, 3, 'unpack'));
  if (!(from > 0)) lua.failArgument(state, 3, 'unpack', 'offset must be 1 or greater');
  x.lua_settop(state, 2);
  let at = from - 1;
  let count = 0;
  while (format.next()) {
    at += format.padding(at);
    let { bytes } = format;
    demandBytes(lua, state, bytes, at, byteCount);
    if (x.lua_checkstack(state, 2) === 0) lua.fail(state, 'stack overflow (too many results)');
    switch (format.option) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I':
        x.lua_pushnumber(state, unpackInteger(lua, start + at, format));
        count++;
        break;
      case 'x':
        break;
      case 'f':
        x.lua_pushnumber(state, lua.bytes.view.getFloat32(start + at, !format.isBig));
        count++;
        break;
      case 'd':
        x.lua_pushnumber(state, lua.bytes.view.getFloat64(start + at, !format.isBig));
        count++;
        break;
      case 'c':
        if (bytes === 0) {
          if (count === 0 || x.lua_isnumber(state, -1) === 0) {
            lua.fail(state, "format 'c0' needs a previous size");
          }
          bytes = Math.trunc(x.lua_tonumber(state, -1));
          lua.pop(state, 1);
          count--;
          demandBytes(lua, state, bytes, at, byteCount);
        }
        x.lua_pushlstring(state, start + at, bytes);
        count++;
        break;
      case 's': {
        const end = lua.bytes.u8.indexOf(0, start + at);
        if (end < 0 || end >= start + byteCount) lua.fail(state, 'unfinished string in data');
        bytes = end - start - at + 1;
        x.lua_pushlstring(state, start + at, bytes - 1);
        count++;
        break;
      }
      default:
        format.control();
    }
    at += bytes;
  }
  x.lua_pushnumber(state, at + 1);
  return count + 1;
}

function demandBytes(lua: Lua, state: number, bytes: number, at: number, byteCount: number): void {
  if (bytes >= 0 && bytes <= byteCount && at <= byteCount - bytes) return;
  lua.failArgument(state, 2, 'unpack', 'data string too short');
}

function unpackInteger(lua: Lua, at: number, { option, bytes, isBig }: Format): number {
  const { u8 } = lua.bytes;
  let value = 0n;
  for (let i = 0; i < bytes; i++) {
    value = ((value << 8n) | BigInt(u8[isBig ? at + i : at + bytes - 1 - i]!)) & MASK64;
  }
  const isSigned = option >= 'a';
  if (!isSigned) return Number(value);
  const bits = BigInt(Math.min(bytes * 8, 64));
  return Number(BigInt.asIntN(Number(bits), value));
}

function size(lua: Lua, state: number): number {
  const format = new Format(lua, state, 'size');
  let total = 0;
  while (format.next()) {
    total += format.padding(total);
    if (format.option === 's') lua.failArgument(state, 1, 'size', "option 's' has no fixed size");
    if (format.option === 'c' && format.bytes === 0) {
      lua.failArgument(state, 1, 'size', "option 'c0' has no fixed size");
    }
    if (!/[a-z0-9]/i.test(format.option)) format.control();
    total += format.bytes;
  }
  lua.x.lua_pushnumber(state, total);
  return 1;
}
