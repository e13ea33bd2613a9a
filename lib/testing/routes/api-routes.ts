import { type Answer, HttpProblem, jsonAnswer, paginate } from '../answer.js';
import { businessRoute, readJsonObject, readName, type Route, route, type RouteCall } from '../router.js';
import { type BusinessRecord, type Documents, newId, publicBusiness } from '../state.js';
import { JOURNAL_ENTRY_ROUTES, LEDGER_ROUTES } from './ledger-routes.js';

/** Businesses. Only `business:create` is documented; listing, reading and changing take any valid token. */
const BUSINESS_ROUTES: readonly Route[] = [
  route('GET', '/v0/business', undefined, ({ state, query }) => paginate(state.businesses.list, query)),
  route('POST', '/v0/business', 'business:create', (call) => {
    const name = readName(readJsonObject(call).name);
    return jsonAnswer(201, { data: call.state.businesses.add({ name }) });
  }),
  businessRoute('GET', '', undefined, (_call, business) =>
    jsonAnswer(200, { data: publicBusiness(business) }),
  ),
  businessRoute('PATCH', '', undefined, (call, business) => {
    const { name } = readJsonObject(call);
    business.name = name === undefined ? business.name : readName(name);
    return jsonAnswer(200, { data: publicBusiness(business) });
  }),
];

/** The two documented reports. Their fields are not documented, so they are those of an empty report. */
const REPORT_ROUTES: readonly Route[] = ['aged-payables', 'customer-credits'].map((name) =>
  businessRoute('GET', `/reports/${name}`, 'report:read', (_call, business) =>
    jsonAnswer(200, { data: { report: name, business_id: business.id, total: '0.00', rows: [] } }),
  ),
);

/** Paths whose scope Asset documents and whose fields the sandbox does not model: any JSON object gets an id and is kept. */
const DOCUMENT_ROUTES: readonly Route[] = [
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
  route('GET', '/v0/tenant/tag-fields', undefined, (call) => list(call, call.state.tagFields)),
  route('POST', '/v0/tenant/tag-fields', undefined, (call) => create(call, call.state.tagFields, 'tag')),
];

/** Not part of Asset: any method, any body, which comes back byte for byte with its content type. */
const ECHO_ROUTES: readonly Route[] = [
  route('*', '/v0/echo', undefined, echo),
  businessRoute('*', '/echo', undefined, echo),
];

/** Every path that the sandbox serves besides its token endpoint. */
export const API_ROUTES: readonly Route[] = [
  ...BUSINESS_ROUTES,
  ...LEDGER_ROUTES,
  ...JOURNAL_ENTRY_ROUTES,
  ...REPORT_ROUTES,
  ...DOCUMENT_ROUTES,
  ...ECHO_ROUTES,
];

function of({ documents }: BusinessRecord, collection: string): Documents {
  const found = documents.get(collection) ?? (new Map() as Documents);
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

function echo({ headers, body }: RouteCall): Answer {
  return {
    status: 200,
    headers: { 'content-type': headers['content-type'] ?? 'application/octet-stream' },
    body,
  };
}
