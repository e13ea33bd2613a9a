import { Departure } from '../../../lib/http/departure.js';

describe('a departure', () => {
  it('is told once to whoever asked before, and at once to whoever asks after', () => {
    const departure = new Departure();
    const told: string[] = [];
    departure.subscribe(() => told.push('before'));
    expect([departure.hasLeft, told]).toEqual([false, []]);
    departure.leave();
    departure.leave();
    departure.subscribe(() => told.push('after'));
    expect([departure.hasLeft, told]).toEqual([true, ['before', 'after']]);
  });

  it('is told to nobody who asked no longer', () => {
    const departure = new Departure();
    const told: string[] = [];
    const tell = (): void => void told.push('left');
    departure.subscribe(tell);
    departure.unsubscribe(tell);
    departure.leave();
    expect(told).toEqual([]);
  });
});
