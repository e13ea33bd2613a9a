import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers';
import type { Answer } from './http.answer.js';
import type { SandboxFault } from './sandbox.fault.js';

const ENDLESS_CHUNK = Buffer.alloc(16 * 1024, 'x');

/** Sends `answer`, or what the fault makes of it. */
export function deliver(response: ServerResponse, answer: Answer, fault: SandboxFault | undefined): void {
  if (fault !== undefined && 'reset' in fault) {
    response.socket?.resetAndDestroy();
    return;
  }
  // The only date that may leave is the one of the sandbox's clock.
  response.sendDate = false;
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) {
    response.setHeader(name, value);
  }
  if (fault !== undefined && 'endless' in fault) {
    response.write('{"access_token":"');
    pour(response);
  } else if (fault !== undefined && 'truncated' in fault) {
    const body = Buffer.from(answer.body);
    response.setHeader('content-length', Math.max(1, body.length));
    response.flushHeaders();
    response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroy());
  } else {
    response.end(answer.body);
  }
}

/** Writes without end, no faster than the client reads, and one chunk per turn so that the process stays responsive. */
function pour(response: ServerResponse): void {
  if (response.destroyed) {
    return;
  }
  const next = (): void => {
    setImmediate(pour, response);
  };
  if (response.write(ENDLESS_CHUNK)) {
    next();
  } else {
    response.once('drain', next);
  }
}
