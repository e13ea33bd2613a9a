import axios, { type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { type AxiosVerb, DirectVerbs } from '../../../lib/http/direct-verbs.js';

type Bound = Readonly<Record<string, AxiosVerb>>;

/** An instance that sends nothing and remembers what it would have sent. */
function remembering() {
  const configs: InternalAxiosRequestConfig[] = [];
  const instance: AxiosInstance = axios.create({
    adapter: (config) => {
      configs.push(config);
      return Promise.resolve({
        config,
        status: 200,
        statusText: '',
        headers: {},
        data: 'answer',
      } as AxiosResponse);
    },
  });
  return { configs, instance, own: instance as unknown as Bound };
}

describe('a verb that is called directly', () => {
  const given = { headers: { 'X-Given': '1' }, params: { page: 2 }, data: 'of the config', timeout: 7 };

  it.each<[string, readonly unknown[]]>([
    ['get', ['/a']],
    ['delete', ['/a']],
    ['head', ['/a']],
    ['post', ['/a', { b: 1 }]],
    ['put', ['/a', 'text']],
    ['patch', ['/a', { b: 1 }]],
    ['post', ['/a', undefined]],
    ['options', ['/a']],
    ['request', []],
  ])('sends what axios sends: %s %j', async (verb, args) => {
    for (const config of [given, {}, { url: '/elsewhere', method: 'patch' }, { headers: null }]) {
      const { configs, instance, own } = remembering();
      const { [verb]: axiosVerb } = own;
      if (axiosVerb === undefined) throw new Error(`Axios has no ${verb}.`);
      await axiosVerb(...args, { ...config });
      expect(await new DirectVerbs(instance).call(axiosVerb, args, { ...config })).toMatchObject({
        data: 'answer',
      });
      const [byAxios, directly] = configs.map((sent) => ({ ...sent, headers: sent.headers.toJSON() }));
      expect(directly).toEqual(byAxios);
    }
  });

  it('stays replaced where a test replaced it', async () => {
    const { configs, instance } = remembering();
    const verbs = new DirectVerbs(instance);
    expect(await verbs.call(() => Promise.resolve('replaced' as never), ['/a'], {})).toBe('replaced');
    expect(configs).toEqual([]);
  });
});
