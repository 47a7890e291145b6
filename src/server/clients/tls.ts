/** TLS settings in the form Bun's listener takes. */
import { readFileSync } from 'node:fs';
import type { TLSOptions } from 'bun';
import type { Config } from '../config/config.ts';

/** Reads the files the settings name. Throws with the setting's name when one is missing or unreadable. */
export function readTlsOptions(config: Config): TLSOptions {
  const clients = config.text('tls-auth-clients');
  const authority = config.text('tls-ca-cert-file');
  const passphrase = config.text('tls-key-file-pass');
  if (clients === 'yes' && authority === '') {
    throw new Error('tls-auth-clients yes needs tls-ca-cert-file, to check the certificates of clients with');
  }
  return {
    cert: read('tls-cert-file', config.text('tls-cert-file')),
    key: read('tls-key-file', config.text('tls-key-file')),
    ...(passphrase === '' ? {} : { passphrase }),
    // With an authority Bun demands client certificates: it is given only when they are wanted.
    ...(clients === 'no' || authority === '' ? {} : { ca: read('tls-ca-cert-file', authority) }),
    requestCert: clients !== 'no' && authority !== '',
    rejectUnauthorized: clients === 'yes',
  };
}

function read(setting: string, path: string): string {
  if (path === '') throw new Error(`tls-port needs ${setting}`);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${setting}: ${(error as Error).message}`);
  }
}
