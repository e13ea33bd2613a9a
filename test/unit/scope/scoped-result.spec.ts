import { PassThrough, Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { AssetScopeContext, runInScope, scopeWith } from '../../../lib/scope/scope-context.js';
import { resultInScope } from '../../../lib/scope/scoped-result.js';

const { current } = AssetScopeContext;
const scope = scopeWith({ scopes: ['a:b'] });
const SCOPE = { scopes: ['a:b'] };

/** The result of a method that worked in the scope. */
const bound = <T>(value: T): T => resultInScope(scope, value) as T;

const collected = async (source: AsyncIterable<unknown>): Promise<readonly unknown[]> => {
  const all: unknown[] = [];
  for await (const value of source) all.push(value);
  return all;
};

/** A web stream begins to pull a moment after it was made, in the context where it was made. */
const started = () => new Promise((resolve) => setImmediate(resolve));

async function* scopes(onEnd: (scope: unknown) => void = () => {}): AsyncGenerator<unknown, void> {
  try {
    for (let i = 0; i < 3; i++) {
      yield current();
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    onEnd(current());
  }
}

describe('A stream bound to a scope works in it after the method has returned', () => {
  const THREE = [SCOPE, SCOPE, SCOPE];

  it('a Readable', async () => {
    expect(await collected(bound(Readable.from(scopes())))).toEqual(THREE);
  });

  it('a StreamableFile', async () => {
    const file = bound(new StreamableFile(Readable.from(scopes())));
    expect(await collected(file.getStream())).toEqual(THREE);
  });

  it('a Readable that is read through a pipe', async () => {
    const source = bound(Readable.from(scopes()));
    expect(await collected(source.pipe(new PassThrough({ objectMode: true, highWaterMark: 1 })))).toEqual(
      THREE,
    );
  });

  it('an async generator', async () => {
    expect(await collected(bound(scopes()))).toEqual(THREE);
  });

  it('a generator', () => {
    const source = function* () {
      yield current();
      yield current();
    };
    expect([...bound(source())]).toEqual([SCOPE, SCOPE]);
  });

  it('a web ReadableStream', async () => {
    const source = scopes();
    const stream = new ReadableStream<unknown>(
      {
        async pull(controller) {
          const { done, value } = await source.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
      },
      { highWaterMark: 0 },
    );
    await started();
    const reader = bound(stream).getReader();
    const read = async () => (await reader.read()).value;
    expect([await read(), await read()]).toEqual([SCOPE, SCOPE]);
  });

  it('a Response', async () => {
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          controller.enqueue(encoder.encode(JSON.stringify(current())));
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    await started();
    const reader = bound(new Response(body)).body!.getReader();
    const chunk = (await reader.read()) as { readonly value: Uint8Array };
    expect(new TextDecoder().decode(chunk.value)).toBe(JSON.stringify(SCOPE));
  });
});

describe('A stream bound to a scope', () => {
  it('cleans up in it when it is destroyed', async () => {
    let atTheEnd: unknown;
    const ended = new Promise<void>((resolve) => {
      const stream = bound(
        Readable.from(
          scopes((inForce) => {
            atTheEnd = inForce;
            resolve();
          }),
        ),
      );
      stream.once('data', () => stream.destroy());
    });
    await ended;
    expect(atTheEnd).toEqual(SCOPE);
  });

  it('cleans up in it when its reader leaves', async () => {
    let atTheEnd: unknown;
    for await (const value of bound(scopes((inForce) => (atTheEnd = inForce)))) {
      expect(value).toEqual(SCOPE);
      break;
    }
    expect(atTheEnd).toEqual(SCOPE);
  });

  it('does not put its reader into it', async () => {
    for await (const inside of bound(scopes())) expect([inside, current()]).toEqual([SCOPE, undefined]);
    const outer = scopeWith({ scopes: ['out:er'] });
    await runInScope(outer, async () => {
      for await (const inside of bound(scopes())) {
        expect([inside, current()]).toEqual([SCOPE, { scopes: ['out:er'] }]);
      }
    });
  });

  it('stays in the scope it was bound to first', async () => {
    const outer = scopeWith({ scopes: ['out:er'] });
    for (const stream of [Readable.from(scopes()), scopes()]) {
      bound(stream);
      expect(resultInScope(outer, stream)).toBe(stream);
      expect(await collected(stream)).toEqual([SCOPE, SCOPE, SCOPE]);
    }
  });
});

describe('T116 An object to iterate over is handed on untouched', () => {
  /** As an injectable is: one for all callers. */
  class Feed {
    readonly #size = 2;
    limit = 2;
    static isFeed(value: object) {
      return #size in value;
    }
    get size() {
      return this.#size;
    }
    set size(limit: number) {
      this.limit = Math.min(limit, this.#size);
    }
    count() {
      return this.#size;
    }
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < this.limit; i++) {
        await Promise.resolve();
        yield current();
      }
    }
  }

  it('so its class, private fields, properties and methods still work', () => {
    const feed = new Feed();
    const seen = bound(feed);
    expect(seen).toBe(feed);
    expect(Feed.isFeed(seen)).toBe(true);
    expect(seen).toBeInstanceOf(Feed);
    expect(seen.constructor).toBe(Feed);
    expect([seen.size, seen.count()]).toEqual([2, 2]);
    seen.size = 1;
    expect(feed.limit).toBe(1);
    expect(Reflect.get(seen, 'count')).toBe(Reflect.get(Feed.prototype, 'count'));
    expect(Reflect.ownKeys(feed)).toEqual(['limit']);
  });

  it('so it can be cloned', () => {
    const page = { id: 1, [Symbol.asyncIterator]: () => scopes() };
    expect(structuredClone(bound(page))).toEqual({ id: 1 });
    expect(structuredClone(bound(new Feed()))).toEqual({ limit: 2 });
  });

  it('and works for each of its callers where it is read', async () => {
    const feed = bound(new Feed());
    expect(await collected(feed)).toEqual([undefined, undefined]);
    const iterator = runInScope(scope, () => feed[Symbol.asyncIterator]());
    expect((await iterator.next()).value).toBeUndefined();
  });

  it('and works in the scope if a generator reads it, for several callers at the same time', async () => {
    const feed = new Feed();
    const over = async function* () {
      yield* feed;
    };
    const other = scopeWith({ scopes: ['c:d'] });
    const both = [bound(over()), resultInScope(other, over()) as AsyncIterable<unknown>, feed];
    expect(await Promise.all(both.map(collected))).toEqual([
      [SCOPE, SCOPE],
      [{ scopes: ['c:d'] }, { scopes: ['c:d'] }],
      [undefined, undefined],
    ]);
  });

  it('if it is its own iterator', async () => {
    const queue = {
      next: () => Promise.resolve({ value: current(), done: false }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
    const before = Object.entries(queue);
    expect(bound(queue)).toBe(queue);
    expect(queue[Symbol.asyncIterator]()).toBe(queue);
    expect(Object.entries(queue)).toEqual(before);
    expect(await queue.next()).toEqual({ value: undefined, done: false });
  });

  it('if it is an iterator of a collection', () => {
    const iterator = new Map([[1, 2]]).entries();
    expect(bound(iterator)).toBe(iterator);
    expect(Reflect.ownKeys(iterator)).toEqual([]);
  });

  it('if it is a page of a list with a `next` of its own', () => {
    class Page {
      next() {
        return current();
      }
      return() {
        return current();
      }
      [Symbol.iterator]() {
        return [1, 2][Symbol.iterator]();
      }
    }
    const page = new Page();
    expect(bound(page)).toBe(page);
    expect([page.next(), page.return()]).toEqual([undefined, undefined]);
  });

  it('if it answers no iterator, which it is not asked for', () => {
    let asked = 0;
    const ask = (): unknown => {
      asked++;
      return undefined;
    };
    const broken = { [Symbol.asyncIterator]: ask };
    expect(bound(broken)).toBe(broken);
    expect(asked).toBe(0);
    expect(broken[Symbol.asyncIterator]()).toBeUndefined();
  });

  it('if it is frozen', () => {
    const frozen = Object.freeze({ [Symbol.asyncIterator]: () => scopes() });
    expect(bound(frozen)).toBe(frozen);
    expect(frozen[Symbol.asyncIterator]()).toBeDefined();
  });
});

it('A service that has a method of the same name as a stream has is no stream', () => {
  const services = [
    { _read: () => current(), _destroy: () => current() },
    { getReader: () => ({ read: () => current() }) },
  ];
  for (const service of services) {
    const before = Object.entries(service);
    expect(bound(service)).toBe(service);
    expect(Object.entries(service)).toEqual(before);
  }
});

it('A proxy that throws when it is read is handed on as it is', () => {
  const strict = new Proxy(
    {},
    {
      get: (_target, name) => {
        throw new Error(`there is no ${String(name)}`);
      },
    },
  );
  expect(bound(strict)).toBe(strict);
});

it('Values that are no streams are left as they are', () => {
  const values = [
    { id: 1, read: () => 1 },
    [1, 2],
    new Map([[1, 2]]),
    Object.freeze({ next: 1 }),
    new Error('a value'),
    Buffer.from('text'),
    new Date(0),
    Object.create(null) as object,
  ];
  for (const value of values) {
    const before = Reflect.ownKeys(value).map((key) => [key, Reflect.get(value, key)] as unknown);
    expect(bound<unknown>(value)).toBe(value);
    expect(Reflect.ownKeys(value).map((key) => [key, Reflect.get(value, key)] as unknown)).toEqual(before);
  }
  for (const value of [undefined, null, 1, 'text', Symbol.iterator, () => 1]) {
    expect(bound<unknown>(value)).toBe(value);
  }
});
