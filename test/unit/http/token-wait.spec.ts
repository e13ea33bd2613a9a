import axios, { type InternalAxiosRequestConfig } from 'axios';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { getEventListeners } from 'node:events';
import { AssetCall } from '../../../lib/http/asset-request.js';
import { isCancelled, pause, timedOut, timeoutMs, withinCall } from '../../../lib/http/deadline.js';

const configOf = (config: object): InternalAxiosRequestConfig => config as InternalAxiosRequestConfig;
const forEver = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const leave = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave);
  });

describe('the timeout of a request', () => {
  it.each<[unknown, number | undefined]>([
    [undefined, undefined],
    [0, undefined],
    [-1, undefined],
    [5000, 5000],
    [1.9, 1],
    [0.5, undefined],
    ['5000', 5000],
    ['5000ms', 5000],
    ['soon', undefined],
    [Number.NaN, undefined],
    [Infinity, undefined],
    [null, undefined],
    [2 ** 40, 2 ** 31 - 1],
  ])('%p is read as axios reads it', (timeout, expected) => {
    expect(timeoutMs(configOf({ timeout }))).toBe(expected);
  });

  it('is over with the error of axios', () => {
    expect(timedOut(configOf({ timeout: 7 }))).toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 7ms exceeded',
    });
    const clear = { timeout: 7, transitional: { clarifyTimeoutError: true }, timeoutErrorMessage: 'slow' };
    expect(timedOut(configOf(clear))).toMatchObject({ code: 'ETIMEDOUT', message: 'slow' });
  });
});

describe('a wait', () => {
  const parts = (config: object, deadline?: number) => ({
    config: configOf(config),
    call: AssetCall.of(undefined),
    clock: new ManualClock(),
    deadline,
  });

  it('gives what was waited for, and leaves no timer and no listener behind', async () => {
    const { signal } = new AbortController();
    const limits = parts({ signal }, 1000);
    const given: AbortSignal[] = [];
    const wait = (ended: AbortSignal): Promise<string> => {
      given.push(ended);
      return Promise.resolve('token');
    };
    expect(await withinCall(limits, wait)).toBe('token');
    await expect(withinCall(limits, () => Promise.reject(new Error('none')))).rejects.toThrow('none');
    expect(limits.clock.timers).toHaveLength(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    limits.call.departure.leave();
    expect(given.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it('keeps the process alive for its caller, until the deadline', async () => {
    const limits = parts({ timeout: 1000 }, 1000);
    const wait = withinCall(limits, forEver);
    expect(limits.clock.timers).toEqual([{ dueInMs: 1000, ref: true }]);
    await Promise.all([
      limits.clock.advance(1000),
      expect(wait).rejects.toMatchObject({ code: 'ECONNABORTED' }),
    ]);
  });

  it('ends by the signal, by the cancelToken and by the subscriber who leaves', async () => {
    const controller = new AbortController();
    const bySignal = withinCall(parts({ signal: controller.signal }), forEver);
    controller.abort();
    await expect(bySignal).rejects.toMatchObject({ code: 'ERR_CANCELED' });

    const source = axios.CancelToken.source();
    const byToken = withinCall(parts({ cancelToken: source.token }), forEver);
    source.cancel();
    await expect(byToken).rejects.toMatchObject({ code: 'ERR_CANCELED' });

    const limits = parts({});
    const byLeaving = withinCall(limits, forEver);
    limits.call.departure.leave();
    await expect(byLeaving).rejects.toMatchObject({ code: 'ERR_CANCELED' });
  });

  it('does not begin for a call that has ended', async () => {
    const call = AssetCall.of(undefined);
    call.departure.leave();
    for (const limits of [parts({ signal: AbortSignal.abort() }), { ...parts({}), call }]) {
      await expect(withinCall(limits, forEver)).rejects.toMatchObject({ code: 'ERR_CANCELED' });
    }
  });

  it('takes signals of other makes, which may not be able to tell of their end', async () => {
    const limits = parts({ signal: { aborted: false } });
    expect(await withinCall(limits, () => Promise.resolve(1))).toBe(1);
  });
});

describe('a call', () => {
  it('is wanted until signal, cancelToken or subscriber say otherwise', () => {
    const call = AssetCall.of(undefined);
    const source = axios.CancelToken.source();
    const controller = new AbortController();
    const config = configOf({ cancelToken: source.token, signal: controller.signal });
    expect(isCancelled(config, call)).toBe(false);
    controller.abort();
    expect(isCancelled(config, call)).toBe(true);
    source.cancel();
    expect(isCancelled(configOf({ cancelToken: source.token }), call)).toBe(true);
    expect(isCancelled(configOf({}), call)).toBe(false);
    call.departure.leave();
    expect(isCancelled(configOf({}), call)).toBe(true);
  });
});

describe('a pause', () => {
  it('is over when the time has passed', async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const over = pause(500, clock, signal);
    await clock.advance(500);
    await over;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('or when somebody leaves, before or after it began', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const over = pause(500, clock, controller.signal);
    controller.abort(new Error('left'));
    await expect(over).rejects.toThrow('left');
    await expect(pause(500, clock, controller.signal)).rejects.toThrow('left');
    expect(clock.timers).toHaveLength(0);
  });
});
