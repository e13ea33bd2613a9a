import { ManualClock } from 'nestjs-asset-auth/testing';
import { RequestLimiter } from '../../../lib/retry/request-limiter.js';
import type { Slot, SlotRequest, Standing, TurnedAwayError } from '../../../lib/retry/slot.js';

const STUCK_MS = 10_000;

function queue(slots: number, hasKnown = true) {
  const clock = new ManualClock();
  const limiter = new RequestLimiter(clock, slots, STUCK_MS, () => hasKnown);
  const granted: string[] = [];
  const refused: string[] = [];
  const active: { readonly name: string; readonly slot: Slot }[] = [];
  const enter = (standing: Standing, name: string, more: Partial<SlotRequest> = {}): Slot => {
    const slot = limiter.enter({ standing, awaited: true, ...more });
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
