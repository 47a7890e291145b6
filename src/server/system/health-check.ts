/** `--healthcheck`: asks the server that this configuration describes whether it answers. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Config } from '../config/config.ts';
import { readTlsOptions } from '../clients/tls.ts';

const PATIENCE_MS = 3000;

/** Sends PING; resolves to the exit code: 0 when the server answered (also with NOAUTH, NOPERM or LOADING), else 1 and says why. */
export function checkHealth(config: Config): Promise<number> {
  return new Promise((resolve) => {
    const socket = open(config);
    const end = (problem: string) => {
      socket.destroy();
      if (problem !== '') process.stderr.write(`unhealthy: ${problem}\n`);
      resolve(problem === '' ? 0 : 1);
    };
    socket.setTimeout(PATIENCE_MS, () => end(`no answer within ${PATIENCE_MS} ms`));
    socket.once('error', (error) => end(error.message));
    socket.once('close', () => end('the server closed the connection'));
    socket.once('data', (reply) => {
      const text = reply.toString('latin1');
      end(
        /^(\+PONG|-NOAUTH|-NOPERM|-LOADING)/.test(text)
          ? ''
          : `unexpected answer: ${text.slice(0, 100).trim()}`,
      );
    });
    socket.write('*1\r\n$4\r\nPING\r\n');
  });
}

function open(config: Config): Socket {
  const bound = config.list('bind')[0]?.replace(/^-/, '') ?? '*';
  const host = ['*', '0.0.0.0', '::', '::*'].includes(bound) ? '127.0.0.1' : bound;
  if (config.number('port') !== 0) return connectTcp(config.number('port'), host);
  if (config.text('unixsocket') !== '') return connectTcp(config.text('unixsocket'));
  // The check is about being alive, from the same machine: the certificate's name need not fit the address.
  // Where the server asks clients for certificates, its own serves.
  const { cert, key, passphrase } = readTlsOptions(config);
  const identity = {
    cert: cert as string,
    key: key as string,
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  return connectTls({ port: config.number('tls-port'), host, rejectUnauthorized: false, ...identity });
}
