import axios, { type InternalAxiosRequestConfig } from 'axios';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { getEventListeners } from 'node:events';
import { AssetRequest, NOT_NARROWED } from '../../../lib/http/asset-request.js';
import { Deadline, timeoutMs } from '../../../lib/http/deadline.js';

const configOf = (config: object): InternalAxiosRequestConfig => config as InternalAxiosRequestConfig;

function setting(config: object) {
  const clock = new ManualClock();
  const request = AssetRequest.of(undefined, NOT_NARROWED, undefined);
  const deadline = new Deadline(configOf(config), request, clock);
  return { clock, request, deadline };
}

/** Waits until the signal aborts. */
const forever = (signal: AbortSignal): Promise<never> =>
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
});

describe('the deadline of a call', () => {
  it('gives what was waited for, and leaves no timer and no listener behind', async () => {
    const { signal } = new AbortController();
    const { clock, request, deadline } = setting({ signal, timeout: 1000 });
    expect(await deadline.wait(() => Promise.resolve('token'))).toBe('token');
    await expect(deadline.wait(() => Promise.reject(new Error('none')))).rejects.toThrow('none');
    deadline.settle('answer');
    expect(clock.timers).toHaveLength(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    request.subscriber.leave();
    expect(deadline.signal.aborted).toBe(false);
  });

  it('keeps the process alive, and is over with the error of axios', async () => {
    const { clock, deadline } = setting({ timeout: 1000 });
    const wait = deadline.wait(() => forever(deadline.signal));
    expect(clock.timers).toEqual([{ dueInMs: 1000, ref: true }]);
    await Promise.all([
      clock.advance(1000),
      expect(wait).rejects.toMatchObject({
        code: 'ECONNABORTED',
        message: 'timeout of 1000ms exceeded while waiting for an access token',
      }),
    ]);
  });

  it('is worded as the request likes', async () => {
    const { clock, deadline } = setting({
      timeout: 7,
      transitional: { clarifyTimeoutError: true },
      timeoutErrorMessage: 'slow',
    });
    await clock.advance(7);
    expect(deadline.signal.reason).toMatchObject({ code: 'ETIMEDOUT', message: 'slow' });
  });

  it.each<[string, () => { config: object; end?: () => void }]>([
    [
      'the signal',
      () => {
        const controller = new AbortController();
        return {
          config: { signal: controller.signal },
          end: () => {
            controller.abort();
          },
        };
      },
    ],
    [
      'the cancelToken',
      () => {
        const { token, cancel } = axios.CancelToken.source();
        return {
          config: { cancelToken: token },
          end: () => {
            cancel();
          },
        };
      },
    ],
    ['the subscriber that leaves', () => ({ config: {} })],
  ])('ends a wait by %s', async (_what, start) => {
    const { config, end } = start();
    const { request, deadline } = setting(config);
    const wait = deadline.wait(() => forever(deadline.signal));
    if (end === undefined) request.subscriber.leave();
    else end();
    await expect(wait).rejects.toMatchObject({ code: 'ERR_CANCELED' });
  });

  it('begins no wait for a call that is over', async () => {
    const aborted = setting({ signal: AbortSignal.abort() });
    const left = setting({});
    left.request.subscriber.leave();
    for (const { deadline } of [aborted, left]) {
      await expect(deadline.wait(() => forever(deadline.signal))).rejects.toMatchObject({
        code: 'ERR_CANCELED',
      });
    }
  });

  it('tells each listener of its end once, and none that was removed', async () => {
    const { clock, request, deadline } = setting({ timeout: 1000 });
    const told: string[] = [];
    const [over, one, other] = ['over', 'one', 'other'].map((name) => () => {
      told.push(name);
    });
    for (const listener of [over!, one!, other!]) deadline.addEventListener('abort', listener);
    deadline.removeEventListener('abort', over!);
    await clock.advance(999);
    expect([deadline.aborted, told]).toEqual([false, []]);
    await clock.advance(1);
    request.subscriber.leave();
    await Promise.resolve();
    expect([deadline.aborted, told]).toEqual([true, ['one', 'other']]);
    expect(() => {
      deadline.throwIfOver();
    }).toThrow('timeout of 1000ms exceeded');
  });

  it('aborts its signal with the error of the call, whether it was first asked for before the end or after', async () => {
    const { clock, deadline } = setting({ timeout: 1000 });
    const before = deadline.signal;
    await clock.advance(1000);
    const late = setting({ timeout: 1000 });
    await late.clock.advance(1000);
    for (const signal of [before, deadline.signal, late.deadline.signal]) {
      expect(signal.reason).toMatchObject({ code: 'ECONNABORTED' });
    }
    expect(deadline.signal).toBe(before);
  });

  it('takes signals of other makes, which may not be able to tell of their end', async () => {
    const { deadline } = setting({ signal: { aborted: false } });
    expect(await deadline.wait(() => Promise.resolve(1))).toBe(1);
    deadline.settle('answer');
  });
});
