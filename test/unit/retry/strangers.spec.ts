import { jest } from '@jest/globals';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { RequestLimiter } from '../../../lib/retry/request-limiter.js';
import type { Slot, SlotRequest, TurnedAwayError } from '../../../lib/retry/slots.js';

/** Of a key that had a token; of one that hung last; of one that never had one. */
type Standing = 'known' | 'doubtful' | 'newcomer';

const STUCK_MS = 10_000;

/** @param isNew - whether nothing was answered yet */
function queue(slots: number, hasKnown = true, isNew = false) {
  const clock = new ManualClock();
  const limiter = new RequestLimiter(clock, slots, STUCK_MS, () => hasKnown);
  if (!isNew) limiter.enter({ isNewcomer: false, hasHung: false, awaited: true }).release('answer');
  const granted: string[] = [];
  const refused: string[] = [];
  const active: { readonly name: string; readonly slot: Slot }[] = [];
  const enter = (standing: Standing, name: string, more: Partial<SlotRequest> = {}): Slot => {
    const isNewcomer = standing === 'newcomer';
    const slot = limiter.enter({ isNewcomer, hasHung: standing === 'doubtful', awaited: true, ...more });
    slot.granted.then(
      () => {
        granted.push(name);
        active.push({ name, slot });
      },
      (error: unknown) => refused.push(`${name}: ${(error as TurnedAwayError).reason}`),
    );
    return slot;
  };
  /** Ends what is under way and has a name like this. */
  const end = (names: RegExp): number => {
    const ended = active.filter(({ name }) => names.test(name));
    for (const one of ended) {
      active.splice(active.indexOf(one), 1);
      one.slot.release('answer');
    }
    return ended.length;
  };
  const limit = (remaining: number, seconds: number): void => {
    limiter.observe({
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(clock.now() / 1000 + seconds),
    });
  };
  return { clock, limiter, granted, refused, active, enter, end, limit };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('keys that hang and newcomers', () => {
  it.each([4, 8, 16])(
    'T89 of %i slots leave one to newcomers, however many known keys hang',
    async (slots) => {
      const { enter, granted, end } = queue(slots);
      for (let i = 0; i < 40; i += 1) enter('doubtful', `doubtful ${i}`);
      await turn();
      for (let i = 0; i < 5; i += 1) {
        enter('newcomer', `newcomer ${i}`, { withinMs: 5000 });
        await turn();
        expect(granted).toContain(`newcomer ${i}`);
        end(/newcomer/);
      }
    },
  );

  it.each([1, 2, 3])('T89 of %i slots take turns', async (slots) => {
    const { enter, granted, end } = queue(slots);
    for (let i = 0; i < 5; i += 1) enter('doubtful', 'doubtful');
    for (let i = 0; i < 5; i += 1) enter('newcomer', 'newcomer');
    for (let i = 0; i < 6; i += 1) {
      await turn();
      end(/./);
    }
    expect(granted.slice(0, 4)).toEqual(['doubtful', 'newcomer', 'doubtful', 'newcomer']);
  });

  it.each([1, 2, 3])(
    'T90 %i newcomers that hang refuse no crowd that the other slots serve in time',
    async (hanging) => {
      const { clock, enter, refused, granted, end } = queue(8);
      const pass = async (): Promise<void> => {
        await clock.advance(20);
        end(/^quick/);
        await turn();
      };
      for (let i = 0; i < 40; i += 1) enter('newcomer', `quick ${i}`);
      for (let i = 0; i < 12; i += 1) await pass();
      for (let i = 0; i < hanging; i += 1) enter('newcomer', `hangs ${i}`);
      await clock.advance(5000);
      for (let i = 0; i < 100; i += 1) enter('newcomer', `quick crowd ${i}`, { withinMs: 10_000 });
      for (let i = 0; i < 101; i += 1) await pass();
      expect(refused).toEqual([]);
      expect(granted).toHaveLength(140 + hanging);
    },
  );

  it('T123 a newcomer that comes while all their slots hang is refused at once', async () => {
    const { clock, enter, refused } = queue(8);
    for (let i = 0; i < 4; i += 1) enter('newcomer', `hangs ${i}`);
    await clock.advance(3000);
    for (let i = 0; i < 20; i += 1) enter('newcomer', 'late', { withinMs: 5000 });
    await turn();
    expect(refused.length).toBeGreaterThanOrEqual(14);
  });
});

describe('under a rate limit, newcomers', () => {
  it('T69 take nothing from it while another process asks for them', async () => {
    const { enter, granted, limit } = queue(8);
    limit(20, 60);
    for (let poll = 0; poll < 100; poll += 1) {
      const slot = enter('newcomer', `poll ${poll}`);
      await turn();
      slot.release('unsent');
    }
    expect(granted).toHaveLength(100);
  });

  it('T69 do not count as quick for it', async () => {
    const { enter, refused, clock } = queue(2);
    for (let request = 0; request < 30; request += 1) {
      const slow = enter('newcomer', `slow ${request}`);
      await turn();
      await clock.advance(3000);
      slow.release('answer');
    }
    for (let poll = 0; poll < 50; poll += 1) {
      const slot = enter('newcomer', `poll ${poll}`);
      await turn();
      slot.release('unsent');
    }
    for (const name of ['first', 'second', 'third', 'last']) enter('newcomer', name, { withinMs: 30 });
    await turn();
    expect(refused).toContain('last: too late');
  });

  it.each([
    [20, 8],
    [7, 8],
    [3, 2],
    [1, 8],
    [1, 1],
  ])('T123 leave half of %i remaining requests to known keys (%i slots)', async (remaining, slots) => {
    const { clock, enter, granted, active, end, limit } = queue(slots);
    let left = remaining;
    limit(left, 50);
    for (let i = 0; i < 100; i += 1) enter('newcomer', `newcomer ${i}`);
    await turn();
    for (let round = 0; round < 100; round += 1) {
      await clock.advance(10);
      left -= active.length;
      limit(left, 49 - round / 100);
      end(/./);
      await turn();
    }
    expect(left).toBe(Math.ceil(remaining / 2));
    expect(granted).toHaveLength(Math.floor(remaining / 2));
    enter('known', 'tenant');
    await turn();
    expect(granted).toContain('tenant');
  });

  it.each([2, 9])('T123 get their part of each window, also of one that slides (%i s)', async (seconds) => {
    const { clock, enter, granted, end, limit } = queue(8);
    for (let i = 0; i < 100; i += 1) enter('newcomer', `newcomer ${i}`);
    for (let second = 0; second < 60; second += 1) {
      limit(10, seconds);
      await turn();
      end(/./);
      await clock.advance(1000);
    }
    expect(granted.length).toBeGreaterThan(60 / seconds);
  });

  it('T123 are refused at once when the next window comes too late for them, and go with it otherwise', async () => {
    const { clock, enter, granted, refused, limit } = queue(8);
    limit(1, 5);
    enter('newcomer', 'hurried', { withinMs: 4000 });
    enter('newcomer', 'patient', { withinMs: 6000 });
    await turn();
    expect(refused).toEqual(['hurried: too late']);
    await clock.advance(5000);
    await turn();
    expect(granted).toEqual(['patient']);
    expect(clock.timers).toEqual([]);
  });

  it('T123 are no probes while tokens are in use, nor in the way of one', async () => {
    const { enter, granted, limit } = queue(8);
    enter('newcomer', 'hangs');
    limit(0, 60);
    enter('newcomer', 'newcomer');
    enter('known', 'tenant');
    enter('known', 'other tenant');
    await turn();
    expect(granted).toEqual(['hangs', 'tenant']);
  });
});

describe('the wait that a newcomer is told', () => {
  it.each([20, 2000, 20_000])('T101 is an hour at most, with %i before it', async (ahead) => {
    const { clock, enter } = queue(8);
    for (let i = 0; i < 4; i += 1) enter('newcomer', `hangs ${i}`);
    await clock.advance(9000);
    for (let i = 0; i < ahead; i += 1) enter('newcomer', 'waits');
    const refused = enter('newcomer', 'refused', { withinMs: 5000 });
    const error = (await refused.granted.catch((thrown: unknown) => thrown)) as TurnedAwayError;
    expect(error.waitMs).toBe(Math.min(((ahead + 1) * 9000) / 4, 3_600_000));
  });
});

describe('newcomers without a time of their own', () => {
  const tenantsGoOn = async ({ clock, enter, end }: ReturnType<typeof queue>, ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      enter('known', 'tenant');
      await turn();
      end(/tenant/);
      await clock.advance(100);
    }
  };

  it.each([2, 3, 8])('T123 do not queue for ever behind others that hang, with %i slots', async (slots) => {
    const at = queue(slots);
    const most = Math.max(1, Math.floor(slots / 2));
    for (let i = 0; i < most; i += 1) at.enter('newcomer', `hangs ${i}`);
    at.enter('newcomer', 'waits');
    await tenantsGoOn(at, STUCK_MS + 100);
    expect(at.refused).toEqual(['waits: nothing moves']);
  });

  it('T90 queue on while known keys take all slots, and get answers', async () => {
    const at = queue(1);
    const slots = [at.enter('known', 'busy')];
    at.enter('newcomer', 'waits');
    for (let i = 0; i < 30; i += 1) {
      slots.push(at.enter('known', 'next'));
      await at.clock.advance(1000);
      slots[i]!.release('answer');
      await turn();
    }
    expect(at.refused).toEqual([]);
    slots.at(-1)!.release('answer');
    await turn();
    expect(at.granted.at(-1)).toBe('waits');
  });

  it('T123 are not queued at all when nobody waits for them any more', async () => {
    const { enter, refused, clock } = queue(8);
    enter('newcomer', 'left between two attempts', { awaited: false });
    await turn();
    expect(refused).toEqual(['left between two attempts: left']);
    expect(clock.timers).toEqual([]);
  });
});

describe('the first newcomers', () => {
  const names = (from: number, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${from + i}`);

  it.each([4, 8])('T89 leave one of %i slots to the newest, until anything is answered', async (slots) => {
    const { enter, granted, end } = queue(slots, false, true);
    const all = names(0, 20).map((name) => enter('newcomer', name));
    await turn();
    expect(granted).toEqual(names(0, slots - 1));
    await all.at(-1)!.granted;
    expect(granted).toEqual([...names(0, slots - 1), '19']);

    end(/^19$/);
    await turn();
    expect(granted.at(-1)).toBe(`${slots - 1}`);
    end(/./);
    await turn();
    expect(granted.slice(-slots)).toEqual(names(slots, slots));
  });

  it('T89 have all slots, in order, as soon as one is answered', async () => {
    const { enter, granted, end } = queue(4, false, true);
    for (const name of names(0, 8)) enter('newcomer', name);
    await turn();
    end(/^1$/);
    await turn();
    expect(granted).toEqual(names(0, 5));
  });

  it('T89 have three slots in order: none of them is kept', async () => {
    const { enter, granted } = queue(3, false, true);
    for (const name of names(0, 8)) enter('newcomer', name);
    await turn();
    expect(granted).toEqual(names(0, 3));
  });

  it('T89 go on in order when the first of them get no answer', async () => {
    const { enter, granted, active } = queue(4, false, true);
    const all = names(0, 12).map((name) => enter('newcomer', name));
    await all.at(-1)!.granted;
    for (const { slot } of active.filter(({ name }) => name !== '11')) slot.release('silence');
    await turn();
    expect(granted).toEqual(['0', '1', '2', '11', '3', '4', '5']);
  });

  it('T89 leave one to the newest anew when all have ended without an answer', async () => {
    const { enter, granted, active } = queue(4, false, true);
    const first = names(0, 4).map((name) => enter('newcomer', name));
    await first.at(-1)!.granted;
    for (const { slot } of [...active]) slot.release('silence');
    const second = names(10, 8).map((name) => enter('newcomer', name));
    await second.at(-1)!.granted;
    expect(granted).toEqual([...names(0, 4), ...names(10, 3), '17']);
  });

  it('T89 keep no process alive by the slot that is kept', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((its) => its === 'Timeout').length;
    const before = timers();
    const { enter } = queue(8, false, true);
    for (const name of names(0, 8)) enter('newcomer', name);
    expect(timers()).toBe(before);
  });

  it('T89 are not turned away for want of the slot that is kept', async () => {
    const { enter, granted, refused, clock } = queue(8, false, true);
    for (const name of names(0, 8)) enter('newcomer', name);
    await turn();
    await clock.advance(STUCK_MS);
    await turn();
    expect({ granted, refused }).toEqual({ granted: names(0, 8), refused: [] });
  });

  it('T89 leave it to the newest that still waits', async () => {
    const { enter, granted } = queue(4, false, true);
    const all = names(0, 8).map((name) => enter('newcomer', name));
    for (const slot of all.slice(6)) slot.setAwaited(false);
    await all[5]!.granted;
    expect(granted).toEqual([...names(0, 3), '5']);
  });
});

describe('newcomers that have hung', () => {
  it.each([
    [8, 3],
    [4, 1],
    [2, 1],
  ])('T89 have no more of %i slots at the start, when no token is in use: %i', async (slots, most) => {
    const { enter, granted } = queue(slots, false);
    for (let i = 0; i < 20; i += 1) enter('newcomer', 'hangs again', { hasHung: true });
    await turn();
    expect(granted).toHaveLength(most);
  });

  it.each([4, 8, 16])('T89 leave one of %i slots to those that have not', async (slots) => {
    const { enter, granted, end } = queue(slots);
    for (let i = 0; i < 40; i += 1) enter('newcomer', `hangs again ${i}`, { hasHung: true });
    await turn();
    for (let i = 0; i < 5; i += 1) {
      enter('newcomer', `new ${i}`, { withinMs: 5000 });
      await turn();
      expect(granted).toContain(`new ${i}`);
      end(/^new/);
    }
  });

  it.each<[string, number, boolean, Standing, 'queues' | 'nobody queues', boolean]>([
    ['a newcomer without an answer after half of its time', 20, true, 'newcomer', 'queues', true],
    ['none before that', 20, false, 'newcomer', 'queues', false],
    ['none where the slowest answer took almost half of that', 2200, true, 'newcomer', 'queues', false],
    ['no key that had a token', 20, true, 'doubtful', 'queues', false],
    ['none while nobody needs its slot', 20, true, 'newcomer', 'nobody queues', false],
  ])(
    'T89 give their slot to others that queue: %s',
    async (_, slowestMs, isLong, standing, others, isInterrupted) => {
      const { clock, enter, end } = queue(4, false);
      const slots = Array.from({ length: 3 }, (_slot, i) => enter(standing, `hangs ${i}`));
      enter('newcomer', 'quick');
      const interrupts = slots.map((slot) => {
        const interrupt = jest.fn(() => {
          slot.release('silence');
        });
        slot.interruptAttempt = interrupt;
        return interrupt;
      });
      await clock.advance(slowestMs);
      end(/quick/);
      for (let i = 0; i < 20; i += 1) {
        enter('newcomer', 'quick');
        await turn();
        end(/quick/);
      }
      enter('newcomer', 'hangs last').interruptAttempt = () => undefined;
      for (let i = 0; i < 2 && others === 'queues'; i += 1) enter('newcomer', `waits ${i}`);
      await clock.advance(STUCK_MS / 2 - slowestMs - (isLong ? 0 : 1));
      await turn();
      expect(interrupts[0]).toHaveBeenCalledTimes(isInterrupted ? 1 : 0);
    },
  );

  it('T89 give none away where nobody has been answered since: it may be the endpoint that hangs', async () => {
    const { clock, enter, end } = queue(2, false);
    enter('newcomer', 'quick');
    await turn();
    end(/quick/);
    await clock.advance(1);
    const interrupt = jest.fn();
    for (let i = 0; i < 2; i += 1) enter('newcomer', 'hangs').interruptAttempt = interrupt;
    enter('newcomer', 'waits');
    await clock.advance(9000);
    expect(interrupt).not.toHaveBeenCalled();
  });

  it('T89 go one at a time while others queue', async () => {
    const { enter, granted, active, end } = queue(8, false);
    for (let i = 0; i < 8; i += 1) enter('newcomer', 'first');
    for (let i = 0; i < 5; i += 1) enter('newcomer', 'hung', { hasHung: true });
    for (let i = 0; i < 20; i += 1) enter('newcomer', 'new');
    await turn();
    for (let i = 0; i < 2; i += 1) {
      end(/first|new/);
      await turn();
      expect(active.filter(({ name }) => name === 'hung')).toHaveLength(1);
    }
    end(/new/);
    await turn();
    expect(granted.filter((name) => name === 'new')).toHaveLength(20);
    end(/new/);
    await turn();
    expect(active.filter(({ name }) => name === 'hung')).toHaveLength(3);
  });

  it('T89 take turns with the others where there is one slot', async () => {
    const { enter, granted, end } = queue(2);
    for (const name of ['hung', 'hung']) enter('newcomer', name, { hasHung: true });
    for (const name of ['new', 'new']) enter('newcomer', name);
    for (const name of ['doubtful', 'doubtful']) enter('doubtful', name);
    for (let i = 0; i < 6; i += 1) {
      await turn();
      end(/./);
    }
    expect(granted).toEqual(['hung', 'doubtful', 'new', 'hung', 'doubtful', 'new']);
  });
});
