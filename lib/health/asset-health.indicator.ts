// What the token service knows of a client's health, in the words of @nestjs/terminus 11 and 12. Its package is never loaded
// from here, only its types: the application has loaded it, in whichever way it can.

import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { registeredClients } from '../asset-auth.registry.js';
import { getAssetTokenServiceToken } from '../asset-auth.tokens.js';
import { AssetConfigError } from '../config/asset-auth.errors.js';
import { quoted } from '../config/text.js';
import type { AssetTokenService } from '../token/token.service.js';

/** Which client {@link AssetHealthIndicator.check} tells of. */
export interface AssetHealthOptions {
  /**
   * The name of the client.
   *
   * @default the client without a name
   */
  readonly client?: string | undefined;
}

/**
 * Tells @nestjs/terminus how a client fares, by what the client knows: nothing is sent. List it in the `providers` of the
 * module that imports `TerminusModule`.
 *
 * Meant for readiness and not for liveness: a restart loses the tokens that still serve.
 */
@Injectable()
export class AssetHealthIndicator implements OnModuleInit {
  #indicators: HealthIndicatorService | undefined;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** @throws AssetConfigError when no module imports `TerminusModule` */
  onModuleInit(): void {
    this.#indicators ??= indicatorServiceIn(this.modules);
  }

  /**
   * `down`, `degraded` or `up`, as `tokens.health()` says. What fails for a single business or scope counts for nothing,
   * unless it is the only one. @nestjs/terminus 11 knows no `degraded`: there it is `up`, with `degraded: true`
   * beside it.
   *
   * Besides the status there are counts and codes only, since health pages are often public: `error` (what token requests
   * fail with), `usableTokens`, `usableUntil` (when the first of them expires, ISO 8601), `storeInUse`, `client`.
   *
   * @param key - what the health page calls it
   * @throws AssetConfigError when there is no client of the name, or no module imports `TerminusModule`
   * @example
   * ```ts
   * check() {
   *   return this.health.check([() => this.asset.check('asset'), () => this.asset.check('asset-eu', { client: 'eu' })]);
   * }
   * ```
   */
  check<const Key extends string>(key: Key, { client }: AssetHealthOptions = {}): HealthIndicatorResult<Key> {
    const health = this.#tokensOf(client).health();
    const { status, client: name, error, storeInUse, usableTokens } = health;
    const usableUntil = health.usableUntil?.toISOString();
    const data = { client: name, error, storeInUse, usableTokens, usableUntil };
    // A module that is loaded lazily runs no hooks.
    this.#indicators ??= indicatorServiceIn(this.modules);
    const session: Session<Key> = this.#indicators.check(key);
    if (status === 'down') return session.down(data);
    if (status === 'up') return session.up(data);
    // Terminus 11 would drop a status that it does not know without a word.
    return session.degraded?.(data) ?? session.up({ ...data, degraded: true });
  }

  #tokensOf(client: string | undefined): AssetTokenService {
    try {
      return this.moduleRef.get(getAssetTokenServiceToken(client), { strict: false });
    } catch {
      throw unknownClient(client, this.modules);
    }
  }
}

/** What both majors of terminus have, and what only the later one has. */
interface Session<Key extends string> {
  up(data: Data): HealthIndicatorResult<Key>;
  down(data: Data): HealthIndicatorResult<Key>;
  degraded?(data: Data): HealthIndicatorResult<Key>;
}

type Data = Readonly<Record<string, unknown>>;

/** By the name of its class, which cannot be named without loading the package. */
function indicatorServiceIn(modules: ModulesContainer): HealthIndicatorService {
  for (const { providers } of modules.values()) {
    for (const [token, { instance }] of providers) {
      const isIt = typeof token === 'function' && token.name === 'HealthIndicatorService';
      if (isIt) return instance as HealthIndicatorService;
    }
  }
  const holder = [...modules.values()].find(({ providers }) => providers.has(AssetHealthIndicator));
  const place = holder?.metatype.name ?? 'a module';
  const problem = `${place} provides AssetHealthIndicator, and no module imports TerminusModule of @nestjs/terminus, which is needed for it. Add TerminusModule to the imports of ${place}`;
  throw new AssetConfigError([{ option: 'TerminusModule', problem }], WHAT);
}

const WHAT = 'AssetHealthIndicator cannot be used';

function unknownClient(client: string | undefined, modules: ModulesContainer): AssetConfigError {
  const names = registeredClients(modules).map(({ name }) => name);
  const described = (name: string | undefined): string =>
    name === undefined ? 'without a name' : quoted(name);
  const problem = names.includes(client)
    ? `the client ${described(client)} is registered in another copy of nestjs-asset-auth. Install one version of the package once ("npm ls nestjs-asset-auth" lists the copies), and load it as ESM or as CommonJS throughout`
    : `there is no client ${described(client)}. The clients of this application are: ${names.map(described).join(', ') || 'none'}`;
  return new AssetConfigError([{ option: 'client', problem }], WHAT);
}
