/** The bytes by which a client is told that what it has read is out of date. */

/** A client as far as it matters how it is told. */
export interface Told {
  readonly version: 2 | 3;
  /** What it listens to, if anything. */
  readonly subscriptions: object | null;
}

const PUSH = Buffer.from('>2\r\n$10\r\ninvalidate\r\n');
const CHANNEL = '__redis__:invalidate';
const MESSAGE = Buffer.from(`*3\r\n$7\r\nmessage\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n`);
const BROKEN = 'tracking-redir-broken';

/** An array of keys, which are given as latin1. */
export function formatKeys(keys: readonly string[]): Uint8Array {
  let text = `*${keys.length}\r\n`;
  for (const key of keys) text += `$${key.length}\r\n${key}\r\n`;
  return Buffer.from(text, 'latin1');
}

/** Everything has changed. Redis: in the protocol of the client that tracks, whoever is told. */
export function formatNull(version: 2 | 3): Uint8Array {
  return Buffer.from(version === 3 ? '_\r\n' : '$-1\r\n');
}

/** What `client` is sent, or null: it cannot be told. Redis: in RESP2 only those who listen and stand in for another. */
export function toldMessage(client: Told, keys: Uint8Array, isInPlace: boolean): Uint8Array | null {
  if (client.version === 3) return Buffer.concat([PUSH, keys]);
  return isInPlace && client.subscriptions !== null ? Buffer.concat([MESSAGE, keys]) : null;
}

/** The client `id`, which was to be told in place of this one, is gone. */
export function brokenMessage(id: number): Uint8Array {
  return Buffer.from(`>2\r\n$${BROKEN.length}\r\n${BROKEN}\r\n:${id}\r\n`);
}
