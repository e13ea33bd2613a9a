import { ManualClock } from 'nestjs-asset-auth/testing';
import { EventPublisher } from '../../../lib/events/event-publisher.js';
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
});
