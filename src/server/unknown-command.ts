/** Errors of requests that ask for no command there is. */
import type { Command } from '../commands/registry.ts';
import type { Call } from '../commands/row.ts';

/** What a line of an HTTP request begins with, and no command is called. */
const HTTP_WORDS: readonly string[] = ['post', 'host:'];
const SHOWN_LENGTH = 128;

/** Whether the request is a line of an HTTP request. */
export function isHttp(call: Call): boolean {
  return HTTP_WORDS.includes(call.text(0).toLowerCase());
}

export function unknownCommand(call: Call): string {
  let beginning = '';
  for (let index = 1; index < call.count && beginning.length < SHOWN_LENGTH; index++) {
    beginning += `'${call.text(index).slice(0, SHOWN_LENGTH - beginning.length)}' `;
  }
  return `ERR unknown command '${call.text(0).slice(0, SHOWN_LENGTH)}', with args beginning with: ${beginning}`;
}

export function unknownSubcommand(call: Call, container: Command): string {
  return `ERR unknown subcommand '${call.text(1).slice(0, SHOWN_LENGTH)}'. Try ${container.row.name} HELP.`;
}
