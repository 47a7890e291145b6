/** A worker's side of access control: takes over main's changes, for its connected clients too, and tells its log. */
import type { SetUserRequest } from '../../commands/acl/acl.ts';
import type { UserChange } from '../../commands/acl/user-table.ts';
import { Subject } from '../../store/audience.ts';
import type { Connection } from '../clients/connection.ts';
import type { Engine } from '../engine.ts';
import { changeUser } from './change-user.ts';

/** Answers what main and other workers ask about users. */
export function serveUserTopics(engine: Engine): void {
  engine.mesh.on('acl.assign', (change) => applyUserChange(engine, change as UserChange));
  engine.mesh.on('acl.setuser.here', (request) => setUserHere(engine, request as SetUserRequest));
  engine.mesh.on('acl.log', () => engine.accessLog.list());
  engine.mesh.on('acl.log.reset', () => engine.accessLog.clear());
  engine.whenConfigured(() => applyLogLength(engine));
  applyLogLength(engine);
}

function applyLogLength(engine: Engine): void {
  engine.accessLog.entriesMax = engine.config.number('acllog-max-len');
}

/** From now on the change is enforced. */
function applyUserChange(engine: Engine, { set, removed, closed }: UserChange): void {
  engine.users.take(set, removed);
  const gone = new Set(closed);
  for (const client of engine.clients.values()) {
    if (gone.has(client.account)) dismiss(client);
    else {
      client.renewPermissions();
      if (listensToForbidden(client)) dismiss(client);
    }
  }
}

/**
 * Makes a change in this worker at once, for the commands behind it in its transaction. Main is asked too, and makes the
 * same of what it knows: that reaches every worker, this one included, in the order in which main has made the changes.
 * Clients are closed only then, for nothing may be sent while locks are held.
 */
function setUserHere(engine: Engine, request: SetUserRequest): void {
  const hasAllChannels = engine.config.text('acl-pubsub-default') === 'allchannels';
  const outcome = changeUser(engine.users, request, hasAllChannels);
  if (typeof outcome === 'string') return;
  engine.users.put(outcome);
  for (const client of engine.clients.values()) client.renewPermissions();
}

/** Redis: who listens to what its user may not listen to any more is closed, for it would go on to be told. */
function listensToForbidden({ permissions, subscriptions }: Connection): boolean {
  if (permissions === null || subscriptions === null) return false;
  return subscriptions.bySubject.some((topics, subject) =>
    [...topics.values()].some(
      ({ topic }) => !permissions.allowsChannel(topic.name, subject === Subject.Pattern),
    ),
  );
}

/** Closes a client whose user is gone. One that waits for the answer to this very change gets it first. */
function dismiss(client: Connection): void {
  client.logOut();
  if (client.waiting && !client.blocked) client.closeAfterReply();
  else client.close();
}
