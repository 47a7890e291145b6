/** The reading half of cmsgpack. */
import type { Lua } from '../lua.ts';

const TWO_32 = 2 ** 32;

/** Why a message cannot be read. */
const enum Problem {
  None = 0,
  TooShort = 1,
  BadFormat = 2,
}

export class MessageUnpacker {
  private readonly lua: Lua;
  /** Where we read, in the machine's memory, and where the message ends. */
  private at = 0;
  private end = 0;
  private problem: Problem = Problem.None;

  constructor(lua: Lua) {
    this.lua = lua;
  }

  /** Pushes the values of the message: all, or `limit` of them from `offset` and first where the rest begins. */
  unpack(state: number, name: string, limit: number, offset: number): number {
    const { lua } = this;
    const { x } = lua;
    lua.checkString(state, 1, name);
    const start = lua.textAt;
    const byteCount = lua.textBytes;
    this.problem = Problem.None;
    this.at = start + offset;
    this.end = start + byteCount;
    if (offset < 0 || limit < 0) {
      lua.fail(state, `Invalid request to unpack with offset of ${offset} and limit of ${byteCount}.`);
    }
    if (offset > byteCount) lua.fail(state, `Start offset ${offset} greater than input length ${byteCount}.`);
    const isAll = limit === 0 && offset === 0;
    const top = x.lua_gettop(state);
    let count = 0;
    for (; this.at < this.end && (limit === 0 || count < limit); count++) {
      this.value(state);
      this.demandSound(state);
    }
    if (isAll) return count;
    x.lua_pushnumber(state, this.at === this.end ? -1 : this.at - start);
    x.lua_insert(state, top + 1);
    return count + 1;
  }

  private demandSound(state: number): void {
    if (this.problem === Problem.TooShort) this.lua.fail(state, 'Missing bytes in input.');
    if (this.problem === Problem.BadFormat) this.lua.fail(state, 'Bad data format in input.');
  }

  private needs(byteCount: number): boolean {
    if (this.end - this.at >= byteCount) return true;
    this.problem = Problem.TooShort;
    return false;
  }

  private unsigned(byteCount: number): number {
    const { view } = this.lua.bytes;
    let value = 0;
    for (let i = 0; i < byteCount; i++) value = value * 256 + view.getUint8(this.at++);
    return value;
  }

  private value(state: number): void {
    const { lua } = this;
    const { x } = lua;
    if (!this.needs(1)) return;
    if (x.lua_checkstack(state, 4) === 0)
      lua.fail(state, 'too many return values at once; use unpack_one or unpack_limit instead.');
    const kind = lua.bytes.u8[this.at]!;
    if (kind < 0x80 || kind >= 0xe0) {
      this.at++;
      return x.lua_pushnumber(state, kind < 0x80 ? kind : kind - 0x100);
    }
    this.at++;
    if (kind < 0x90) return this.map(state, kind & 15);
    if (kind < 0xa0) return this.array(state, kind & 15);
    if (kind < 0xc0) return this.string(state, kind & 31);
    this.sized(state, kind);
  }

  private sized(state: number, kind: number): void {
    const { x } = this.lua;
    switch (kind) {
      case 0xc0:
        return x.lua_pushnil(state);
      case 0xc2:
      case 0xc3:
        return x.lua_pushboolean(state, kind & 1);
      case 0xca:
      case 0xcb:
        return this.float(state, kind === 0xca ? 4 : 8);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.counted(state, 1 << (kind - 0xd9), 'string');
      case 0xdc:
      case 0xdd:
        return this.counted(state, kind === 0xdc ? 2 : 4, 'array');
      case 0xde:
      case 0xdf:
        return this.counted(state, kind === 0xde ? 2 : 4, 'map');
      default:
        if (kind >= 0xcc && kind <= 0xd3) return this.integer(state, 1 << (kind & 3), kind >= 0xd0);
        this.problem = Problem.BadFormat;
    }
  }

  private integer(state: number, byteCount: number, isSigned: boolean): void {
    const { lua } = this;
    if (!this.needs(byteCount)) return;
    const { view } = lua.bytes;
    let value: number;
    if (byteCount === 8) {
      const high = isSigned ? view.getInt32(this.at) : view.getUint32(this.at);
      // Through BigInt, so that it is rounded once.
      const isExact = Math.abs(high) < 2 ** 20;
      const low = view.getUint32(this.at + 4);
      value = isExact ? high * TWO_32 + low : Number((BigInt(high) << 32n) + BigInt(low));
      this.at += 8;
    } else {
      value = this.unsigned(byteCount);
      if (isSigned && value >= 2 ** (byteCount * 8 - 1)) value -= 2 ** (byteCount * 8);
    }
    lua.x.lua_pushnumber(state, value);
  }

  private float(state: number, byteCount: number): void {
    if (!this.needs(byteCount)) return;
    const { view } = this.lua.bytes;
    this.lua.x.lua_pushnumber(state, byteCount === 4 ? view.getFloat32(this.at) : view.getFloat64(this.at));
    this.at += byteCount;
  }

  private counted(state: number, byteCount: number, what: 'string' | 'array' | 'map'): void {
    if (!this.needs(byteCount)) return;
    const count = this.unsigned(byteCount);
    if (what === 'string') this.string(state, count);
    else if (what === 'array') this.array(state, count);
    else this.map(state, count);
  }

  private string(state: number, byteCount: number): void {
    if (!this.needs(byteCount)) return;
    this.lua.x.lua_pushlstring(state, this.at, byteCount);
    this.at += byteCount;
  }

  private array(state: number, count: number): void {
    const { x } = this.lua;
    x.lua_createtable(state, 0, 0);
    for (let i = 1; i <= count; i++) {
      this.value(state);
      if (this.problem !== Problem.None) return;
      x.lua_rawseti(state, -2, i);
    }
  }

  private map(state: number, count: number): void {
    const { x } = this.lua;
    x.lua_createtable(state, 0, 0);
    for (let i = 0; i < count; i++) {
      this.value(state);
      if (this.problem !== Problem.None) return;
      this.value(state);
      if (this.problem !== Problem.None) return;
      x.lua_rawset(state, -3);
    }
  }
}
