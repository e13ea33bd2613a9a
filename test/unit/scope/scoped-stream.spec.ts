import { PassThrough, Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { AssetScopeContext, runInScope, scopeWith } from '../../../lib/scope/asset-scope.context.js';
import { bindStream } from '../../../lib/scope/scoped-stream.js';

const { current } = AssetScopeContext;
const scope = scopeWith(['a:b'], undefined, undefined);
const SCOPE = { scopes: ['a:b'] };

/** Bound to the scope, as a value that a handler returned. */
const bound = <T>(value: T): T => {
  bindStream(scope, value);
  return value;
};

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

describe('A stream bound to a scope works in it, whoever reads it', () => {
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

  it('any other async iterable', async () => {
    expect(await collected(bound({ [Symbol.asyncIterator]: () => scopes() }))).toEqual(THREE);
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
    const outer = scopeWith(['out:er'], undefined, undefined);
    await runInScope(outer, async () => {
      for await (const inside of bound(scopes())) {
        expect([inside, current()]).toEqual([SCOPE, { scopes: ['out:er'] }]);
      }
    });
  });

  it('stays in the scope it was bound to first', async () => {
    const stream = bound(Readable.from(scopes()));
    bindStream(scopeWith(['out:er'], undefined, undefined), stream);
    expect(await collected(stream)).toEqual([SCOPE, SCOPE, SCOPE]);
  });
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
    bindStream(scope, value);
    expect(Reflect.ownKeys(value).map((key) => [key, Reflect.get(value, key)] as unknown)).toEqual(before);
  }
  for (const value of [undefined, null, 1, 'text', Symbol.iterator, () => 1]) bindStream(scope, value);
  const frozen = Object.freeze({ [Symbol.asyncIterator]: () => scopes() });
  expect(() => {
    bindStream(scope, frozen);
  }).not.toThrow();
});
