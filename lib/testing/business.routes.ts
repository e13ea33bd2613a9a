import { jsonAnswer } from './http.answer.js';
import { invalid, type JsonObject, readJsonObject } from './json-body.js';
import { paginate } from './pagination.js';
import { publicBusiness, type SandboxBusinesses } from './sandbox.businesses.js';
import { businessRoute, route, type Route } from './sandbox.router.js';

/** Businesses. Only `business:create` is documented; listing, reading and changing take any valid token. */
export function businessRoutes(businesses: SandboxBusinesses): readonly Route[] {
  return [
    route('GET', '/v0/business', undefined, ({ query }) => paginate(businesses.list, query)),
    route('POST', '/v0/business', 'business:create', (call) => {
      return jsonAnswer(201, { data: businesses.add({ name: readName(readJsonObject(call)) }) });
    }),
    businessRoute('GET', '', undefined, (_call, business) =>
      jsonAnswer(200, { data: publicBusiness(business) }),
    ),
    businessRoute('PATCH', '', undefined, (call, business) => {
      const body = readJsonObject(call);
      business.name = body.name === undefined ? business.name : readName(body);
      return jsonAnswer(200, { data: publicBusiness(business) });
    }),
  ];
}

function readName({ name }: JsonObject): string {
  if (typeof name !== 'string' || name.trim() === '') {
    throw invalid('name must be a non-empty string.');
  }
  return name;
}
