import { Logger } from '@nestjs/common';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { describeGrant } from '../token/token-request.js';
import {
  type AssetAuthEvents,
  type AssetEventClient,
  type AssetTokenArrivedEvent,
  CHANNELS,
} from './asset-auth.events.js';

/** The events by name, as they are published: the client is added. */
type PublishedFields<Name extends keyof AssetAuthEvents> = Omit<AssetAuthEvents[Name], 'client'>;

/**
 * Publishes what happens to a client: to its own log, and to all that listen to the channels. Nothing is published on the
 * path of a cached token.
 *
 * The log is not a subscriber of the channels: they outlive an application and are shared by all copies of this package, so
 * that lines would be lost or written twice where a process runs several, as test runners do.
 */
export class EventPublisher {
  readonly client: AssetEventClient;
  readonly #log: EventLog;

  constructor({ name, origin }: Pick<AssetAuthConfig, 'name' | 'origin'>) {
    this.client = Object.freeze({ name, origin });
    this.#log = new EventLog(name);
  }

  /** @returns the event, to which a later one may refer */
  publish<Name extends keyof AssetAuthEvents>(
    name: Name,
    fields: PublishedFields<Name> | AssetAuthEvents[Name],
  ): AssetAuthEvents[Name] {
    const isWhole = Object.hasOwn(fields, 'client');
    const event = (isWhole ? fields : { client: this.client, ...fields }) as AssetAuthEvents[Name];
    this.#log.tell(name, event);
    CHANNELS[name].publish(event);
    return event;
  }

  /** Whether somebody listens besides the log, for what costs something to find out. */
  isHeard(name: keyof AssetAuthEvents): boolean {
    return CHANNELS[name].hasSubscribers;
  }
}

type Line = readonly [level: 'debug' | 'log' | 'warn', text: string];

/** Most grants whose difference is remembered as reported. */
const MAX_REPORTED = 1000;

const LINES: { readonly [Name in keyof AssetAuthEvents]?: (event: AssetAuthEvents[Name]) => Line } = {
  'client.started': ({ client: { name, origin }, environment, clientId }) => [
    'log',
    `${name === undefined ? 'Default client' : `Client ${name}`} → ${origin}${environment === origin ? '' : ` (${environment})`}, client id ${clientId}`,
  ],
  'startup.failed': ({ error }) => ['warn', `Started without the default access token: ${error.message}`],
  'token.arrived': (event) => ['debug', `${arrival(event)}, valid until ${event.expiresAt.toISOString()}`],
  // Failures of single keys reach their callers as errors; in the background they matter only for debugging.
  'token.failed': ({ error, isServing }) => [
    'debug',
    isServing ? `${error.message} The present token goes on serving.` : error.message,
  ],
  'circuit.opened': ({ error, isEverybodys }) => [
    'warn',
    `Token requests ${isEverybodys ? 'pause' : 'for what never had a token pause'}: ${error.message}`,
  ],
  'circuit.closed': () => ['log', 'Token requests succeed again'],
  'store.lost': ({ reason }) => [
    'warn',
    `The token store is out of use, and this process fetches its own tokens: ${reason}`,
  ],
  'store.regained': () => ['log', 'The token store is in use again'],
  'store.unreadable': () => [
    'warn',
    'The token store holds a record that cannot be opened: it was sealed with a key that is not among storeKeys, or by somebody else. It is replaced. Give all processes the same storeKeys.',
  ],
};

/**
 * What happens to a client, as the log tells it: single tokens at `debug`; at `warn` each degraded state once, and its end
 * at `log`. Never a secret. A logger that throws costs its line and nothing else.
 */
class EventLog {
  readonly #logger: Logger;
  /** Differences that were told. */
  readonly #told = new Set<string>();

  /** @param client - the client's name, which becomes part of the log's context */
  constructor(client: string | undefined) {
    this.#logger = new Logger(client === undefined ? 'AssetAuthModule' : `AssetAuthModule ${client}`);
  }

  tell<Name extends keyof AssetAuthEvents>(name: Name, event: AssetAuthEvents[Name]): void {
    const line = LINES[name]?.(event);
    if (line !== undefined) this.#say(line);
    if (name === 'token.arrived') this.#tellDifference(event as AssetTokenArrivedEvent);
  }

  /** Once for each grant: it comes with each of its tokens. */
  #tellDifference({ difference, ...grant }: AssetTokenArrivedEvent): void {
    if (difference === undefined) return;
    const text = `Access token for ${describeGrant(grant)}: ${difference}`;
    if (this.#told.has(text)) return;
    if (this.#told.size >= MAX_REPORTED) this.#told.clear();
    this.#told.add(text);
    this.#say(['warn', text]);
  }

  #say([level, text]: Line): void {
    try {
      this.#logger[level](text);
    } catch {
      // The application's own logger failed.
    }
  }
}

function arrival({ isShared, isRenewal, ...grant }: AssetTokenArrivedEvent): string {
  const what = isRenewal ? 'Renewed the access token' : 'Fetched an access token';
  return `${isShared ? 'Took over an access token of another process' : what} for ${describeGrant(grant)}`;
}
