import type { IncomingMessage, ServerResponse } from 'node:http';
import { visitApi } from './api.endpoint.js';
import type { AssetClock } from './asset-clock.js';
import { deliver } from './delivery.js';
import { type Answer, HttpProblem, problemAnswer } from './http.answer.js';
import { readBody } from './request-body.js';
import { parseTarget } from './request-target.js';
import { overlay, replacementFor, type SandboxFault } from './sandbox.fault.js';
import type { SandboxFaults } from './sandbox.faults.js';
import type { SandboxHolds } from './sandbox.holds.js';
import type { OpenRequest } from './sandbox.request.js';
import type { SandboxRecorder } from './sandbox.recorder.js';
import type { SandboxRouter } from './sandbox.router.js';
import type { SandboxState, Visit } from './sandbox.state.js';
import { visitTokenEndpoint } from './token.endpoint.js';

const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The parts of an {@link AssetSandbox} that a request passes through. */
export interface ExchangeParts {
  readonly state: SandboxState;
  readonly router: SandboxRouter;
  readonly recorder: SandboxRecorder;
  readonly faults: SandboxFaults;
  readonly holds: SandboxHolds;
  readonly maxBodyBytes: number;
}

/** One request from its arrival to its answer. Settles when the answer is on its way, or will never be. */
export async function exchange(
  message: IncomingMessage,
  response: ServerResponse,
  parts: ExchangeParts,
): Promise<void> {
  const { state, recorder, faults } = parts;
  const gone = new AbortController();
  response.on('close', () => {
    gone.abort();
  });
  const body = await readBody(message, parts.maxBodyBytes);
  if (body === undefined) {
    return;
  }
  // From here to the recording nothing waits, so that requests are decided on and recorded in the order of arrival.
  const visit = open(message, body.bytes, parts);
  const { record } = visit;
  const fault = body.isTooLarge ? undefined : faults.take(record);
  const answer = body.isTooLarge ? tooLarge(state) : decide(visit, fault, state);
  // Begun before the recording, so that a test which was told of the request finds its timer set.
  const due = untilDue(record, fault, parts, gone.signal);
  recorder.received(record);
  await due;
  if (gone.signal.aborted || (fault !== undefined && 'hang' in fault)) {
    return;
  }
  const isReset = fault !== undefined && 'reset' in fault;
  record.status = isReset ? undefined : answer.status;
  deliver(response, overlay(withDate(answer, state), fault), fault);
  if (!isReset) {
    recorder.answered(record);
  }
}

function open(message: IncomingMessage, body: Buffer, { state, router }: ExchangeParts): Visit {
  const path = message.url ?? '/';
  const incoming = {
    method: message.method ?? 'GET',
    path,
    headers: { ...message.headers },
    body,
    at: state.clock.now(),
  };
  return parseTarget(path).isTokenEndpoint
    ? visitTokenEndpoint(incoming, state)
    : visitApi(incoming, state, router);
}

function decide({ serve }: Visit, fault: SandboxFault | undefined, { settings }: SandboxState): Answer {
  const replacement = fault === undefined ? undefined : replacementFor(fault);
  if (replacement !== undefined) {
    return replacement;
  }
  try {
    return serve();
  } catch (error) {
    if (error instanceof HttpProblem) {
      return problemAnswer(error, settings.errorFormat);
    }
    throw error;
  }
}

function tooLarge({ settings }: SandboxState): Answer {
  const problem = new HttpProblem(413, 'too_large', 'The body is too large.', { connection: 'close' });
  return problemAnswer(problem, settings.errorFormat);
}

function withDate(answer: Answer, { settings, clock }: SandboxState): Answer {
  const date = new Date(clock.now()).toUTCString();
  return settings.date === 'on' ? { ...answer, headers: { date, ...answer.headers } } : answer;
}

/** Waits behind the holds, then for latency and delay together. */
async function untilDue(
  record: OpenRequest,
  fault: SandboxFault | undefined,
  { state, holds }: ExchangeParts,
  signal: AbortSignal,
): Promise<void> {
  for (const hold of holds.fitting(record)) {
    await hold.wait(signal);
  }
  const { latencyMs } = state.settings;
  const latency = typeof latencyMs === 'number' ? latencyMs : (latencyMs[record.kind] ?? 0);
  const delay = latency + (fault !== undefined && 'delayMs' in fault ? (fault.delayMs ?? 0) : 0);
  if (delay > 0 && !signal.aborted) {
    await pause(Math.min(delay, LONGEST_DELAY_MS), state.clock, signal);
  }
}

function pause(ms: number, clock: AssetClock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      cancel();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = clock.setTimeout(wake, ms, { ref: true });
    signal.addEventListener('abort', wake);
  });
}
