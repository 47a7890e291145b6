/**
 * Is an address free to listen on? Workers listen with SO_REUSEPORT, which shares a port with another server of the same
 * user in silence, so main asks first. It binds a socket without that option and does not listen on it, because a client
 * that connects in that moment would be taken in and reset. libc is called through bun:ffi; without libc, and for host
 * names, a listening socket has to do.
 */
import { FFIType, type Pointer, read } from 'bun:ffi';
import { createServer, isIPv4, isIPv6 } from 'node:net';
import { openLibc } from '../../base/libc.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_CLOEXEC = 0o2000001;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const EACCES = 13;
const EADDRINUSE = 98;

const LIBC_SYMBOLS = {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  setsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32],
    returns: FFIType.i32,
  },
  bind: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
  __errno_location: { args: [], returns: FFIType.ptr },
} as const;

/** Resolves to '' when `host` and `port` can be listened on, else to why not; `isTaken` tells that another does. */
export async function checkAddress(
  host: string,
  port: number,
): Promise<{ reason: string; isTaken: boolean }> {
  const address = socketAddress(host, port);
  const code = (address === null ? null : bindOnce(address)) ?? (await listenOnce(host, port));
  return { reason: code === 0 ? '' : describe(code), isTaken: code === EADDRINUSE };
}

function describe(code: number | string): string {
  if (code === EADDRINUSE) return 'the port is already in use';
  if (code === EACCES) return 'permission denied';
  return typeof code === 'string' ? code : `error ${code}`;
}

/** struct sockaddr_in or sockaddr_in6; null for a name. */
function socketAddress(host: string, port: number): Uint8Array | null {
  if (isIPv4(host)) {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint16(0, AF_INET, true);
    new DataView(bytes.buffer).setUint16(2, port);
    bytes.set(host.split('.').map(Number), 4);
    return bytes;
  }
  if (!isIPv6(host) || host.includes('.') || host.includes('%')) return null;
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port);
  const [head = '', tail = ''] = host.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  before.forEach((group, index) => view.setUint16(8 + index * 2, Number.parseInt(group, 16)));
  after.forEach((group, index) =>
    view.setUint16(24 - (after.length - index) * 2, Number.parseInt(group, 16)),
  );
  return bytes;
}

/** 0, or the errno of bind; null when libc cannot be called. */
function bindOnce(address: Uint8Array): number | null {
  const libc = openLibc(LIBC_SYMBOLS);
  if (libc === null) return null;
  const { socket, setsockopt, bind, close, __errno_location } = libc.symbols;
  const family = new DataView(address.buffer).getUint16(0, true);
  const descriptor = socket(family, SOCK_STREAM_CLOEXEC, 0);
  if (descriptor < 0) return null;
  const on = new Int32Array([1]);
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, on, 4);
  if (family === AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, on, 4);
  const failed = bind(descriptor, address, address.length) !== 0;
  const code = failed ? read.i32(__errno_location() as Pointer) : 0;
  close(descriptor);
  return code;
}

function listenOnce(host: string, port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: Error & { code?: string }) => {
      resolve(error.code === 'EADDRINUSE' ? EADDRINUSE : error.message);
    });
    probe.listen({ host, port, exclusive: true, ipv6Only: host === '::' }, () =>
      probe.close(() => resolve(0)),
    );
  });
}
