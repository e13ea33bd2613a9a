import { BadRequestException, type CallHandler } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { defer, EMPTY, firstValueFrom, lastValueFrom, Observable, of, throwError } from 'rxjs';
import { isAssetAuthError } from '../../../lib/config/asset-auth.errors.js';
import { AssetBusiness } from '../../../lib/scope/asset-business.decorator.js';
import { AssetScopeContext, scopeInForce } from '../../../lib/scope/scope-context.js';
import { AssetScope } from '../../../lib/scope/asset-scope.decorator.js';
import { AssetScopeInterceptor } from '../../../lib/scope/asset-scope.interceptor.js';

const { current, run } = AssetScopeContext;

class Handlers {
  undecorated() {}
  @AssetScope('a:b')
  scoped() {}
  @AssetScope('a:b', { client: 'eu' })
  forOneClient() {}
  @AssetBusiness('businessId')
  byName() {}
  @AssetBusiness((context) => context.getArgByIndex<() => string>(0)())
  byFunction() {}
  @AssetBusiness(null)
  withoutBusiness() {}
}

const contextOf = (handler: keyof Handlers, args: readonly unknown[] = [], type = 'http') => {
  const context = new ExecutionContextHost([...args], Handlers, Reflect.get(Handlers.prototype, handler));
  context.setType(type);
  return context;
};

/** What the handler sees, when the interceptor is around it. */
const seenBy = (context: ExecutionContextHost): Promise<unknown> =>
  firstValueFrom(
    new AssetScopeInterceptor().intercept(context, { handle: () => defer(() => of(current())) }),
  );

const thrownFor = (context: ExecutionContextHost): unknown => {
  let hasRun = false;
  const handle = () => {
    hasRun = true;
    return EMPTY;
  };
  try {
    new AssetScopeInterceptor().intercept(context, { handle }).subscribe();
  } catch (error) {
    expect(hasRun).toBe(false);
    return error;
  }
  return undefined;
};

describe('The scope interceptor', () => {
  it('costs a handler that declares nothing nothing: the very Observable of the handler comes back', () => {
    const source = of(1);
    expect(new AssetScopeInterceptor().intercept(contextOf('undecorated'), { handle: () => source })).toBe(
      source,
    );
  });

  it('puts the scopes in force, for one client where one is named', async () => {
    expect(await seenBy(contextOf('scoped'))).toEqual({ scopes: ['a:b'] });
    expect(await seenBy(contextOf('forOneClient'))).toEqual({ scopes: ['a:b'], client: 'eu' });
  });

  it('inherits what the handler does not declare from the context around it', async () => {
    await run({ scopes: 'out:er', businessId: 'biz_outer' }, async () => {
      expect(await seenBy(contextOf('scoped'))).toEqual({ scopes: ['a:b'], businessId: 'biz_outer' });
      expect(await seenBy(contextOf('withoutBusiness'))).toEqual({ scopes: ['out:er'], businessId: null });
    });
  });

  it('does nothing before it is subscribed to', () => {
    let hasRun = false;
    const handle = () => {
      hasRun = true;
      return EMPTY;
    };
    const observable = new AssetScopeInterceptor().intercept(contextOf('scoped'), { handle });
    expect(hasRun).toBe(false);
    observable.subscribe();
    expect(hasRun).toBe(true);
  });

  it('hands values, errors and completion on outside of the scope', async () => {
    const interceptor = new AssetScopeInterceptor();
    const outside: unknown[] = [];
    const observer = {
      next: () => outside.push(['value', current()]),
      error: () => outside.push(['error', current()]),
      complete: () => outside.push(['completion', current()]),
    };
    run({ scopes: 'out:er' }, () => {
      interceptor.intercept(contextOf('scoped'), { handle: () => of(1) }).subscribe(observer);
      interceptor.intercept(contextOf('scoped'), { handle: () => throwError(() => 1) }).subscribe(observer);
    });
    await Promise.resolve();
    const outer = { scopes: ['out:er'] };
    expect(outside).toEqual([
      ['value', outer],
      ['completion', outer],
      ['error', outer],
    ]);
  });

  it('stops the source inside the scope when its subscriber leaves', () => {
    let atTheEnd: unknown;
    const endless = new Observable(() => () => {
      atTheEnd = current();
    });
    const subscription = new AssetScopeInterceptor()
      .intercept(contextOf('scoped'), { handle: () => endless })
      .subscribe();
    expect(atTheEnd).toBeUndefined();
    subscription.unsubscribe();
    expect(atTheEnd).toEqual({ scopes: ['a:b'] });
  });

  it('opens the scope once for a call, however often it is bound', async () => {
    let calls = 0;
    const business = () => `biz_${++calls}`;
    const context = contextOf('byFunction', [business]);
    const around = (inner: CallHandler): CallHandler => ({
      handle: () => new AssetScopeInterceptor().intercept(context, inner),
    });
    const seen: unknown = await firstValueFrom(
      around(around(around({ handle: () => defer(() => of(current())) }))).handle(),
    );
    expect(seen).toEqual({ businessId: 'biz_1' });
    expect(calls).toBe(1);
  });

  it('leaves alone what was narrowed between its first and its second run', async () => {
    const context = contextOf('scoped');
    const interceptor = new AssetScopeInterceptor();
    const inner = {
      handle: () => interceptor.intercept(context, { handle: () => defer(() => of(current())) }),
    };
    const between = {
      handle: () =>
        new Observable((subscriber) =>
          run({ scopes: 'be:tween' }, () => inner.handle().subscribe(subscriber)),
        ),
    };
    expect(await firstValueFrom(interceptor.intercept(context, between))).toEqual({ scopes: ['be:tween'] });
  });

  it('opens the scope again when the call is tried again', async () => {
    const context = contextOf('scoped');
    const attempt = () =>
      lastValueFrom(
        new AssetScopeInterceptor().intercept(context, { handle: () => defer(() => of(current())) }),
      );
    expect(await attempt()).toEqual({ scopes: ['a:b'] });
    expect(await attempt()).toEqual({ scopes: ['a:b'] });
  });

  it('opens a scope of its own for a handler that runs within another one', async () => {
    const nested = defer(() => seenBy(contextOf('byName', [{ params: { businessId: 'biz_2' } }])));
    const seen: unknown = await firstValueFrom(
      new AssetScopeInterceptor().intercept(contextOf('byName', [{ params: { businessId: 'biz_1' } }]), {
        handle: () => nested,
      }),
    );
    expect(seen).toEqual({ businessId: 'biz_2' });
  });

  it('keeps no request alive: the scope holds nothing of the execution context', async () => {
    const request = { params: { businessId: 'biz_1' } };
    const scope: unknown = await firstValueFrom(
      new AssetScopeInterceptor().intercept(contextOf('byName', [request]), {
        handle: () => defer(() => of(scopeInForce())),
      }),
    );
    expect(scope).toEqual({ scopes: undefined, scopesClient: undefined, businessId: 'biz_1', handling: {} });
  });
});

describe('The business of a handler', () => {
  it('is the route parameter of that name, in HTTP', async () => {
    expect(await seenBy(contextOf('byName', [{ params: { businessId: 'biz_1' } }]))).toEqual({
      businessId: 'biz_1',
    });
  });

  it('is the argument of that name, in a GraphQL resolver', async () => {
    expect(await seenBy(contextOf('byName', [{}, { businessId: 'biz_1' }, {}, {}], 'graphql'))).toEqual({
      businessId: 'biz_1',
    });
  });

  it('is what the function answers, of whatever kind the handler is', async () => {
    expect(await seenBy(contextOf('byFunction', [() => 'biz_1'], 'rpc'))).toEqual({ businessId: 'biz_1' });
    expect(await seenBy(contextOf('byFunction', [() => null], 'ws'))).toEqual({ businessId: null });
  });

  it.each(['rpc', 'ws', 'another'])('cannot be found by name in a handler of type %s', (type) => {
    const error = thrownFor(
      contextOf('byName', [{ params: { businessId: 'biz_1' } }, { businessId: 'biz_1' }], type),
    );
    expect(error).toMatchObject({ name: 'AssetBusinessError', code: 'ASSET_BUSINESS_INVALID' });
    expect(error).toHaveProperty(
      'message',
      `@AssetBusiness on Handlers.byName cannot be used: the ${type} handler has no parameter "businessId". Name one that its path or its GraphQL arguments always hold, or pass a function: (context) => businessId.`,
    );
  });

  it.each([
    ['a route without that parameter', contextOf('byName', [{ params: {} }])],
    ['a request without parameters', contextOf('byName', [{}])],
    ['a resolver without that argument', contextOf('byName', [{}, {}], 'graphql')],
    ['a function that answers undefined', contextOf('byFunction', [() => undefined])],
    ['a function that answers a promise', contextOf('byFunction', [() => Promise.resolve('biz_1')])],
  ])('fails closed as a mistake of the programmer: %s', (_, context) => {
    const error = thrownFor(context);
    expect(error).toMatchObject({
      name: 'AssetBusinessError',
      code: 'ASSET_BUSINESS_INVALID',
      retryable: false,
    });
    expect(error).not.toBeInstanceOf(BadRequestException);
    expect(String(error)).toMatch(/@AssetBusiness on Handlers\.by(Name|Function) cannot be used: /);
  });

  it('leaves no rejection unhandled when the function answers a promise that fails', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    thrownFor(contextOf('byFunction', [() => Promise.reject(new Error('too late'))]));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });

  it.each([
    ['a malformed parameter', contextOf('byName', [{ params: { businessId: 'acme' } }])],
    ['an empty parameter', contextOf('byName', [{ params: { businessId: '' } }])],
    ['a wildcard parameter, a list', contextOf('byName', [{ params: { businessId: ['biz_1'] } }])],
    [
      'a GraphQL null, which may not widen the token',
      contextOf('byName', [{}, { businessId: null }], 'graphql'),
    ],
    ['a malformed answer of the function', contextOf('byFunction', [() => 'acme'])],
    ['an empty answer of the function', contextOf('byFunction', [() => ''])],
    ['a number', contextOf('byFunction', [() => 7])],
  ])('is the caller’s mistake, a 400: %s', (_, context) => {
    const error = thrownFor(context);
    expect(error).toBeInstanceOf(BadRequestException);
    expect(isAssetAuthError(error, 'ASSET_BUSINESS_INVALID')).toBe(true);
    expect(error).toMatchObject({ status: 400, retryable: false });
  });

  it('is quoted in the 400 together with the parameter’s name, made printable and cut', () => {
    const error = thrownFor(contextOf('byName', [{ params: { businessId: `a\nb${'c'.repeat(500)}` } }]));
    expect(error).toHaveProperty(
      'message',
      `The parameter "businessId" is not a business id: "a\u{FFFD}b${'c'.repeat(77)}…"`,
    );
  });

  it('is not quoted when a function answered it, which may have it from anywhere', () => {
    const error = thrownFor(contextOf('byFunction', [() => 'internal-account']));
    expect(JSON.stringify(error) + String(error)).not.toContain('internal-account');
  });

  it('lets an error of the function through', () => {
    const refusal = new Error('not yours');
    expect(
      thrownFor(
        contextOf('byFunction', [
          () => {
            throw refusal;
          },
        ]),
      ),
    ).toBe(refusal);
  });
});
