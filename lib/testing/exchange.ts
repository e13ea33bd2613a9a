import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, HttpProblem, problemAnswer } from './answer.js';
import { acceptApiRequest } from './api.endpoint.js';
import { pause } from './clock.js';
import { overlay, replacementFor, type SandboxFault } from './faults.js';
import type { OpenRequest } from './recorder.js';
import { parseTarget } from './router.js';
import { deliver, readBody } from './server.js';
import type { AcceptedRequest, SandboxState } from './state.js';
import { acceptTokenRequest } from './token.endpoint.js';

const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * One request from its arrival to its answer: read, decide, record, wait for holds and latency, send. Settles when the
 * answer is sent, or when none will be.
 */
export async function exchange(
  message: IncomingMessage,
  response: ServerResponse,
  state: SandboxState,
): Promise<void> {
  const { recorder, faults, onRequest } = state;
  const gone = new AbortController();
  response.on('close', () => {
    gone.abort();
  });
  const body = await readBody(message, state.maxBodyBytes);
  if (body === undefined) {
    return;
  }
  // Synchronous from here to the recording, so that requests are decided and recorded in the order of arrival.
  const accepted = accept(message, body.bytes, state);
  const { record } = accepted;
  const fault = body.isTooLarge ? undefined : faults.take(record);
  const answer = body.isTooLarge ? tooLarge(state) : decide(accepted, fault, state);
  // Before the recording, which wakes tests: they must find the timer of this request set.
  const due = untilDue(record, fault, state, gone.signal);
  recorder.received(record);
  await due;
  if (gone.signal.aborted || (fault !== undefined && 'hang' in fault)) {
    onRequest(record);
    return;
  }
  const isReset = fault !== undefined && 'reset' in fault;
  record.status = isReset ? undefined : answer.status;
  deliver(response, overlay(withDate(answer, state), fault), fault);
  if (!isReset) {
    recorder.answered(record);
  }
  onRequest(record);
}

function accept(message: IncomingMessage, body: Buffer, state: SandboxState): AcceptedRequest {
  const path = message.url ?? '/';
  const incoming = {
    method: message.method ?? 'GET',
    path,
    headers: { ...message.headers },
    body,
    at: state.clock.now(),
  };
  const target = parseTarget(path);
  return target.isTokenEndpoint
    ? acceptTokenRequest(incoming, state)
    : acceptApiRequest(incoming, target, state);
}

function decide(
  { serve }: AcceptedRequest,
  fault: SandboxFault | undefined,
  { settings }: SandboxState,
): Answer {
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
  state: SandboxState,
  signal: AbortSignal,
): Promise<void> {
  for (const hold of state.holds.fitting(record)) {
    await hold.wait(signal);
  }
  const { latencyMs } = state.settings;
  const latency = typeof latencyMs === 'number' ? latencyMs : (latencyMs[record.kind] ?? 0);
  const delay = latency + (fault !== undefined && 'delayMs' in fault ? (fault.delayMs ?? 0) : 0);
  if (delay > 0 && !signal.aborted) {
    await pause(state.clock, Math.min(delay, LONGEST_DELAY_MS), signal);
  }
}
