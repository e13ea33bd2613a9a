// Publishes a client's events, to its log and to all who listen.
import { Logger } from '@nestjs/common';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { describeGrant } from '../token/token-request.js';
import {
  type AssetAuthEvents,
  type AssetEventClient,
  type AssetTokenArrivedEvent,
  CHANNELS,
} from './asset-auth.events.js';

/**
 * Publishes what happens to a client: to its own log, and to all that listen to the channels. Nothing is published on the
 * path of a cached token.
 *
 * The log tells of single tokens at `debug`; at `warn` of each degraded state once, and of its end at `log`. Never a secret.
 * A logger that throws costs its line and nothing else. It is not a subscriber of the channels: they outlive an application
 * and are shared by all copies of this package, so that lines would be lost or written twice where a process runs several,
 * as test runners do.
 */
export class EventPublisher {
  readonly client: AssetEventClient;
  readonly #logger: Logger;
  /** Differences that the log has told. */
  readonly #told = new Set<string>();

  constructor({ name, origin }: Pick<AssetAuthConfig, 'name' | 'origin'>) {
    this.client = Object.freeze({ name, origin });
    this.#logger = new Logger(name === undefined ? 'AssetAuthModule' : `AssetAuthModule ${name}`);
  }

  /** @returns the event, to which a later one may refer */
  publish<Name extends keyof AssetAuthEvents>(
    name: Name,
    fields: Omit<AssetAuthEvents[Name], 'client'>,
  ): AssetAuthEvents[Name] {
    const event = { client: this.client, ...fields } as AssetAuthEvents[Name];
    this.tell(name, event);
    return event;
  }

  /** Publishes an event that was made before, so that others could refer to it. */
  tell<Name extends keyof AssetAuthEvents>(name: Name, event: AssetAuthEvents[Name]): void {
    const line = LINES[name]?.(event);
    if (line !== undefined) this.#log(line);
    if (name === 'token.arrived') this.#logDifference(event as AssetTokenArrivedEvent);
    CHANNELS[name].publish(event);
  }

  /** Whether somebody listens besides the log, for what costs something to find out. */
  isHeard(name: keyof AssetAuthEvents): boolean {
    return CHANNELS[name].hasSubscribers;
  }

  /** Once for each grant: it comes with each of its tokens. */
  #logDifference({ difference, ...grant }: AssetTokenArrivedEvent): void {
    if (difference === undefined) return;
    const text = `Access token for ${describeGrant(grant)}: ${difference}`;
    if (this.#told.has(text)) return;
    if (this.#told.size >= MAX_REPORTED) this.#told.clear();
    this.#told.add(text);
    this.#log(['warn', text]);
  }

  #log([level, text]: Line): void {
    try {
      this.#logger[level](text);
    } catch {
      // The application's own logger failed.
    }
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
  'startup.failed': ({ error }) => [
    'warn',
    `Started without an access token that the option startup asks for: ${error.message}`,
  ],
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

function arrival({ isShared, isRenewal, ...grant }: AssetTokenArrivedEvent): string {
  const what = isRenewal ? 'Renewed the access token' : 'Fetched an access token';
  return `${isShared ? 'Took over an access token of another process' : what} for ${describeGrant(grant)}`;
}
