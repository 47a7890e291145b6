/** `--healthcheck`: asks the server that this configuration describes whether it answers. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Config } from './config/config.ts';

const PATIENCE_MS = 3000;

/** Sends PING; resolves to the exit code: 0 when the server answered (also with NOAUTH or LOADING), else 1. */
export function checkHealth(config: Config): Promise<number> {
  return new Promise((resolve) => {
    const socket = open(config);
    const end = (code: number) => {
      socket.destroy();
      resolve(code);
    };
    socket.setTimeout(PATIENCE_MS, () => end(1));
    socket.once('error', () => end(1));
    socket.once('data', (reply) => end(/^(\+PONG|-NOAUTH|-LOADING)/.test(reply.toString('latin1')) ? 0 : 1));
    socket.write('*1\r\n$4\r\nPING\r\n');
  });
}

function open(config: Config): Socket {
  const bound = config.list('bind')[0]?.replace(/^-/, '') ?? '*';
  const host = ['*', '0.0.0.0', '::', '::*'].includes(bound) ? '127.0.0.1' : bound;
  if (config.number('port') !== 0) return connectTcp(config.number('port'), host);
  if (config.text('unixsocket') !== '') return connectTcp(config.text('unixsocket'));
  // The check is about being alive, from the same machine: the certificate's name need not fit the address.
  return connectTls({ port: config.number('tls-port'), host, rejectUnauthorized: false });
}
