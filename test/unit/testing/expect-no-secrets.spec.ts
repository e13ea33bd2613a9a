import axios from 'axios';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent, get, type IncomingMessage, request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { AssetSandbox, expectNoSecrets, SecretFoundError } from '../../../lib/testing/index.js';
import { call, getToken, sandboxes } from './sandbox-client.js';
import { unlessHanging } from '../../support/unless-hanging.js';

const SECRET = 'S3cret/Value+With=Ö&"quotes"';

/** Where and in which form secrets are found in `value`. */
const findings = (value: unknown, secrets: string | readonly string[] = SECRET, clientId?: string) => {
  try {
    expectNoSecrets(value, secrets, clientId === undefined ? {} : { clientId });
    return [];
  } catch (error) {
    if (error instanceof SecretFoundError) {
      return error.findings.map(({ path, form }) => `${path}: ${form}`);
    }
    throw error;
  }
};

describe('expectNoSecrets', () => {
  const { keep } = sandboxes();

  describe('passes', () => {
    class Vault {
      readonly #secret = SECRET;
      get secret(): string {
        return this.#secret;
      }
      reveal(): string {
        return this.#secret;
      }
    }

    it.each<[string, unknown]>([
      ['undefined', undefined],
      ['null', null],
      ['numbers', 42n],
      ['a text that is only alike', SECRET.toLowerCase()],
      ['a half of it', SECRET.slice(0, 14)],
      [
        'a deep value without it',
        { a: [{ b: new Map([['c', new Set(['d'])]]) }], e: new Error('f', { cause: 'g' }) },
      ],
      ['a private field, and the prototype getter that hands it out', new Vault()],
      ['a class whose prototype has such a getter', { Vault, of: Vault.prototype.constructor }],
      ['a closure', () => SECRET],
    ])('%s', (_what, value) => {
      expectNoSecrets(value, SECRET);
    });

    it('a value that goes round in circles', () => {
      const loop: Record<string, unknown> = { list: [] };
      loop.self = loop;
      (loop.list as unknown[]).push(loop, new Map([[loop, loop]]), new Set([loop]));
      expectNoSecrets(loop, SECRET);
    });

    it('what an AsyncLocalStorage held while a promise was made', async () => {
      const storage = new AsyncLocalStorage<object>();
      const promise = storage.run({ a: { b: SECRET } }, () => Promise.resolve({ c: Promise.resolve('d') }));
      await promise;
      expectNoSecrets({ promise }, SECRET);
      expect(findings(storage.run({ a: 1 }, () => Promise.resolve({ c: Promise.resolve(SECRET) })))).toEqual([
        'value (inspected): raw',
      ]);
      expectNoSecrets([storage.run({ a: 'abcd' }, () => Promise.resolve(1))], 'abcd');
    });

    it('bytes whose neighbours in the same memory hold it', () => {
      const memory = Buffer.from(`harmless ${SECRET} more`);
      expectNoSecrets({ chunk: memory.subarray(0, 8) }, SECRET);
      expectNoSecrets(new Uint8Array(memory.buffer, memory.byteOffset, 8), SECRET);
    });
  });

  describe('finds a secret in the form', () => {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    it.each<[string, string]>([
      ['raw', `x${SECRET}x`],
      ['JSON-escaped', JSON.stringify({ a: SECRET })],
      ['JSON-escaped', JSON.stringify(JSON.stringify({ a: SECRET }))],
      ['URL-encoded', `a=${encodeURIComponent(SECRET)}`],
      [
        'URL-encoded',
        encodeURIComponent(SECRET)
          .toLowerCase()
          .replace('s3cret', 'S3cret')
          .replace('v', 'V')
          .replace('w', 'W'),
      ],
      ['URL-encoded', encodeURIComponent(encodeURIComponent(SECRET))],
      ['URL-encoded', Buffer.from(SECRET).toString('hex').replace(/../g, '%$&')],
      ['base64', base64(SECRET)],
      ['base64', base64(`1${SECRET}9`)],
      ['base64', base64(`12${SECRET}89`)],
      ['base64', base64(`123${SECRET}789`)],
      ['base64 of latin1', Buffer.from(SECRET, 'latin1').toString('base64')],
      ['base64 of URL-encoded', base64(`id:${encodeURIComponent(SECRET)}`)],
      ['hex', Buffer.from(SECRET).toString('hex')],
      ['hex', Buffer.from(SECRET).toString('hex').toUpperCase()],
      ['hex bytes', inspect(Buffer.from(SECRET))],
      ['decimal bytes', JSON.stringify(Buffer.from(SECRET))],
    ])('%s: %s', (form, text) => {
      expect(findings(text)).toEqual([`value: ${form}`]);
    });

    it('form-encoded, where that differs from URL-encoded', () => {
      expect(findings(encodeURIComponent('a b+c:d'), 'a b+c:d')).toEqual(['value: URL-encoded']);
      expect(findings(new URLSearchParams({ s: 'a b+c:d' }).toString(), 'a b+c:d')).toEqual([
        'value: form-encoded',
      ]);
      expect(findings(Buffer.from('id:a+b%2Bc%3Ad').toString('base64'), 'a b+c:d')).toEqual([
        'value: base64 of form-encoded',
      ]);
    });

    it('base64url, where that differs from base64', () => {
      expect(findings(Buffer.from('1>>>???2').toString('base64'), '>>>???')).toEqual(['value: base64']);
      expect(findings(Buffer.from('1>>>???2').toString('base64url'), '>>>???')).toEqual(['value: base64url']);
    });

    it('HTTP Basic, under that name if the client id is known', () => {
      const plain = Buffer.from(`client-1:${SECRET}`).toString('base64');
      const form = new URLSearchParams({ '': SECRET }).toString().slice(1);
      const encoded = Buffer.from(`client-1:${form}`).toString('base64');
      expect(findings(`Basic ${plain}`, SECRET, 'client-1')).toEqual(['value: HTTP Basic']);
      expect(findings(`Basic ${encoded}`, SECRET, 'client-1')).toEqual(['value: HTTP Basic']);
      expect(findings(`Basic ${plain}`)).toEqual(['value: base64']);
    });

    it('that a lone surrogate or a short length leaves of it', () => {
      expect(findings(`x\ud800yz!`, '\ud800yz!')).toEqual(['value: raw']);
      expect(findings(Buffer.from('__abcd__').toString('base64'), 'abcd')).toEqual(['value: base64']);
    });
  });

  describe('looks into', () => {
    const revealing = { toJSON: () => ({ s: SECRET }) };
    const thrower = {};
    Object.defineProperty(thrower, 'own', {
      enumerable: true,
      get: () => {
        throw new Error(SECRET);
      },
    });
    const hidden = Object.defineProperty({}, 'hidden', { value: SECRET, enumerable: false });
    const getter = Object.defineProperty({}, 'own', { get: () => SECRET });
    const customInspect = { [inspect.custom]: () => ({ deep: { deeper: SECRET } }) };
    class Inspected {
      readonly #secret = SECRET;
      [inspect.custom](): string {
        return `Inspected ${this.#secret}`;
      }
    }
    class Printed {
      readonly #secret = SECRET;
      toString(): string {
        return this.#secret;
      }
    }
    class Primitive {
      readonly #secret = SECRET;
      [Symbol.toPrimitive](): string {
        return this.#secret;
      }
    }
    const named = (fields: object) => Object.assign(() => {}, fields);
    const bytes = Buffer.from(`before ${SECRET} after`);

    it.each<[string, unknown, string]>([
      ['texts', SECRET, 'value: raw'],
      ['symbols', Symbol(SECRET), 'value: raw'],
      ['boxed texts', Object(SECRET), 'value as string: raw'],
      ['properties', { a: [{ b: SECRET }] }, 'value.a[0].b: raw'],
      ['properties with odd names', { 'odd name': SECRET }, 'value["odd name"]: raw'],
      [
        'properties without prototype',
        Object.assign(Object.create(null) as object, { a: SECRET }),
        'value.a: raw',
      ],
      ['non-enumerable properties', hidden, 'value.hidden: raw'],
      ['properties under symbols', { [Symbol('s')]: SECRET }, 'value[Symbol(s)]: raw'],
      ['symbols that are keys', { [Symbol(SECRET)]: 1 }, 'value[redacted]: raw'],
      ['names of properties', { [SECRET]: { a: 1 } }, 'value[redacted]: raw'],
      ['own getters', getter, 'value.own: raw'],
      ['what own getters throw', thrower, 'value.own (thrown).stack: raw'],
      ['data on prototypes', Object.create({ a: { b: SECRET } }), 'value (inherited).a.b: raw'],
      [
        'symbol data on prototypes',
        Object.create({ [Symbol('s')]: SECRET }),
        'value (inherited)[Symbol(s)]: raw',
      ],
      ['keys of Maps', new Map([[{ a: SECRET }, 1]]), 'value (Map key 0).a: raw'],
      ['values of Maps', new Map([['a', SECRET]]), 'value (Map value 0): raw'],
      ['Sets', new Set(['a', SECRET]), 'value (Set member 1): raw'],
      ['properties of functions', named({ a: SECRET }), 'value.a: raw'],
      ['names of functions', Object.defineProperty(() => {}, 'name', { value: SECRET }), 'value.name: raw'],
      [
        'statics of classes',
        {
          C: class {
            static readonly a = SECRET;
          },
        },
        'value.C.a: raw',
      ],
      ['Buffers', bytes, 'value (bytes): raw'],
      ['latin1 Buffers', Buffer.from(SECRET, 'latin1'), 'value (bytes): raw'],
      ['typed arrays', new Uint8Array(bytes), 'value (bytes): raw'],
      ['DataViews', new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 'value (bytes): raw'],
      ['ArrayBuffers', new Uint8Array(bytes).buffer, 'value (bytes): raw'],
      ['SharedArrayBuffers', sharedCopy(bytes), 'value (bytes): raw'],
      ['arrays of byte values', [...bytes], 'value as string: decimal bytes'],
      ['results of toJSON', revealing, 'value.toJSON().s: raw'],
      ['results of toString', new Printed(), 'value as string: raw'],
      ['results of Symbol.toPrimitive', new Primitive(), 'value as string: raw'],
      ['results of valueOf', { valueOf: () => SECRET }, 'value as string: raw'],
      ['custom inspection', new Inspected(), 'value (inspected): raw'],
      ['custom inspection, deeply', { a: customInspect }, 'value.a (inspected): raw'],
      ['promises', { a: Promise.resolve({ b: { c: SECRET } }) }, 'value.a (inspected): raw'],
      [
        'proxies',
        { a: new Proxy({ b: SECRET }, { ownKeys: () => [], get: () => 1 }) },
        'value.a (inspected): raw',
      ],
      ['WeakMaps', { a: new WeakMap([[hidden, SECRET]]) }, 'value.a (inspected): raw'],
      [
        'URLs',
        new URL(`https://api.example/?s=${encodeURIComponent(SECRET)}`),
        'value as string: URL-encoded',
      ],
      [
        'Headers',
        new Headers({ authorization: `Basic ${bytes.toString('base64')}` }),
        'value (inspected): base64',
      ],
    ])('%s', (_what, value, finding) => {
      expect(findings(value)).toContain(finding);
    });

    it.each<[string, unknown, string]>([
      ['message', new Error(SECRET), 'value.message: raw'],
      [
        'cause',
        new Error('x', { cause: new Error('y', { cause: { a: SECRET } }) }),
        'value.cause.cause.a: raw',
      ],
      ['errors', new AggregateError([new Error('x'), SECRET]), 'value.errors[1]: raw'],
      ['own fields', Object.assign(new Error('x'), { config: { data: SECRET } }), 'value.config.data: raw'],
      ['stack', Object.assign(new Error('x'), { stack: `Error\n at ${SECRET}` }), 'value.stack: raw'],
      ['message on a prototype', new DOMException(SECRET), 'value.message: raw'],
    ])('an error’s %s', (_what, error, finding) => {
      expect(findings(error)).toContain(finding);
    });

    it('a revoked proxy and a hostile one without stumbling', () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      const hostile = new Proxy(
        {},
        { get: fail, ownKeys: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail },
      );
      expect(findings([proxy, hostile, SECRET])).toContain('value[2]: raw');
    });

    it('only as far as the first ten places', () => {
      const many = Array.from({ length: 30 }, (_, index) => `${index} ${SECRET}`);
      expect(findings(many)).toHaveLength(10);
    });
  });

  describe('over real HTTP', () => {
    const start = async () => {
      const sandbox = keep(await AssetSandbox.start());
      const { access_token } = await getToken(sandbox);
      return { sandbox, token: access_token, headers: { authorization: `Bearer ${access_token}` } };
    };

    it('T54 finds the token that axios leaves in its errors, headers and request alike', async () => {
      const { sandbox, token, headers } = await start();
      sandbox.fail('api', { status: 500 });
      const error: unknown = await axios
        .get(`${sandbox.url}/v0/business`, { headers })
        .catch((cause: unknown) => cause);
      expect(findings(error, sandbox.issuedTokens)).toEqual(
        expect.arrayContaining(['value.config.headers.authorization: raw', 'value.request._header: raw']),
      );
      expect(findings((error as { response: { data: unknown } }).response.data, token)).toEqual([]);
    });

    it('T54 finds the secret in the form that axios sent', async () => {
      const { sandbox } = await start();
      sandbox.fail('token', { status: 500 });
      const form = new URLSearchParams({ client_id: sandbox.clientId, client_secret: sandbox.clientSecret });
      const error: unknown = await axios
        .post(`${sandbox.url}/v0/auth/token`, form)
        .catch((cause: unknown) => cause);
      expect(findings(error, sandbox.clientSecret)).toContain('value.config.data: form-encoded');
    });

    it('finds a token in a ClientRequest, its socket and the response', async () => {
      const { sandbox, token, headers } = await start();
      const agent = new Agent({ keepAlive: true });
      const url = `${sandbox.url}/v0/business`;
      const request = get(url, { headers, agent });
      const response = await new Promise<IncomingMessage>((resolve) => request.on('response', resolve));
      response.resume();
      expect(findings(request, token)).toContain('value._header: raw');
      expect(findings({ socket: request.socket }, token).join()).toContain('_httpMessage._header: raw');
      expect(findings(response, token).join()).toContain('_header: raw');
      agent.destroy();
      expectNoSecrets(request, 'a secret that is not there');
    });

    it('finds nothing in a request that carried none', async () => {
      const { sandbox, token } = await start();
      const request = httpRequest(`${sandbox.url}/v0/business`);
      const response = await new Promise<IncomingMessage>((resolve) => request.on('response', resolve).end());
      response.resume();
      expectNoSecrets([request, response, Readable.from([])], [token, sandbox.clientSecret]);
    });

    it('finds nothing in the sandbox itself', async () => {
      const { sandbox, token } = await start();
      await call(sandbox, token, '/v0/business');
      expectNoSecrets(sandbox, [token, sandbox.clientSecret, sandbox.signingKey]);
    });
  });

  describe('fails with an error', () => {
    it('that names every place and form, and never the secret', () => {
      const value = { list: [{ [SECRET]: `${SECRET}!` }], text: encodeURIComponent(SECRET) };
      const error = catchError(() => {
        expectNoSecrets(value, ['another one', SECRET]);
      });
      expect(error).toBeInstanceOf(SecretFoundError);
      expect(error).toMatchObject({
        name: 'SecretFoundError',
        message:
          'expectNoSecrets: the value holds what it must not hold.\n' +
          '  value.text: secret 2, URL-encoded\n' +
          '  value.list[0][redacted]: secret 2, raw\n' +
          '  value.list[0][redacted]: secret 2, raw',
        findings: [{ path: 'value.text', form: 'URL-encoded', secretIndex: 1 }, {}, {}],
      });
      expectNoSecrets(error, SECRET);
    });

    it('whose paths stay readable', () => {
      const [path] = findings({ ['k'.repeat(1_000)]: { a: SECRET } });
      expect(path).toMatch(/^value\.k{79}….*: raw$/);
    });

    it.each([[''], ['abc'], [[]], [['long enough', 'abc']], [[5]], [undefined]])(
      'when asked to look for %j',
      (secrets) => {
        expect(() => {
          expectNoSecrets('x', secrets as string);
        }).toThrow(TypeError);
      },
    );

    it('when there is more than it can look at, instead of passing', () => {
      const huge = new Array<number>(1_000_001).fill(0);
      expect(() => {
        expectNoSecrets(huge, SECRET);
      }).toThrow(RangeError);
    });
  });

  it('takes no exponential time over values that many ways lead to', () => {
    let value: unknown = { end: 'x' };
    for (let level = 0; level < 200; level++) {
      value = level % 2 === 0 ? [value, value] : { a: value, b: Promise.resolve(value) };
    }
    unlessHanging(() => {
      expectNoSecrets(value, SECRET);
    });
  });
});

function sharedCopy(bytes: Buffer): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}

function fail(): never {
  throw new Error('hostile');
}

function catchError(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}
