import type { AssetClock } from 'nestjs-asset-auth';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { StoreGuard } from '../../../lib/store/store-guard.js';
import { publisher } from './publisher.fixture.js';

const QUICK_MS = 250;

function guarded() {
  const clock = new ManualClock();
  const told: string[] = [];
  const guard = new StoreGuard(
    clock,
    QUICK_MS,
    publisher((line) => told.push(line)),
  );
  let tried = 0;
  const attempt = (what: () => Promise<unknown>) => () => {
    tried += 1;
    return what();
  };
  const read = { isAwaited: true, operation: 'get' } as const;
  const write = { isAwaited: true, operation: 'set' } as const;
  const background = { isAwaited: false, operation: 'get' } as const;
  const works = attempt(() => Promise.resolve('yes'));
  const fails = attempt(() => Promise.reject(new Error('down')));
  const hangs = attempt(() => new Promise(() => {}));
  const after = (ms: number) =>
    attempt(
      () =>
        new Promise((resolve) =>
          clock.setTimeout(
            () => {
              resolve('late');
            },
            ms,
            { ref: false },
          ),
        ),
    );
  return { clock, told, guard, read, write, background, works, fails, hangs, after, tried: () => tried };
}

/** A clock whose timers fire late, all at once, as in a process whose event loop is blocked. */
class StoppedClock implements AssetClock {
  #now = 0;
  #timers: { readonly dueAt: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, ms: number): () => void {
    const timer = { dueAt: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  answerIn(ms: number): Promise<string> {
    return new Promise((resolve) => {
      this.setTimeout(() => {
        resolve('late');
      }, ms);
    });
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms;
    const due = this.#timers.filter(({ dueAt }) => dueAt <= this.#now);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { callback } of due) callback();
    for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

describe('T45 how far the store is trusted', () => {
  it('an operation has its budget, and not a millisecond more', async () => {
    const { guard, clock, read, hangs, told } = guarded();
    const answer = guard.run(read, QUICK_MS, hangs);
    await clock.advance(QUICK_MS - 1);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(await answer).toBeUndefined();
    expect(told).toEqual(['out of use: it gave no answer within 250 ms']);
    expect(clock.timers).toEqual([]);
  });

  it('time for which the process itself was held up is a fifth of it at most', async () => {
    const clock = new StoppedClock();
    const guard = new StoreGuard(
      clock,
      QUICK_MS,
      publisher(() => {}),
    );
    const answer = guard.run({ isAwaited: true, operation: 'get' }, QUICK_MS, () => clock.answerIn(1150));
    // The event loop stands still for a second, in which the answer could not have been read.
    await clock.pass(1000);
    for (let ms = 0; ms < 150; ms += 50) await clock.pass(50);
    expect(await answer).toEqual({ answer: 'late' });
  });

  it('failures of operations under way together count once', async () => {
    const { guard, clock, read, hangs, works } = guarded();
    const answers = Array.from({ length: 50 }, () => guard.run(read, QUICK_MS, hangs));
    await clock.advance(QUICK_MS);
    expect(await Promise.all(answers)).toEqual(Array(50).fill(undefined));
    // One failure rests for a second at most; fifty would for half a minute.
    await clock.advance(1000);
    expect(await guard.run(read, QUICK_MS, works)).toEqual({ answer: 'yes' });
  });

  it('rests ever longer, from half a second to half a minute, and one operation tries it', async () => {
    const { guard, clock, read, fails, tried } = guarded();
    const gaps: number[] = [];
    let last = 0;
    for (let ms = 0; ms < 600_000; ms += 100) {
      const before = tried();
      await Promise.all([1, 2, 3].map(() => guard.run(read, QUICK_MS, fails)));
      if (ms > 0 && tried() > before) {
        expect(tried() - before).toBe(1);
        gaps.push(clock.monotonic() - last);
      }
      if (tried() > before) last = clock.monotonic();
      await clock.advance(100);
    }
    expect(gaps[0]).toBeGreaterThanOrEqual(500);
    expect(gaps[0]).toBeLessThanOrEqual(1100);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_100);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(15_000);
  });

  it('says so once when it goes out of use, and once when it is back', async () => {
    const { guard, clock, read, fails, works, told } = guarded();
    for (let ms = 0; ms < 60_000; ms += 500) {
      await guard.run(read, QUICK_MS, fails);
      await clock.advance(500);
    }
    await clock.advance(30_000);
    for (let call = 0; call < 5; call += 1) await guard.run(read, QUICK_MS, works);
    expect(told).toEqual(['out of use: down', 'in use']);
  });

  it('too slow for callers, it still serves the background', async () => {
    const { guard, clock, read, background, after, hangs } = guarded();
    const slow = guard.run(read, QUICK_MS, hangs);
    await clock.advance(QUICK_MS);
    expect(await slow).toBeUndefined();
    const patient = guard.run(background, 2000, after(600));
    await clock.advance(600);
    expect(await patient).toEqual({ answer: 'late' });
    // And was not quick enough to be tried by callers before its time.
    expect(guard.isInUse).toBe(false);
  });

  it('an answer that is quick enough for callers gives it back to them', async () => {
    const { guard, clock, read, background, works, fails, told } = guarded();
    await guard.run(read, QUICK_MS, fails);
    await clock.advance(1);
    await guard.run(background, 2000, works);
    expect(await guard.run(read, QUICK_MS, works)).toEqual({ answer: 'yes' });
    expect(told).toEqual(['out of use: down', 'in use']);
  });

  it('what can be read is read, and proves nothing of a store that takes no writes', async () => {
    const { guard, clock, read, write, works, fails, told, tried } = guarded();
    for (let second = 0; second < 60; second += 1) {
      expect(await guard.run(read, QUICK_MS, works)).toEqual({ answer: 'yes' });
      expect(await guard.run(write, QUICK_MS, fails)).toBeUndefined();
      await clock.advance(1000);
    }
    expect(told).toEqual(['out of use: down']);
    expect(tried()).toBeLessThan(60 + 10);
    await clock.advance(30_000);
    await guard.run(write, QUICK_MS, works);
    expect(told).toEqual(['out of use: down', 'in use']);
  });
});
