import { ManualClock } from 'nestjs-asset-auth/testing';
import { getEventListeners } from 'node:events';
import { pause, untilAborted } from '../../../lib/config/clock.js';

describe('Waiting until a signal aborts', () => {
  it('brings what the promise brings', async () => {
    const { signal } = new AbortController();
    await expect(untilAborted(Promise.resolve(5), signal)).resolves.toBe(5);
    await expect(untilAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });

  it.each([new Error('mine'), 'text', 5, null])('T47 ends at once with the reason %p', async (reason) => {
    const controller = new AbortController();
    const waiting = untilAborted(new Promise(() => {}), controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('T47 ends at once when the signal has aborted before', async () => {
    const reason = new Error('before');
    await expect(untilAborted(Promise.resolve(5), AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('T49 leaves no rejection unhandled when the promise fails afterwards', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const controller = new AbortController();
    let fail!: (error: Error) => void;
    const waiting = untilAborted(
      new Promise((_resolve, reject) => {
        fail = reject;
      }),
      controller.signal,
    );
    controller.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    fail(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('leaves no listener behind', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...listener: Parameters<typeof add>) => {
      listeners += 1;
      add(...listener);
    };
    signal.removeEventListener = (...listener: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...listener);
    };
    await untilAborted(Promise.resolve(), signal);
    await new Promise((resolve) => setImmediate(resolve));
    expect(listeners).toBe(0);
  });

  it('adds one listener for any number of callers, who all leave when it aborts', async () => {
    const controller = new AbortController();
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    const many = Array.from({ length: 50 }, () => untilAborted(new Promise(() => {}), controller.signal));
    controller.abort(new Error('all of you'));
    const settled = await Promise.allSettled(many);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
    expect(warnings).toEqual([]);
  });

  it('keeps those who still wait when one has what it waited for', async () => {
    const controller = new AbortController();
    const staying = untilAborted(new Promise(() => {}), controller.signal);
    await untilAborted(Promise.resolve(), controller.signal);
    controller.abort(new Error('now'));
    await expect(staying).rejects.toThrow('now');
  });
});

describe('A pause', () => {
  it('is over when its time has passed', async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const over = pause(500, clock, signal);
    await clock.advance(500);
    await over;
    await new Promise((resolve) => setImmediate(resolve));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('T47 ends with the reason of its signal, whether that aborts before or after it began', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const over = pause(500, clock, controller.signal);
    controller.abort(new Error('left'));
    await expect(over).rejects.toThrow('left');
    await expect(pause(500, clock, controller.signal)).rejects.toThrow('left');
    expect(clock.timers).toHaveLength(0);
  });
});
