import axios from 'axios';
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

  it('is to others what a CancelToken of axios is', async () => {
    const departure = new Departure();
    departure.throwIfRequested();
    const { promise } = departure;
    const signal = departure.toAbortSignal();
    expect([departure.reason, signal.aborted]).toEqual([undefined, false]);
    departure.leave();
    const { reason } = departure;
    expect(reason).toMatchObject({ name: 'CanceledError', code: 'ERR_CANCELED' });
    expect(await promise).toBe(reason);
    expect(signal.reason).toBe(reason);
    expect(() => {
      departure.throwIfRequested();
    }).toThrow(reason);
    expect(axios.isCancel(reason)).toBe(true);
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
