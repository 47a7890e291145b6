/** Tells systemd (Type=notify) when we are ready and when we stop: one datagram to the unix socket whose name is in
 *  $NOTIFY_SOCKET. Bun has no datagram sockets of the unix family, so libc is called through bun:ffi; without libc or
 *  without the variable nothing is sent. https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html */

import { FFIType } from 'bun:ffi';
import { openLibc } from '../../base/libc.ts';

/** `absent`: nobody asked to be told. `failed`: somebody did, and could not be reached. */
export type NotifyOutcome = 'sent' | 'absent' | 'failed';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const MSG_NOSIGNAL = 0x4000;
/** sockaddr_un: a 16-bit family, then at most 108 bytes of name. */
const NAME_AT = 2;
const NAME_BYTES_MAX = 108;

const LIBC_SYMBOLS = {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  sendto: {
    args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32],
    returns: FFIType.i64,
  },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
} as const;

/** The server accepts connections. `status` is what `systemctl status` shows. */
export function notifyReady(status: string): NotifyOutcome {
  return notifyManager(`READY=1\nSTATUS=${status}\nMAINPID=${process.pid}`);
}

/** The server has begun to stop. */
export function notifyStopping(): NotifyOutcome {
  return notifyManager('STOPPING=1');
}

/** Sends any state to the service manager. Blocks for as long as its queue is full, which is never for long. */
export function notifyManager(state: string, socketName = process.env['NOTIFY_SOCKET'] ?? ''): NotifyOutcome {
  if (socketName === '') return 'absent';
  const address = socketAddress(socketName);
  const libc = openLibc(LIBC_SYMBOLS);
  if (address === null || libc === null) return 'failed';
  const message = new TextEncoder().encode(state);
  const { socket, sendto, close } = libc.symbols;
  const descriptor = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (descriptor < 0) return 'failed';
  const sent = sendto(descriptor, message, message.length, MSG_NOSIGNAL, address, address.length);
  close(descriptor);
  return Number(sent) === message.length ? 'sent' : 'failed';
}

/** A path, or after '@' a name in the abstract namespace, which starts with a zero byte. Null for anything else. */
function socketAddress(name: string): Uint8Array | null {
  if (!name.startsWith('/') && !name.startsWith('@')) return null;
  const bytes = new TextEncoder().encode(name);
  if (bytes.length >= NAME_BYTES_MAX) return null;
  const isAbstract = name.startsWith('@');
  // A path ends with a zero byte; of an abstract name every byte counts.
  const address = new Uint8Array(NAME_AT + bytes.length + (isAbstract ? 0 : 1));
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX;
  address.set(bytes, NAME_AT);
  if (isAbstract) address[NAME_AT] = 0;
  return address;
}
