/** What a command of memcached that changes a key is told of as: the words of a Redis command that does the same. */

const LIKE: Readonly<Record<string, string>> = {
  append: 'append',
  prepend: 'append',
  incr: 'incrby',
  decr: 'incrby',
  ma: 'incrby',
  touch: 'expire',
  gat: 'expire',
  gats: 'expire',
  mg: 'expire',
  // Nothing is told of these but that the key is gone.
  delete: 'del',
  md: 'del',
};

/** `whenMs`: the expiry that the command sets, or 0. */
export function likeRedis(verb: string, whenMs: number): readonly string[] {
  const command = LIKE[verb] ?? 'set';
  return command === 'set' && whenMs > 0 ? ['set', '', '', 'px', ''] : [command];
}
