import { Readable } from 'node:stream';
import { SetMetadata } from '@nestjs/common';
import { defer, firstValueFrom, map, Observable, of, range, take, throwError, toArray } from 'rxjs';
import { AssetScopeContext } from '../../../lib/scope/scope-context.js';
import { RunWithAssetScope } from '../../../lib/scope/run-with-asset-scope.decorator.js';

const { current, run } = AssetScopeContext;
const untyped = RunWithAssetScope as (...args: readonly unknown[]) => MethodDecorator;
const SCOPE = { scopes: ['a:b'] };

const collected = async (source: AsyncIterable<unknown>): Promise<readonly unknown[]> => {
  const all: unknown[] = [];
  for await (const value of source) all.push(value);
  return all;
};

interface Job {
  readonly data: { readonly businessId: string | null };
}

class Jobs {
  readonly answer = 42;

  @RunWithAssetScope('a:b')
  sync() {
    return current();
  }

  @RunWithAssetScope('a:b')
  async promised() {
    await new Promise((resolve) => setImmediate(resolve));
    return current();
  }

  @RunWithAssetScope('a:b')
  observed() {
    return defer(() => of(current()));
  }

  @RunWithAssetScope('a:b')
  failing() {
    return defer(() => throwError(() => current()));
  }

  @RunWithAssetScope('a:b')
  endless(onEnd: (scope: unknown) => void) {
    return new Observable(() => () => {
      onEnd(current());
    });
  }

  @RunWithAssetScope('a:b')
  async promisedObservable() {
    return Promise.resolve(defer(() => of(current())));
  }

  @RunWithAssetScope('a:b')
  *generated(): Generator {
    yield current();
    yield current();
  }

  @RunWithAssetScope('a:b')
  async *generatedLater(onEnd: (scope: unknown) => void = () => {}): AsyncGenerator {
    try {
      yield current();
      await new Promise((resolve) => setImmediate(resolve));
      yield current();
    } finally {
      onEnd(current());
    }
  }

  @RunWithAssetScope('a:b')
  streamed() {
    return Readable.from(
      (function* () {
        yield current();
        yield current();
      })(),
    );
  }

  @RunWithAssetScope('a:b')
  withThis(this: Jobs, ...args: readonly number[]) {
    return [this.answer, ...args];
  }

  @RunWithAssetScope('a:b', { businessId: 'biz_fixed' })
  ofBusiness() {
    return current();
  }

  @RunWithAssetScope('a:b', { businessId: (job: Job) => job.data.businessId })
  ofJob(job: Job) {
    return { ...current(), job: job.data.businessId };
  }

  @RunWithAssetScope(null, { businessId: null })
  ofNothing() {
    return current();
  }

  @RunWithAssetScope(['c:d', 'a:b'])
  withList() {
    return current();
  }

  @RunWithAssetScope('a:b')
  static ofTheClass() {
    return current();
  }
}

describe('A method with @RunWithAssetScope', () => {
  const jobs = new Jobs();

  it('works in its scope, synchronously and after awaits', async () => {
    expect(jobs.sync()).toEqual(SCOPE);
    expect(await jobs.promised()).toEqual(SCOPE);
    expect(jobs.withList()).toEqual({ scopes: ['a:b', 'c:d'] });
    expect(Jobs.ofTheClass()).toEqual(SCOPE);
    expect(current()).toBeUndefined();
  });

  it('works in its scope when its Observable is subscribed to, and hands values and errors on outside of it', async () => {
    const observable = jobs.observed().pipe(map((inside) => [inside, current()]));
    expect(await firstValueFrom(observable)).toEqual([SCOPE, undefined]);
    const observableLater = (await jobs.promisedObservable()).pipe(map((inside) => [inside, current()]));
    expect(await firstValueFrom(observableLater)).toEqual([SCOPE, undefined]);
    const inside: unknown[] = [];
    jobs.failing().subscribe({ error: (scope: unknown) => inside.push(scope, current()) });
    expect(inside).toEqual([SCOPE, undefined]);
  });

  it('is stopped, inside its scope, by the subscriber of its Observable', () => {
    let atTheEnd: unknown;
    const subscription = jobs.endless((scope) => (atTheEnd = scope)).subscribe();
    expect(atTheEnd).toBeUndefined();
    subscription.unsubscribe();
    expect(atTheEnd).toEqual(SCOPE);
  });

  it('is stopped by a subscriber that leaves while it is still subscribing', async () => {
    class Source {
      emitted = 0;
      @RunWithAssetScope('a:b')
      numbers() {
        return range(0, 1_000).pipe(map(() => ++this.emitted));
      }
    }
    const source = new Source();
    expect(await firstValueFrom(source.numbers().pipe(take(2), toArray()))).toEqual([1, 2]);
    expect(source.emitted).toBeLessThan(5);
  });

  it('works in its scope when its generator or its stream is read', async () => {
    expect([...jobs.generated()]).toEqual([SCOPE, SCOPE]);
    expect(await collected(jobs.generatedLater())).toEqual([SCOPE, SCOPE]);
    expect(await collected(jobs.streamed())).toEqual([SCOPE, SCOPE]);
  });

  it('cleans up in its scope when the reader of its generator leaves', async () => {
    let atTheEnd: unknown;
    for await (const value of jobs.generatedLater((scope) => (atTheEnd = scope))) {
      expect(value).toEqual(SCOPE);
      break;
    }
    expect(atTheEnd).toEqual(SCOPE);
  });

  it('wins over the scope of its caller, such as the emitter of an event', () => {
    expect(run({ scopes: 'emit:ter' }, () => jobs.sync())).toEqual(SCOPE);
    expect(run({ scopes: 'emit:ter', businessId: 'biz_1' }, () => jobs.ofNothing())).toEqual({
      scopes: null,
      businessId: null,
    });
  });

  it('works for the business of its caller, unless it names one', () => {
    run({ businessId: 'biz_caller' }, () => {
      expect(jobs.sync()).toEqual({ ...SCOPE, businessId: 'biz_caller' });
      expect(jobs.ofBusiness()).toEqual({ ...SCOPE, businessId: 'biz_fixed' });
      expect(jobs.ofJob({ data: { businessId: 'biz_job' } })).toEqual({
        ...SCOPE,
        businessId: 'biz_job',
        job: 'biz_job',
      });
      expect(jobs.ofJob({ data: { businessId: null } })).toEqual({ ...SCOPE, businessId: null, job: null });
    });
  });

  it('does not run when its function answers no business', () => {
    const malformed = () => jobs.ofJob({ data: { businessId: 'acme' } });
    const missing = () => jobs.ofJob({ data: {} } as Job);
    expect(malformed).toThrow('@RunWithAssetScope on Jobs.ofJob cannot be used: "acme" is not a business id');
    expect(missing).toThrow(
      '@RunWithAssetScope on Jobs.ofJob cannot be used: undefined is not a business id',
    );
    expect(malformed).toThrow(expect.objectContaining({ code: 'ASSET_BUSINESS_INVALID' }) as Error);
  });

  it('keeps its `this`, arguments, name, length and what it throws', () => {
    expect(jobs.withThis(1, 2)).toEqual([42, 1, 2]);
    const { name, length } = Reflect.get(Jobs.prototype, 'ofJob');
    expect([name, length]).toEqual(['ofJob', 1]);
    class Throwing {
      @RunWithAssetScope('a:b')
      now() {
        throw new Error('thrown inside');
      }
      @RunWithAssetScope('a:b')
      async later() {
        await Promise.resolve();
        throw new Error('rejected inside');
      }
    }
    expect(() => {
      new Throwing().now();
    }).toThrow('thrown inside');
    return expect(new Throwing().later()).rejects.toThrow('rejected inside');
  });

  it('gives a value of any other kind back as it is', () => {
    const values = [
      undefined,
      null,
      0,
      'text',
      [1],
      new Map([[1, 2]]),
      { then: 'no function' },
      Object.freeze({}),
    ];
    class Values {
      @RunWithAssetScope('a:b')
      give(value: unknown) {
        return value;
      }
    }
    for (const value of values) expect(new Values().give(value)).toBe(value);
  });

  it('keeps the metadata of other decorators, whichever side of them it stands', () => {
    class Both {
      @SetMetadata('above', 1)
      @RunWithAssetScope('a:b')
      @SetMetadata('below', 2)
      handler() {
        return current();
      }
    }
    const handler = Reflect.get(Both.prototype, 'handler');
    expect([Reflect.getMetadata('above', handler), Reflect.getMetadata('below', handler)]).toEqual([1, 2]);
    expect(new Both().handler()).toEqual(SCOPE);
  });

  it('is replaced by the one above it, in what it does and in the inventory', () => {
    class Twice {
      @SetMetadata('above', 1)
      @RunWithAssetScope('up:per')
      @SetMetadata('between', 2)
      @RunWithAssetScope('low:er', { businessId: 'biz_lower' })
      @SetMetadata('below', 3)
      method() {
        return current();
      }
    }
    const method = Reflect.get(Twice.prototype, 'method');
    expect(new Twice().method()).toEqual({ scopes: ['up:per'] });
    expect(Reflect.getMetadata('nestjs-asset-auth:run-with-scope', method)).toEqual({
      scopes: ['up:per'],
      business: false,
    });
    expect(['above', 'between', 'below'].map((key) => Reflect.getMetadata(key, method) as unknown)).toEqual([
      1, 2, 3,
    ]);
  });

  it('T116 hands an object to iterate over on untouched, and reads it in its scope in a generator', async () => {
    const feed = {
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve(current());
      },
    };
    class Feeds {
      @RunWithAssetScope('a:b')
      itself() {
        return feed;
      }
      @RunWithAssetScope('a:b')
      async itselfLater() {
        return Promise.resolve(feed);
      }
      @RunWithAssetScope('a:b')
      async *one() {
        yield* feed;
      }
      @RunWithAssetScope('c:d')
      async other() {
        const generate = async function* () {
          yield* feed;
        };
        return Promise.resolve(generate());
      }
    }
    const feeds = new Feeds();
    expect(feeds.itself()).toBe(feed);
    expect(await feeds.itselfLater()).toBe(feed);
    expect(await collected(feeds.one())).toEqual([SCOPE]);
    expect(await collected(await feeds.other())).toEqual([{ scopes: ['c:d'] }]);
    expect(await collected(feed)).toEqual([undefined]);
  });

  it('keeps properties that other decorators put on the function', () => {
    const tagged: MethodDecorator = (_target, _key, descriptor) => {
      Object.assign(descriptor.value as object, { tag: 'kept' });
    };
    class Tagged {
      @RunWithAssetScope('a:b')
      @tagged
      handler() {}
    }
    expect(Reflect.get(Tagged.prototype, 'handler')).toHaveProperty('tag', 'kept');
  });

  it('is described for the inventory', () => {
    const describedBy = (method: keyof Jobs) =>
      Reflect.getMetadata('nestjs-asset-auth:run-with-scope', Reflect.get(Jobs.prototype, method)) as unknown;
    expect(describedBy('sync')).toEqual({ scopes: ['a:b'], business: false });
    expect(describedBy('ofJob')).toEqual({ scopes: ['a:b'], business: true });
    expect(describedBy('ofNothing')).toEqual({ scopes: null, business: false });
  });
});

describe('@RunWithAssetScope', () => {
  it.each([
    ['no argument', [], 'ASSET_SCOPE_INVALID', 'names no scope'],
    ['only options', [{ businessId: 'biz_1' }], 'ASSET_SCOPE_INVALID', 'names no scope'],
    ['an empty list', [[]], 'ASSET_SCOPE_INVALID', 'empty list'],
    ['a malformed scope', ['a:b c:d'], 'ASSET_SCOPE_INVALID', 'holds a space'],
    ['an unknown option', ['a:b', { business: 'biz_1' }], 'ASSET_SCOPE_INVALID', 'no option "business"'],
    ['a malformed business', ['a:b', { businessId: 'acme' }], 'ASSET_BUSINESS_INVALID', 'not a business id'],
  ])('refuses %s where it is written, naming class and method', (_, args, code, words) => {
    const decorate = () => {
      class Jobs {
        @untyped(...args)
        nightly() {}
      }
      return Jobs;
    };
    expect(decorate).toThrow(expect.objectContaining({ code }) as Error);
    expect(decorate).toThrow('@RunWithAssetScope on Jobs.nightly cannot be used: ');
    expect(decorate).toThrow(words);
  });

  it('refuses a class, a property and an accessor', () => {
    class Jobs {
      get accessor() {
        return Math.PI;
      }
    }
    const decorate = RunWithAssetScope('a:b') as (...target: readonly unknown[]) => unknown;
    const descriptor = Object.getOwnPropertyDescriptor(Jobs.prototype, 'accessor');
    for (const target of [[Jobs], [Jobs.prototype, 'property'], [Jobs.prototype, 'accessor', descriptor]]) {
      expect(() => decorate(...target)).toThrow(
        /@RunWithAssetScope on Jobs\S* cannot be used: it belongs on a method/,
      );
    }
  });
});
