/* global document, EventSource, fetch */
// What the page shows comes as events; what its buttons do goes out as JSON.
import { addCallers, connected } from './callers.js';
import { badge, byId, clockTime, element, knowNames, nameOf, setText } from './dom.js';
import { keepMoving, move, showAxis, showTokens } from './timeline.js';

const OUTCOMES = {
  renew: 'New tokens were asked for.',
  revoke: 'All tokens were revoked.',
  'token-503': 'The token endpoint answers 503 from now on.',
  'token-hang': 'The token endpoint answers nothing from now on.',
  'forbid-business': 'One business is forbidden from now on.',
  'rotate-secret': 'The secret was rotated.',
  mend: 'Everything is mended. The next renewals show it: press Renew now to see it at once.',
};

const MENDED = 'That is mended.';
const UNHEARD = 'That did not reach the application.';

async function act({ dataset: { action }, ariaPressed }) {
  const response = await fetch('/page/actions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action }),
  }).catch(() => undefined);
  setText(byId('outcome'), response?.ok ? (ariaPressed === 'true' ? MENDED : OUTCOMES[action]) : UNHEARD);
}

const actionButtons = [...document.querySelectorAll('[data-action]')];
for (const button of actionButtons) button.addEventListener('click', () => void act(button));

function showBreakages({ inForce, forbiddable }) {
  for (const button of actionButtons) {
    if (!button.hasAttribute('aria-pressed')) continue;
    button.setAttribute('aria-pressed', String(inForce.includes(button.dataset.action)));
  }
  setText(byId('forbiddable'), forbiddable ?? 'it');
}

const WORDS = { up: 'Up', degraded: 'Degraded', down: 'Down' };

function showHealth({ status, error, usableTokens, usableUntil, storeInUse }) {
  byId('health').dataset.status = status;
  setText(byId('health-word'), WORDS[status]);
  const held =
    usableTokens === 0
      ? 'no token is held'
      : `${usableTokens} ${usableTokens === 1 ? 'token serves' : 'tokens serve'}`;
  const until = usableUntil && error ? `, the first until ${clockTime(Date.parse(usableUntil))}` : '';
  const store = storeInUse === false ? ' The shared store is out of use.' : '';
  setText(
    byId('health-why'),
    (error ? `Token requests pause (${error}); ${held}${until}.` : `${held}.`) + store,
  );
}

function requestRow(cells, status) {
  const last = element('td', { className: 'number' }, badge(status, '…'));
  return element('tr', {}, ...cells.map((text) => element('td', { text, title: text })), last);
}

function showRequests({ tokenRequests, apiRequests }) {
  setText(byId('token-total'), String(tokenRequests.total));
  byId('token-requests').tBodies[0].replaceChildren(
    ...tokenRequests.latest.map(({ at, scopes, businessId, status }) =>
      requestRow([clockTime(at), scopes.join(' '), nameOf(businessId)], status),
    ),
  );
  byId('api-requests').tBodies[0].replaceChildren(
    ...apiRequests.latest.map(({ at, method, path, scopes, businessId, status }) => {
      const short = path.replace(/^\/v0/, '').replace(/biz_\w+/, '…');
      const carried = scopes.length === 0 ? 'no valid token' : `${scopes.join(' ')} · ${nameOf(businessId)}`;
      return requestRow([clockTime(at), `${method} ${short}`, carried], status);
    }),
  );
}

let isFirst = true;

function show(next) {
  knowNames(next.businesses);
  if (isFirst) {
    isFirst = false;
    showAxis(next.timeline);
    addCallers(next.calls);
    keepMoving();
  }
  showHealth(next.health);
  showBreakages(next);
  showTokens(next);
  showRequests(next);
  move();
}

const events = new EventSource('/page/events');
events.addEventListener('message', ({ data }) => {
  connected(true);
  show(JSON.parse(data));
});
events.addEventListener('error', () => {
  connected(false);
  byId('health').dataset.status = 'ended';
  setText(byId('health-word'), 'No connection');
  setText(byId('health-why'), 'The application has ended. Start it again, and this page goes on.');
});
