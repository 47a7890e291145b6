/** Who looks at every command that is run, one bit each: `Dispatcher.observers` is 0 when nobody does. */
export const enum Observer {
  None = 0,
  Monitor = 1 << 0,
  Notices = 1 << 1,
  /** Not somebody: the state of the server may keep the command from running (server-state.ts). */
  State = 1 << 2,
}
