/** The program: reads flags and configuration, starts the workers, waits for signals. The only file that calls
 *  new Worker: a compiled executable finds a worker only by an address relative to its first entry. */

// First of all: as process 1 of a container we would otherwise ignore these signals.
let onSignal = (signal: string): void => {
  process.stderr.write(`${signal} before the server was up: ending\n`);
  process.exit(0);
};
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => onSignal(signal));
// It would switch off the check of client certificates.
delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];

import { checkHealth } from './server/system/health-check.ts';
import { parseCommandLine, renderHelp } from './server/config/command-line.ts';
import { type ConfigSources, loadConfig } from './server/config/config-file.ts';
import type { Config } from './server/config/config.ts';
import { log, setLog } from './server/log.ts';
import { readMachineLimits } from './server/system/machine-limits.ts';
import { MainThread } from './server/main-thread.ts';
import { EXECUTABLE_NAME, PRODUCT_VERSION } from './server/product.ts';

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

function load(sources: ConfigSources): Config {
  const outcome = loadConfig(sources, readMachineLimits());
  if (!outcome.ok) fail(outcome.error);
  try {
    setLog(outcome.config.text('loglevel'), outcome.config.text('logfile'));
  } catch (error) {
    fail(`${EXECUTABLE_NAME}: cannot open the log file: ${(error as Error).message}`);
  }
  for (const warning of outcome.warnings) log.warn(warning);
  return outcome.config;
}

async function run(sources: ConfigSources): Promise<void> {
  const main = new MainThread(load(sources));
  onSignal = (signal) => {
    // Redis: a terminal that goes away does not take the data with it.
    if (signal === 'SIGHUP') log.info('SIGHUP: there is nothing to read again; still serving');
    else void main.stopBySignal(signal as 'SIGTERM' | 'SIGINT');
  };
  try {
    await main.start(() => new Worker(new URL('./worker.ts', import.meta.url).href));
  } catch (error) {
    fail(`${EXECUTABLE_NAME}: ${(error as Error).message}`);
  }
}

const commandLine = parseCommandLine(process.argv.slice(2));
switch (commandLine.kind) {
  case 'error':
    fail(commandLine.text);
    break;
  case 'help':
    process.stdout.write(`${await renderHelp(readMachineLimits())}\n`);
    break;
  case 'version':
    process.stdout.write(`${EXECUTABLE_NAME} ${PRODUCT_VERSION}\n`);
    break;
  case 'healthcheck':
    process.exit(await checkHealth(load(commandLine)));
    break;
  case 'run':
    await run(commandLine);
}
