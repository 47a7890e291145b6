/** The table `bit`: Mike Pall's LuaBitOp 1.0.2, 32-bit operations on numbers. */
import type { Lua } from '../lua.ts';

const HEX_DIGITS = 8;
const TWO_32 = 2 ** 32;

/** A number's 32 low bits, rounded to an integer first as LuaBitOp does (to even). */
function toBits(value: number): number {
  if (!Number.isFinite(value)) return 0;
  let whole = Math.floor(value);
  const rest = value - whole;
  if (rest > 0.5 || (rest === 0.5 && whole % 2 !== 0)) whole++;
  return (whole % TWO_32) | 0;
}

/** Pushes the new table `bit`. */
export function pushBitLibrary(lua: Lua, state: number): void {
  const { x } = lua;
  const bits = (from: number, position: number, name: string) =>
    toBits(lua.checkNumber(from, position, name));
  const add = (name: string, result: (from: number) => number) =>
    lua.setFunction(state, name, (from) => {
      x.lua_pushnumber(from, result(from));
      return 1;
    });
  const fold = (name: string, combine: (a: number, b: number) => number) =>
    add(name, (from) => {
      let value = bits(from, 1, name);
      for (let index = x.lua_gettop(from); index > 1; index--)
        value = combine(value, bits(from, index, name));
      return value | 0;
    });
  const shift = (name: string, move: (value: number, count: number) => number) =>
    add(name, (from) => move(bits(from, 1, name), bits(from, 2, name) & 31) | 0);
  x.lua_createtable(state, 0, 12);
  add('tobit', (from) => bits(from, 1, 'tobit'));
  add('bnot', (from) => ~bits(from, 1, 'bnot'));
  add('bswap', (from) => {
    const b = bits(from, 1, 'bswap');
    return (b >>> 24) | ((b >>> 8) & 0xff00) | ((b & 0xff00) << 8) | (b << 24);
  });
  fold('band', (a, b) => a & b);
  fold('bor', (a, b) => a | b);
  fold('bxor', (a, b) => a ^ b);
  shift('lshift', (value, count) => value << count);
  shift('rshift', (value, count) => value >>> count);
  shift('arshift', (value, count) => value >> count);
  shift('rol', (value, count) => (value << count) | (value >>> (32 - count)));
  shift('ror', (value, count) => (value >>> count) | (value << (32 - count)));
  lua.setFunction(state, 'tohex', (from) => {
    const value = bits(from, 1, 'tohex');
    let digits = x.lua_gettop(from) < 2 ? HEX_DIGITS : bits(from, 2, 'tohex');
    const isUpper = digits < 0;
    if (isUpper) digits = -digits;
    if (digits > HEX_DIGITS || digits < 0) digits = HEX_DIGITS;
    const text = (value >>> 0)
      .toString(16)
      .padStart(HEX_DIGITS, '0')
      .slice(HEX_DIGITS - digits);
    lua.pushText(from, isUpper ? text.toUpperCase() : text);
    return 1;
  });
}
