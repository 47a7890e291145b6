/** MONITOR: shows a client every command that the server runs. */
import { type Call, type Client, type Family, Flag } from '../row.ts';

/** What commands ask of the part of the server that shows commands. */
export interface Monitoring {
  /** Has every worker show its commands to `client`. Settles once all do; then `add` is to be called. */
  prepare(): Promise<unknown>;
  /** Shows `client` commands from now on. */
  add(client: Client): void;
  /** Shows it none any more. */
  remove(client: Client): void;
  has(client: Client): boolean;
}

export const monitorFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'MONITOR',
      since: '1.0.0',
      arity: 1,
      flags: Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale,
      summary: 'Shows every command that the server runs.',
      run: monitorCommand,
    },
  ],
};

function monitorCommand(call: Call): void {
  const { client, server } = call;
  if (!call.mayBlock) return call.reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
  // Redis: who is shown everything already gets no answer.
  if (server.monitoring.has(client)) return;
  const parked = call.park();
  void server.monitoring.prepare().then(() =>
    parked.resume((reply) => {
      server.monitoring.add(client);
      reply.ok();
    }),
  );
}
