import { setImmediate as turn } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { AssetScopeContext } from '../../../lib/scope/scope-context.js';
import { RunWithAssetScope } from '../../../lib/scope/run-with-asset-scope.decorator.js';

const { current, run } = AssetScopeContext;

type Answer = (value: unknown) => unknown;

/** As a query builder: nothing happens before `then`, and each of its methods answers itself. */
class Query {
  #executed = 0;
  readonly #work: () => unknown;
  limitedTo: number | undefined;

  constructor(work: () => unknown = current) {
    this.#work = work;
  }

  limit(count: number): this {
    this.limitedTo = count;
    return this;
  }

  /** As an immutable builder. */
  where(): Query {
    return new Query(this.#work);
  }

  async exec(): Promise<unknown> {
    this.#executed += 1;
    await turn();
    return this.#work();
  }

  get executed(): number {
    return this.#executed;
  }

  set executed(count: number) {
    this.#executed = count;
  }

  then(onFulfilled?: Answer | null, onRejected?: Answer | null): Promise<unknown> {
    return this.exec().then(onFulfilled, onRejected);
  }

  catch(onRejected: Answer): Promise<unknown> {
    return this.then(undefined, onRejected);
  }
}

/** As a lazy promise: a real one whose executor runs when it is awaited. */
class LazyPromise extends Promise<unknown> {
  #promise: Promise<unknown> | undefined;

  static override get [Symbol.species]() {
    return Promise;
  }

  constructor(private readonly work: () => unknown) {
    super(() => undefined);
  }

  override then<A, B>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#promise ??= Promise.resolve().then(this.work);
    return this.#promise.then(onFulfilled, onRejected);
  }
}

/** As Prisma's promises: a plain object. */
const plainThenable = (work = current) => ({
  then: (onFulfilled?: Answer, onRejected?: Answer) =>
    Promise.resolve().then(work).then(onFulfilled, onRejected),
});

const callable = () => Object.assign(() => 'called', plainThenable());

const scopes = ['a:b'];

class Jobs {
  @RunWithAssetScope('a:b')
  returning<T>(make: () => T): T {
    return make();
  }
}

const inMethod = <T>(make: () => T): T => new Jobs().returning(make);
const inRun = <T>(make: () => T): T => run({ scopes: 'a:b' }, make);

describe.each([
  ['a method with @RunWithAssetScope', inMethod],
  ['AssetScopeContext.run', inRun],
])('T111 A thenable that begins when it is awaited, returned by %s', (_, within) => {
  it.each<readonly [string, () => object]>([
    ['a query', () => new Query()],
    ['a query with further conditions', () => new Query().limit(1)],
    ['a lazy promise', () => new LazyPromise(current)],
    ['a plain object', () => plainThenable()],
    ['a frozen object', () => Object.freeze(plainThenable())],
    ['a sealed object', () => Object.seal(plainThenable())],
    ['a function', () => callable()],
    ['an object whose then is inherited', () => Object.create(plainThenable()) as object],
    ['a thenable that answers a thenable', () => new Query(() => new Query())],
  ])('works in the scope: %s', async (__, make) => {
    const returned = () => within(make) as Promise<unknown>;
    expect(await returned()).toEqual({ scopes });
    expect(await returned().then((value) => value)).toEqual({ scopes });
    expect(await run({ scopes: 'outer:scope' }, () => Promise.all([returned()]))).toEqual([{ scopes }]);
  });

  it('does nothing before it is awaited', async () => {
    const query = new Query();
    const returned = within(() => query);
    await turn();
    expect(query.executed).toBe(0);
    await returned;
    expect(query.executed).toBe(1);
  });

  it('keeps its kind, its fields and its methods', async () => {
    const query = within(() => new Query());
    expect(query).toBeInstanceOf(Query);
    expect(query.constructor).toBe(Query);
    expect(query.limit(7)).toBe(query);
    expect(query.limitedTo).toBe(7);
    query.executed = 3;
    expect(query.executed).toBe(3);
    await query;
    expect(query.executed).toBe(4);
    expect(within(callable)()).toBe('called');
    expect(within(() => new LazyPromise(current))).toBeInstanceOf(Promise);
  });

  it('works in the scope whatever is called on it', async () => {
    expect(await within(() => new Query()).limit(1)).toEqual({ scopes });
    expect(
      await within(() => new Query())
        .where()
        .limit(1)
        .where(),
    ).toEqual({ scopes });
    expect(await within(() => new Query()).exec()).toEqual({ scopes });
    expect(await within(() => new Query()).catch(() => undefined)).toEqual({ scopes });
    expect(await within(() => new LazyPromise(current)).finally(() => undefined)).toEqual({ scopes });
  });

  it('does not put into it who awaits it', async () => {
    const seen: unknown[] = [];
    const see = () => seen.push(current());
    await within(() => new Query()).then(see);
    await within(() => new Query(() => Promise.reject(new Error('no')))).then(undefined, see);
    await within(() => new Query(() => Promise.reject(new Error('no')))).catch(see);
    await within(() => new LazyPromise(current)).finally(see);
    await within(() => new Query());
    see();
    expect(seen).toEqual(Array(5).fill(undefined));
  });

  it('rejects with what it rejects with', async () => {
    const error = new Error('no');
    await expect(within(() => new Query(() => Promise.reject(error)))).rejects.toBe(error);
  });

  it('may be shared by callers with scopes of their own, and by one without', async () => {
    const shared = new Query();
    const other = () => run({ scopes: 'other:scope' }, () => shared);
    const seen = await Promise.all([within(() => shared), other(), shared, within(() => shared)]);
    expect(seen).toEqual([{ scopes }, { scopes: ['other:scope'] }, undefined, { scopes }]);
  });

  it('leaves a promise what it is', () => {
    const promise = Promise.resolve(1);
    expect(inRun(() => promise)).toBe(promise);
    expect(Object.getPrototypeOf(within(() => promise))).toBe(Promise.prototype);
  });
});

it('T111 What such a thenable of a method answers goes on working in the scope', async () => {
  const stream = await inMethod(
    () =>
      new Query(
        () =>
          new Readable({
            read() {
              this.push(JSON.stringify(current()));
              this.push(null);
            },
          }),
      ),
  );
  expect(await text(stream as Readable)).toBe(JSON.stringify({ scopes }));
});
