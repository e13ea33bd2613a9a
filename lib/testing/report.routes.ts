import { jsonAnswer } from './http.answer.js';
import { businessRoute, type Route } from './sandbox.router.js';

/** The two documented reports. Their fields are not documented, so they are those of an empty report. */
export function reportRoutes(): readonly Route[] {
  return ['aged-payables', 'customer-credits'].map((name) =>
    businessRoute('GET', `/reports/${name}`, 'report:read', (_call, business) =>
      jsonAnswer(200, { data: { report: name, business_id: business.id, total: '0.00', rows: [] } }),
    ),
  );
}
