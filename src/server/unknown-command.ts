/** What is said of requests that name no command. */
import type { Command } from '../commands/registry.ts';
import type { Call, Client } from '../commands/row.ts';
import { log } from './log.ts';

/** What a line of an HTTP request begins with, and no command is called. */
const HTTP_WORDS: readonly string[] = ['post', 'host:'];
const NAME_LENGTH_MAX = 128;
const HTTP_WARNING_EVERY_MS = 60_000;
let warnedHttpMs = 0;

/** Whether the request is a line of HTTP. */
export function isHttp(call: Call): boolean {
  return HTTP_WORDS.includes(call.text(0).toLowerCase());
}

/** Redis: a web page may make a browser post commands to us, one a line; so the first line of it ends the connection. */
export function closeHttp(client: Client, nowMs: number): void {
  if (nowMs - warnedHttpMs > HTTP_WARNING_EVERY_MS) {
    warnedHttpMs = nowMs;
    log.warn(`closing client ${client.id}: it speaks HTTP, perhaps a web page that attacks us`);
  }
  client.closeAfterReply();
}

export function unknownCommandText(call: Call): string {
  let beginning = '';
  for (let index = 1; index < call.count && beginning.length < NAME_LENGTH_MAX; index++) {
    beginning += `'${call.text(index).slice(0, NAME_LENGTH_MAX - beginning.length)}' `;
  }
  const name = call.text(0).slice(0, NAME_LENGTH_MAX);
  return `ERR unknown command '${name}', with args beginning with: ${beginning}`;
}

export function unknownSubcommandText(call: Call, command: Command): string {
  const name = call.text(1).slice(0, NAME_LENGTH_MAX);
  return `ERR unknown subcommand '${name}'. Try ${command.row.name} HELP.`;
}
