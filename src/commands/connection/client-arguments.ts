/** Arguments that several of the connection's commands take. All of these commands are rare: strings will do. */

const LONG_MAX = 2n ** 63n - 1n;

/** A signed 64-bit integer as strictly as Redis reads it: no blanks, no '+', no leading zeros. Null for others. */
export function parseLong(text: string): bigint | null {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return null;
  const value = BigInt(text);
  return value > LONG_MAX || value < -LONG_MAX - 1n ? null : value;
}

/** What a client may call itself or its library, so that CLIENT LIST stays one word a field and one line a client. */
export function isPrintableWord(text: string): boolean {
  return /^[!-~]*$/.test(text);
}
