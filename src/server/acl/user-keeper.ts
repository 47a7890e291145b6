/**
 * Main's side of access control: the authoritative users. Every change is made here, all of it or nothing, and then told
 * to every worker; who asked is answered when all of them enforce it. Changes reach a worker in the order they were made.
 */
import { CommandSets } from '../../commands/acl/command-sets.ts';
import type { SetUserRequest } from '../../commands/acl/acl.ts';
import { mergeSelectorWords, User } from '../../commands/acl/user.ts';
import {
  DEFAULT_USER,
  newDefaultUser,
  type UserChange,
  UserTable,
  type UserText,
} from '../../commands/acl/user-table.ts';
import { FAMILIES } from '../../commands/families.ts';
import { Registry } from '../../commands/registry.ts';
import type { Config } from '../config/config.ts';
import { log } from '../log.ts';
import type { Mesh } from '../mesh.ts';
import { readAclFile, writeAclFile } from './acl-file.ts';
import { changeUser, utf8 } from './change-user.ts';

const NO_FILE =
  'ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER ' +
  'command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users ' +
  'in the Redis configuration.';
const BOTH =
  'Configuring users in redis.conf and at the same time an ACL file (aclfile) is invalid: use one of them';

export class UserKeeper {
  readonly users = new UserTable(new CommandSets(new Registry(FAMILIES)));
  private readonly config: Config;
  private readonly assignEverywhere: (change: UserChange) => Promise<unknown>;

  constructor(config: Config, assignEverywhere: (change: UserChange) => Promise<unknown>) {
    this.config = config;
    this.assignEverywhere = assignEverywhere;
  }

  /** Answers what workers ask. */
  serve(mesh: Mesh): void {
    mesh.on('acl.setuser', (request) => this.setUser(request as SetUserRequest));
    mesh.on('acl.deluser', (names) => this.deleteUsers(names as string[]));
    mesh.on('acl.load', () => this.load());
    mesh.on('acl.save', () => this.save());
  }

  /** Makes the users that the configuration asks for. Throws with a text for people. */
  start(): void {
    this.setDefaultPassword();
    const path = this.config.text('aclfile');
    if (path !== '' && this.config.users.length > 0) throw new Error(BOTH);
    for (const [name = '', ...words] of this.config.users) {
      const outcome = this.declare(name, words);
      if (typeof outcome === 'string') throw new Error(`Error in user declaration '${name}': ${outcome}`);
      this.users.put(outcome);
    }
    if (path === '') return;
    const outcome = readAclFile(path, this.users.sets, this.newUsersHaveAllChannels);
    if ('error' in outcome) throw new Error(`Aborting startup because of ACL errors: ${outcome.error}`);
    for (const user of outcome.users) this.users.put(user);
  }

  /** What the configuration file is to say of the users, a line each; null: they are none of its business. */
  get configLines(): string[] | null {
    if (this.config.text('aclfile') !== '') return null;
    const { users } = this;
    const usual = newDefaultUser(users.sets);
    this.giveRequiredPassword(usual);
    const isUsual = isSame(users.textOf(usual), users.textOf(users.default));
    const told = users.sorted.filter((user) => user !== users.default || !isUsual);
    return told.map((user) => user.describe(users.sets));
  }

  private get newUsersHaveAllChannels(): boolean {
    return this.config.text('acl-pubsub-default') === 'allchannels';
  }

  /** requirepass is now another one: it is the default user's only password, or there is none. */
  async passwordChanged(): Promise<void> {
    this.setDefaultPassword();
    await this.assign([this.users.default]);
  }

  private setDefaultPassword(): void {
    const user = this.users.default.clone();
    this.giveRequiredPassword(user);
    this.users.put(user);
  }

  private giveRequiredPassword(user: User): void {
    const password = Buffer.from(this.config.text('requirepass')).toString('latin1');
    user.applyAll(['resetpass', password === '' ? 'nopass' : `>${password}`], this.users.sets);
  }

  private async assign(
    set: readonly User[],
    removed: string[] = [],
    closed: string[] = removed,
  ): Promise<void> {
    await this.assignEverywhere({ set: set.map((user) => this.users.textOf(user)), removed, closed });
  }

  private async setUser(request: SetUserRequest): Promise<string> {
    const outcome = changeUser(this.users, request, this.newUsersHaveAllChannels);
    if (typeof outcome === 'string') return outcome;
    this.users.put(outcome);
    await this.assign([outcome]);
    return '';
  }

  /** A user made by the words of a directive; or what is wrong with them. */
  private declare(name: string, words: readonly string[]): User | string {
    const merged = mergeSelectorWords(words);
    if ('unmatched' in merged)
      return `Unmatched parenthesis in acl selector starting at '${merged.unmatched}'`;
    const user = new User(name, this.newUsersHaveAllChannels);
    // Redis: of the default user, which is there already, nothing is left.
    const rules = name === DEFAULT_USER ? ['reset', ...merged.rules] : merged.rules;
    return user.applyAll(rules, this.users.sets)?.reason ?? user;
  }

  private async deleteUsers(names: readonly string[]): Promise<number> {
    const removed = [...new Set(names)].filter(
      (name) => name !== DEFAULT_USER && this.users.get(name) !== undefined,
    );
    for (const name of removed) this.users.remove(name);
    if (removed.length > 0) await this.assign([], removed);
    return removed.length;
  }

  /** All of the file or nothing. Clients of users that are gone or have other rules now are closed. */
  private async load(): Promise<string> {
    const path = this.config.text('aclfile');
    if (path === '') return NO_FILE;
    const outcome = readAclFile(path, this.users.sets, this.newUsersHaveAllChannels);
    if ('error' in outcome) return `ERR ${utf8(outcome.error)}`;
    const former = new Map(this.users.texts().map((text) => [text.name, text]));
    const loaded = new Map(outcome.users.map((user) => [user.name, user]));
    if (!loaded.has(DEFAULT_USER)) loaded.set(DEFAULT_USER, newDefaultUser(this.users.sets));
    const removed = [...former.keys()].filter((name) => !loaded.has(name));
    for (const name of removed) this.users.remove(name);
    for (const user of loaded.values()) this.users.put(user);
    const changed = [...loaded.values()].filter(
      (user) => !isSame(former.get(user.name), this.users.textOf(user)),
    );
    const closed = changed
      .map(({ name }) => name)
      .filter((name) => name !== DEFAULT_USER && former.has(name));
    await this.assign(changed, removed, [...removed, ...closed]);
    return '';
  }

  private save(): string {
    const path = this.config.text('aclfile');
    if (path === '') return NO_FILE;
    const { users } = this;
    try {
      writeAclFile(
        path,
        users.sorted.map((user) => user.describe(users.sets)),
      );
    } catch (error) {
      log.warn(`ACL SAVE failed, the old file stays: ${(error as Error).message}`);
      return 'ERR There was an error trying to save the ACLs. Please check the server logs for more information';
    }
    return '';
  }
}

function isSame(a: UserText | undefined, b: UserText): boolean {
  return a !== undefined && a.rules.join(' ') === b.rules.join(' ');
}
