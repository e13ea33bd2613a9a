import axios, { type InternalAxiosRequestConfig } from 'axios';
import { DirectWay, isRedirect } from '../../../lib/http/direct-way.js';

const config = (more: object): InternalAxiosRequestConfig => ({ headers: new axios.AxiosHeaders(), ...more });

/** Node's request object once it is answered. */
const answered = (statusCode: number, location?: string): object => ({
  res: { statusCode, headers: location === undefined ? {} : { location } },
});

describe('the way past follow-redirects', () => {
  it.each([
    {},
    { method: 'get' },
    { method: 'HEAD' },
    { method: 'Options', data: null },
    { maxRedirects: 3 },
  ])('is open to %p', (more) => {
    expect(new DirectWay({}).isOpenTo(config(more))).toBe(true);
  });

  it.each([
    { method: 'post' },
    { method: 'delete' },
    { method: 'query' },
    { data: '' },
    { maxRedirects: 0 },
    { responseType: 'stream' },
  ])('is not open to %p', (more) => {
    expect(new DirectWay({}).isOpenTo(config(more))).toBe(false);
  });

  it('stays closed once it was closed', () => {
    const way = new DirectWay({});
    way.close();
    expect(way.isOpenTo(config({}))).toBe(false);
  });
});

describe('what follow-redirects would follow', () => {
  it.each([300, 301, 302, 303, 307, 308, 399])('is a %i that names a location', (status) => {
    expect(isRedirect(answered(status, '/v0/echo'))).toBe(true);
    expect(isRedirect(answered(status))).toBe(false);
    expect(isRedirect(answered(status, ''))).toBe(false);
  });

  it.each([200, 201, 202, 299, 400, 503])('is no %i, whatever it names', (status) => {
    expect(isRedirect(answered(status, '/v0/echo'))).toBe(false);
  });

  it('is nothing that was never answered', () => {
    expect(isRedirect({})).toBe(false);
    expect(isRedirect(undefined)).toBe(false);
  });
});
