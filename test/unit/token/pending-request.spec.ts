import { ManualClock } from 'nestjs-asset-auth/testing';
import { configOf } from '../config/options.fixture.js';
import { EventPublisher } from '../../../lib/events/event-publisher.js';
import { RequestLimiter } from '../../../lib/retry/request-limiter.js';
import type { Slot } from '../../../lib/retry/slots.js';
import { GaveWay } from '../../../lib/token/endpoint/token.errors.js';
import { PendingRequest } from '../../../lib/token/pending-request.js';
import type { AccessTokenRequest } from '../../../lib/token/token-request.js';

function pendingRequest(clock: ManualClock, tokenTimeoutMs: number): PendingRequest {
  const config = configOf({ tokenTimeoutMs });
  const parts = { config, clock, events: new EventPublisher(config) };
  return new PendingRequest({} as AccessTokenRequest, undefined, { reason: 'caller' }, parts);
}

describe('a pending request', () => {
  it.each([
    [1000, 99, false],
    [1000, 101, true],
    [10_000, 900, false],
    [10_000, 9000, true],
  ])('T89 of %i ms is slow after a tenth of them: after %i ms, %s', async (timeoutMs, afterMs, isSlow) => {
    const clock = new ManualClock();
    const pending = pendingRequest(clock, timeoutMs);
    expect(pending.isSlow).toBe(false);
    pending.startAttempt().end();
    await clock.advance(afterMs);
    expect(pending.isSlow).toBe(isSlow);
    pending.startAttempt().end();
    expect(pending.isSlow).toBe(false);
  });

  it('T89 gives way once, and may keep its next slot to the end', async () => {
    const clock = new ManualClock();
    const pending = pendingRequest(clock, 10_000);
    const limiter = new RequestLimiter(clock, 1, 10_000, () => false);
    const queued = (): Slot => {
      const slot = limiter.enter({ isNewcomer: true, hasHung: false, awaited: true });
      pending.queuedFor(slot);
      return slot;
    };
    const first = queued();
    const { signal, end } = pending.startAttempt();
    await clock.advance(9000);
    first.interruptAttempt?.();
    expect(signal.reason).toBeInstanceOf(GaveWay);
    expect(pending.remainingMs).toBe(Infinity);
    end();
    first.release('silence');
    const second = queued();
    pending.startAttempt();
    expect(pending.remainingMs).toBe(10_000);
    expect(second.interruptAttempt).toBeUndefined();
  });
});
