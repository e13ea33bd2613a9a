import { firstValueFrom, Observable } from 'rxjs';
import {
  AssetScopeContext,
  type AssetScopeContextInput,
  scopeInForce,
} from '../../../lib/scope/scope-context.js';

const { run, current } = AssetScopeContext;

describe('The scope context', () => {
  it('is empty where nobody put anything in force', () => {
    expect(current()).toBeUndefined();
    expect(scopeInForce()).toBeUndefined();
  });

  it('has the scopes in their normal form and the business while the function runs, and answers what it answers', () => {
    const answer = run({ scopes: ['b:c', 'a:b', 'b:c'], businessId: 'biz_1' }, () => current());
    expect(answer).toEqual({ scopes: ['a:b', 'b:c'], businessId: 'biz_1' });
    expect(Object.isFrozen(answer)).toBe(true);
    expect(Object.isFrozen(answer?.scopes)).toBe(true);
    expect(current()).toBeUndefined();
  });

  it('reads one scope as a list of one', () => {
    expect(run({ scopes: 'a:b' }, current)).toEqual({ scopes: ['a:b'] });
  });

  it('is gone again after the function threw', () => {
    expect(() =>
      run({ scopes: 'a:b' }, () => {
        throw new Error('thrown inside');
      }),
    ).toThrow('thrown inside');
    expect(current()).toBeUndefined();
  });

  it('follows promises, timers and microtasks that were started inside', async () => {
    const seen = await run({ scopes: 'a:b' }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      const afterTimer = current();
      await new Promise<void>((resolve) => {
        queueMicrotask(resolve);
      });
      return [afterTimer, current()];
    });
    expect(seen).toEqual([{ scopes: ['a:b'] }, { scopes: ['a:b'] }]);
  });

  it('leaves an Observable cold: what it does, it does in the context of its subscriber', async () => {
    const observable = run(
      { scopes: 'a:b' },
      () =>
        new Observable((subscriber) => {
          subscriber.next(current());
        }),
    );
    expect(await firstValueFrom(observable)).toBeUndefined();
    expect(await run({ scopes: 'c:d' }, () => firstValueFrom(observable))).toEqual({ scopes: ['c:d'] });
  });

  it.each([
    ['nothing', {}, { scopes: ['out:er'], businessId: 'biz_outer' }],
    ['the scopes', { scopes: 'in:ner' }, { scopes: ['in:ner'], businessId: 'biz_outer' }],
    ['the business', { businessId: 'biz_inner' }, { scopes: ['out:er'], businessId: 'biz_inner' }],
    ['no scopes, on purpose', { scopes: null }, { scopes: null, businessId: 'biz_outer' }],
    ['no business, on purpose', { businessId: null }, { scopes: ['out:er'], businessId: null }],
    [
      'undefined',
      { scopes: undefined, businessId: undefined },
      { scopes: ['out:er'], businessId: 'biz_outer' },
    ],
  ])('inherits what a nested run does not name: one that names %s', (_, named, inForce) => {
    run({ scopes: 'out:er', businessId: 'biz_outer' }, () => {
      expect(run(named, current)).toEqual(inForce);
      expect(current()).toEqual({ scopes: ['out:er'], businessId: 'biz_outer' });
    });
  });

  it('tells "explicitly none" from "not said"', () => {
    expect(run({ scopes: null }, current)).toEqual({ scopes: null });
    expect(run({ scopes: null }, current)).not.toHaveProperty('businessId');
    expect(run({}, current)).toBeUndefined();
  });

  it.each([
    ['an empty list', { scopes: [] }, 'ASSET_SCOPE_INVALID'],
    ['an empty string', { scopes: '' }, 'ASSET_SCOPE_INVALID'],
    ['two scopes in one string', { scopes: 'a:b c:d' }, 'ASSET_SCOPE_INVALID'],
    ['a malformed business id', { businessId: 'acme' }, 'ASSET_BUSINESS_INVALID'],
    ['an empty business id', { businessId: '' }, 'ASSET_BUSINESS_INVALID'],
    ['a misspelled name', { scope: 'a:b' }, 'ASSET_SCOPE_INVALID'],
  ])('refuses %s at the call, and runs nothing', (_, named, code) => {
    let hasRun = false;
    const fn = () => {
      hasRun = true;
    };
    const untyped: AssetScopeContextInput & { readonly scope?: string } = named;
    expect(() => {
      run(untyped, fn);
    }).toThrow(expect.objectContaining({ code }) as Error);
    expect(hasRun).toBe(false);
  });

  it('lives on globalThis as a plain value, where the other copy of the package finds it', () => {
    const storage = Reflect.get(globalThis, Symbol.for('nestjs-asset-auth:scope-context')) as {
      getStore(): unknown;
      run<T>(store: unknown, fn: () => T): T;
    };
    run({ scopes: 'a:b', businessId: 'biz_1' }, () => {
      expect(storage.getStore()).toEqual({
        scopes: ['a:b'],
        scopesClient: undefined,
        otherScopes: undefined,
        businessId: 'biz_1',
        handling: undefined,
      });
      expect(Object.getPrototypeOf(storage.getStore())).toBe(Object.prototype);
    });
    const foreign = {
      scopes: ['c:d'],
      scopesClient: 'eu',
      otherScopes: undefined,
      businessId: null,
      handling: undefined,
    };
    expect(storage.run(foreign, current)).toEqual({ scopes: ['c:d'], client: 'eu', businessId: null });
    expect(storage.run(foreign, () => run({ businessId: 'biz_2' }, current))).toEqual({
      scopes: ['c:d'],
      client: 'eu',
      businessId: 'biz_2',
    });
  });

  it('costs its reader no allocation: the same object each time', () => {
    run({ scopes: 'a:b' }, () => {
      expect(scopeInForce()).toBe(scopeInForce());
    });
  });
});
