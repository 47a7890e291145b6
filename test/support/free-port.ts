/** Ports for servers that tests start. */

/** Returns a TCP port of the loopback interface that was free a moment ago. Another process may take it before its
 *  user does, so who starts a server on it checks that the server came up. */
export function findFreePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
