/**
 * The users as one thread knows them. Main has the authoritative table; every worker has a copy, which main keeps up to
 * date (server/acl/user-keeper.ts) and from which all that only reads is answered. The user `default` is always there.
 */
import { timingSafeEqual } from 'node:crypto';
import type { CommandSets } from './command-sets.ts';
import { Permissions } from './permissions.ts';
import { hashPassword, User } from './user.ts';

export const DEFAULT_USER = 'default';

/** A user as it crosses threads: the rules make it of a new one. */
export interface UserText {
  readonly name: string;
  readonly rules: readonly string[];
}

/** What a worker is to change. */
export interface UserChange {
  readonly set: readonly UserText[];
  readonly removed: readonly string[];
  /** Users whose clients are to be closed. */
  readonly closed: readonly string[];
}

export class UserTable {
  readonly sets: CommandSets;
  private readonly users = new Map<string, User>();
  private readonly permissions = new Map<User, Permissions | null>();

  constructor(sets: CommandSets) {
    this.sets = sets;
    this.put(newDefaultUser(sets));
  }

  get(name: string): User | undefined {
    return this.users.get(name);
  }

  get default(): User {
    return this.users.get(DEFAULT_USER)!;
  }

  /** Adds the user, or puts it in the place of the one of its name. */
  put(user: User): void {
    this.remove(user.name);
    this.users.set(user.name, user);
    this.permissions.set(user, user.isUnrestricted ? null : new Permissions(user));
  }

  remove(name: string): void {
    const former = this.users.get(name);
    if (former !== undefined) this.permissions.delete(former);
    this.users.delete(name);
  }

  /** Redis: in the order of their names' bytes. */
  get sorted(): User[] {
    return [...this.users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What the user may do; null: everything. */
  permissionsOf(user: User): Permissions | null {
    return this.permissions.get(user) ?? null;
  }

  /** A client must say who it is before anything else: the default user may not come in without a password. */
  get needsAuthentication(): boolean {
    const { default: user } = this;
    return !user.hasNoPassword || !user.isOn;
  }

  /** The user if it may come in with the password, or null. */
  authenticate(name: string, password: Uint8Array): User | null {
    const user = this.users.get(name);
    if (user === undefined || !user.isOn) return null;
    if (user.hasNoPassword) return user;
    const given = Buffer.from(hashPassword(password));
    let isRight = false;
    // All of them, in the same time wherever they differ: it must not tell how near a guess was.
    for (const hash of user.passwords) isRight = timingSafeEqual(given, Buffer.from(hash)) || isRight;
    return isRight ? user : null;
  }

  textOf(user: User): UserText {
    return { name: user.name, rules: user.rules(this.sets) };
  }

  /** All users, to be handed to a worker that starts. */
  texts(): UserText[] {
    return this.sorted.map((user) => this.textOf(user));
  }

  /** Takes over what another thread has found valid. */
  take(texts: readonly UserText[], removed: readonly string[] = []): void {
    for (const name of removed) this.remove(name);
    for (const { name, rules } of texts) {
      const user = new User(name, false);
      user.applyAll(rules, this.sets);
      this.put(user);
    }
  }
}

/** The user that clients are who have not said who they are, as it is before any configuration. */
export function newDefaultUser(sets: CommandSets): User {
  const user = new User(DEFAULT_USER, true);
  user.applyAll(['on', 'nopass', '+@all', '~*', '&*'], sets);
  return user;
}
