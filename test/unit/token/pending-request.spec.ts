import { ManualClock } from 'nestjs-asset-auth/testing';
import { EventPublisher } from '../../../lib/events/event-publisher.js';
import { RequestLimiter } from '../../../lib/retry/request-limiter.js';
import type { Slot } from '../../../lib/retry/slots.js';
import { GaveWay } from '../../../lib/token/endpoint/token.errors.js';
import { PendingRequest } from '../../../lib/token/pending-request.js';
import type { AccessTokenRequest } from '../../../lib/token/token-request.js';

const pendingRequest = (): PendingRequest =>
  new PendingRequest(
    {} as AccessTokenRequest,
    undefined,
    { isAwaited: true, reason: 'caller' },
    new EventPublisher({ name: undefined, origin: 'https://asset.example' }),
  );

describe('a pending request', () => {
  it.each([
    [1000, 99, false],
    [1000, 101, true],
    [10_000, 900, false],
    [10_000, 9000, true],
  ])('T89 of %i ms is slow after a tenth of them: after %i ms, %s', async (timeoutMs, afterMs, isSlow) => {
    const clock = new ManualClock();
    const pending = pendingRequest();
    expect(pending.isSlow(clock)).toBe(false);
    pending.startAttempt(timeoutMs, clock).end();
    await clock.advance(afterMs);
    expect(pending.isSlow(clock)).toBe(isSlow);
    pending.startAttempt(timeoutMs, clock).end();
    expect(pending.isSlow(clock)).toBe(false);
  });

  it('T89 gives way once, and may keep its next slot to the end', async () => {
    const clock = new ManualClock();
    const pending = pendingRequest();
    const limiter = new RequestLimiter(clock, 1, 10_000, () => false);
    const queued = (): Slot => {
      const slot = limiter.enter({ isNewcomer: true, hasHung: false, awaited: true });
      pending.queuedFor(slot);
      return slot;
    };
    const first = queued();
    const { signal, end } = pending.startAttempt(10_000, clock);
    await clock.advance(9000);
    first.giveUpAttempt?.();
    expect(signal.reason).toBeInstanceOf(GaveWay);
    expect(pending.remainingMs(clock)).toBe(Infinity);
    end();
    first.release('silence');
    const second = queued();
    pending.startAttempt(10_000, clock);
    expect(pending.remainingMs(clock)).toBe(10_000);
    expect(second.giveUpAttempt).toBeUndefined();
  });
});
