import { type Answer, HttpProblem, jsonAnswer } from './http.answer.js';
import { newId } from './identifiers.js';
import { type JsonObject, readJsonObject } from './json-body.js';
import { paginate } from './pagination.js';
import type { BusinessRecord } from './sandbox.businesses.js';
import { businessRoute, route, type Route, type RouteCall } from './sandbox.router.js';

type Documents = Map<string, JsonObject>;

/**
 * Paths whose scope the Asset API reference names and whose fields the sandbox does not model: any JSON object is
 * accepted, given an id and kept.
 */
export function documentRoutes(): readonly Route[] {
  const tagFields: Documents = new Map();
  return [
    businessRoute('POST', '/invoice', 'invoice:create', (call, business) =>
      create(call, of(business, 'invoice'), 'inv'),
    ),
    businessRoute('PATCH', '/invoice/:id', 'invoice:update', (call, business) =>
      change(call, of(business, 'invoice')),
    ),
    businessRoute('POST', '/invoice-payment', 'invoice:create', (call, business) =>
      create(call, of(business, 'invoice-payment'), 'ip'),
    ),
    businessRoute('GET', '/task', 'request:read', (call, business) => list(call, of(business, 'task'))),
    businessRoute('POST', '/task', 'request:create', (call, business) =>
      create(call, of(business, 'task'), 'task'),
    ),
    route('GET', '/v0/tenant/tag-fields', undefined, (call) => list(call, tagFields)),
    route('POST', '/v0/tenant/tag-fields', undefined, (call) => create(call, tagFields, 'tag')),
  ];
}

function of({ documents }: BusinessRecord, collection: string): Documents {
  const found = documents.get(collection) ?? new Map<string, JsonObject>();
  documents.set(collection, found);
  return found;
}

function list({ query }: RouteCall, documents: Documents): Answer {
  return paginate([...documents.values()], query);
}

function create(call: RouteCall, documents: Documents, prefix: string): Answer {
  const id = newId(prefix);
  const document = { ...readJsonObject(call), id };
  documents.set(id, document);
  return jsonAnswer(201, { data: document });
}

function change(call: RouteCall, documents: Documents): Answer {
  const id = call.params.id ?? '';
  const found = documents.get(id);
  if (found === undefined) {
    throw new HttpProblem(404, 'not_found', 'There is no such document in this business.');
  }
  const document = { ...found, ...readJsonObject(call), id };
  documents.set(id, document);
  return jsonAnswer(200, { data: document });
}
