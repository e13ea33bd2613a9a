import { types } from 'node:util';
import { Injectable, type INestApplication, Module } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { AssetAuthModule, type AssetAuthOptions, AssetTokenService } from 'nestjs-asset-auth';
import { start } from './application.fixture.js';

const SECRET = 'never-in-a-dump-1';
const PASSWORD = 'never-in-a-dump-2';

const OPTIONS: AssetAuthOptions = {
  baseUrl: 'https://gateway.example',
  clientId: 'client-id',
  clientSecret: SECRET,
  http: {
    proxy: { host: '127.0.0.1', port: 1, auth: { username: 'user', password: PASSWORD } },
    timeout: 1000,
  },
};

/** Makes the options anew, so that none of their owners keeps them. */
@Injectable()
class Settings {
  createAssetAuthOptions(): AssetAuthOptions {
    return structuredClone(OPTIONS);
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

/**
 * The texts that `util.inspect` shows of the value with `depth: Infinity` and `showHidden`: own properties, of whatever
 * name, and what collections hold; no getter is called. `inspect` itself takes half a minute for an application.
 */
function textsIn(start: unknown): ReadonlySet<string> {
  const texts = new Set<string>();
  const seen = new Set<object>();
  const left: unknown[] = [start];
  for (let value = left.pop(); value !== undefined || left.length > 0; value = left.pop()) {
    if (typeof value === 'string') texts.add(value);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
      continue;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      left.push(String(key), Object.getOwnPropertyDescriptor(value, key)?.value);
    }
    if (types.isMap(value)) left.push(...value.keys(), ...value.values());
    if (types.isSet(value)) left.push(...value);
    // Nest keeps the instance of a provider in a WeakMap, whose entries `inspect` shows as well.
    if (types.isMap(value) && value instanceof ModulesContainer) {
      for (const { providers } of value.values()) {
        for (const wrapper of providers.values()) left.push(wrapper.instance);
      }
    }
  }
  return texts;
}

describe('T129 A deep dump of the application holds neither the secret nor the proxy’s password', () => {
  it.each([
    ['forRoot', () => AssetAuthModule.forRoot(OPTIONS)],
    ['forRoot with a name', () => AssetAuthModule.forRoot({ ...OPTIONS, name: 'eu' })],
    ['a factory', () => AssetAuthModule.forRootAsync({ useFactory: () => structuredClone(OPTIONS) })],
    [
      'a factory that takes its time',
      () => AssetAuthModule.forRootAsync({ useFactory: () => Promise.resolve(structuredClone(OPTIONS)) }),
    ],
    ['a class', () => AssetAuthModule.forRootAsync({ useClass: Settings })],
    [
      'an existing provider',
      () => AssetAuthModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings }),
    ],
  ])('given by %s', async (_, registration) => {
    const { app } = await start({ imports: [registration()] });
    await failOnce(app);
    const texts = [...textsIn([app, app.get(ModulesContainer)])];
    expect(texts).toContain('https://gateway.example');
    expect(texts.filter((text) => text.includes(SECRET) || text.includes(PASSWORD))).toEqual([]);
  });
});

/** So that whatever is kept of a token request is there. */
async function failOnce(app: INestApplication): Promise<void> {
  for (const { providers } of app.get(ModulesContainer).values()) {
    for (const { instance } of providers.values()) {
      if (!(instance instanceof AssetTokenService)) continue;
      await expect(instance.getAccessToken({ scopes: 'ledger:read' })).rejects.toMatchObject({
        code: 'ASSET_TOKEN_UNAVAILABLE',
      });
    }
  }
}
