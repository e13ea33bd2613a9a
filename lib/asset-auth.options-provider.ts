import type { FactoryProvider, InjectionToken, Provider } from '@nestjs/common';
import { getAssetAuthOptionsToken } from './asset-auth.tokens.js';
import type { AssetAuthOptions } from './config/asset-auth.options.js';
import { AssetConfigError } from './config/config.errors.js';

/** What a class for `useClass` or `useExisting` is called by. */
export const OPTIONS_METHOD = 'createAssetAuthOptions';

interface Sources {
  readonly useFactory?: unknown;
  readonly useClass?: InjectionToken | undefined;
  readonly useExisting?: InjectionToken | undefined;
  readonly name?: string | undefined;
}

/** Puts the options of a named client under a token of their own, so that a test can override one client's. */
export function underItsName(providers: readonly Provider[], name: string | undefined): Provider[] {
  const provide = getAssetAuthOptionsToken(name);
  return providers.map((provider) =>
    isFor(getAssetAuthOptionsToken(), provider) ? { ...provider, provide } : provider,
  );
}

/** With a provider of ours for `useClass` and `useExisting`: Nest's says "is not a function", and not of what. */
export function withMethodChecked(providers: readonly Provider[], sources: Sources): Provider[] {
  const { useFactory, useClass, useExisting, name } = sources;
  const source = useExisting ?? useClass;
  if (typeof useFactory === 'function' || source === undefined) return [...providers];
  const provide = getAssetAuthOptionsToken(name);
  const how = useExisting === undefined ? 'useClass' : 'useExisting';
  return providers.map((provider) =>
    isFor(provide, provider) ? { provide, ...optionsFrom(how, source) } : provider,
  );
}

/** Checked at boot and not at the call: the method may be a property of the instance. */
function optionsFrom(
  how: string,
  source: InjectionToken,
): Pick<FactoryProvider<AssetAuthOptions>, 'inject' | 'useFactory'> {
  return {
    inject: [source],
    useFactory: (factory: Partial<Record<string, () => Promise<AssetAuthOptions>>> | null | undefined) => {
      if (typeof factory?.[OPTIONS_METHOD] === 'function') return factory[OPTIONS_METHOD]();
      const given = typeof source === 'function' ? source.name : String(source);
      const problem = `${given} has no method ${OPTIONS_METHOD}(). Give it one that returns the options, as AssetAuthOptionsFactory describes`;
      throw new AssetConfigError([{ option: how, problem }]);
    },
  };
}

function isFor(token: symbol, provider: Provider): provider is Exclude<Provider, NewableFunction> {
  return 'provide' in provider && provider.provide === token;
}
