/** Redis: a web page may make a browser post commands to us, one a line; so the first line of it ends the connection. */
import { log } from './log.ts';

/** What a line of an HTTP request begins with, and no command is called. */
const HTTP_WORDS: readonly string[] = ['post', 'host:'];
const WARNING_EVERY_MS = 60_000;

export class HttpGuard {
  private warnedMs = 0;

  /** Whether a request that begins with `word` is one of HTTP: then its client is told to leave. */
  refuses(word: string, client: { readonly id: number; closeAfterReply(): void }, nowMs: number): boolean {
    if (!HTTP_WORDS.includes(word.toLowerCase())) return false;
    if (nowMs - this.warnedMs > WARNING_EVERY_MS) {
      this.warnedMs = nowMs;
      log.warn(`closing client ${client.id}: it speaks HTTP, perhaps a web page that attacks us`);
    }
    client.closeAfterReply();
    return true;
  }
}
