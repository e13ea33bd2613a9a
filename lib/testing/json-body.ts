import { HttpProblem } from './http.answer.js';
import type { RouteCall } from './sandbox.router.js';

/** A JSON object whose fields have not been looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws HttpProblem 422 unless the body is a JSON object sent as JSON. */
export function readJsonObject(call: RouteCall): JsonObject {
  if (!/^application\/([\w.-]+\+)?json\b/i.test(call.headers['content-type'] ?? '')) {
    throw invalid('The body must be sent with content-type application/json.');
  }
  const value = parse(call.body.toString('utf8'));
  if (!isJsonObject(value)) {
    throw invalid('The body must be a JSON object.');
  }
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function invalid(message: string): HttpProblem {
  return new HttpProblem(422, 'invalid_request', message);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
