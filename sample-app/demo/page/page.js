/* global document, EventSource, fetch, AbortSignal, performance, requestAnimationFrame, matchMedia, setInterval, setTimeout */
// What the page shows comes as events; what its buttons do goes out as JSON. All text is set as text, never as markup.

const byId = (id) => document.getElementById(id);

function element(tag, { className = '', text, title, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  if (title !== undefined) made.title = title;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Sets it only if it is new, so that nothing is read aloud twice. */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

const clockTime = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
const seconds = (ms) => `${Math.max(0, Math.round(ms / 1000))} s`;

let state;
let names = {};
const nameOf = (businessId) => (businessId ? (names[businessId] ?? businessId) : 'no business');

// Callers -------------------------------------------------------------------------------------------------------------

const PERIOD_MS = 1000;
const PATIENCE_MS = 30_000;
/** By path. */
const callers = new Map();
let isCalling = false;
let isConnected = false;

function callerOf(path) {
  const cells = ['0', '0', '–', '–'].map((text) => element('td', { className: 'number', text }));
  const [answered, failed, last, slowest] = cells;
  const label = path.replace(/biz_\w+/, (id) => `{${nameOf(id)}}`);
  const route = element('td', { title: `GET ${path}` }, element('code', { text: label }));
  byId('callers').tBodies[0].append(element('tr', {}, route, ...cells));
  return {
    path,
    cells: { answered, failed, last, slowest },
    answered: 0,
    failed: 0,
    slowestMs: 0,
    isBusy: false,
  };
}

async function call(caller) {
  // One call at a time: those that wait would take the connections of the others.
  if (caller.isBusy) return;
  caller.isBusy = true;
  const begun = performance.now();
  const response = await fetch(caller.path, {
    cache: 'no-store',
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => undefined);
  await response?.arrayBuffer().catch(() => undefined);
  caller.isBusy = false;
  caller.slowestMs = Math.max(caller.slowestMs, performance.now() - begun);
  if (response?.ok) caller.answered += 1;
  else caller.failed += 1;
  showCaller(caller, response?.status);
}

function showCaller({ cells, answered, failed, slowestMs }, status) {
  setText(cells.answered, String(answered));
  setText(cells.failed, String(failed));
  setText(cells.slowest, `${Math.round(slowestMs)} ms`);
  cells.last.replaceChildren(badge(status, 'none'));
  const all = [...callers.values()];
  const sum = (field) => all.reduce((total, caller) => total + caller[field], 0);
  setText(byId('answered'), String(sum('answered')));
  setText(byId('failed'), String(sum('failed')));
  byId('failed-figure').dataset.some = sum('failed') > 0 ? 'yes' : 'no';
}

function callAll() {
  for (const caller of callers.values()) void call(caller);
}

byId('call-once').addEventListener('click', callAll);
byId('keep-calling').addEventListener('click', ({ currentTarget }) => {
  isCalling = !isCalling;
  setText(currentTarget, isCalling ? 'Stop calling' : 'Keep calling');
  if (isCalling) callAll();
});
setInterval(() => isCalling && isConnected && callAll(), PERIOD_MS);

// Buttons that break --------------------------------------------------------------------------------------------------

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

const FLAGS = {
  revoke: 'revoked',
  'token-503': '503',
  'token-hang': 'hang',
  'forbid-business': 'forbidden',
  'rotate-secret': 'secret rotated',
  mend: 'mended',
};

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

// Health --------------------------------------------------------------------------------------------------------------

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

// Time line -----------------------------------------------------------------------------------------------------------

/** Bars are placed once, by the time since then, and the strips move. */
const EPOCH = Date.now();
const rows = new Map();
const percent = (ms) => `${(100 * ms) / (state.timeline.behindMs + state.timeline.aheadMs)}%`;

function place(target, from, to) {
  target.style.left = percent(from - EPOCH);
  if (to !== undefined) target.style.width = percent(Math.max(0, to - from));
  return target;
}

function barsOf({ spans, state: tokenState }) {
  return spans.map((span, index) => {
    const successor = spans[index + 1];
    const isCurrent = successor === undefined;
    const end = isCurrent ? span.expiresAt : Math.min(span.expiresAt, successor.issuedAt);
    const isLapsed = isCurrent && tokenState !== 'fresh' && tokenState !== 'stale';
    const bar = element('div', {
      className: `bar ${isCurrent ? 'fresh' : 'past'}${isLapsed ? ' lapsed' : ''}`,
    });
    if (isCurrent) {
      const ahead = element('div', { className: 'ahead' });
      ahead.style.width = `${(100 * (span.expiresAt - span.refreshAt)) / (span.expiresAt - span.issuedAt)}%`;
      bar.append(ahead);
    }
    return place(bar, span.issuedAt, end);
  });
}

/** A request without an answer is shown once it has failed or succeeded. */
const marksOf = ({ marks }) =>
  marks
    .filter(({ status }) => status !== undefined)
    .map(({ at, status }) => place(element('div', { className: `mark ${status < 400 ? 'ok' : 'bad'}` }), at));

function rowOf(token) {
  const strip = element('div', { className: 'strip' });
  const now = element('div', { className: 'now' });
  const about = element('small');
  const scopes = element('b', { text: token.scopes.join(' ') || 'everything granted' });
  const who = element('div', { className: 'who' }, scopes, ` · ${nameOf(token.businessId)}`, about);
  const track = element('div', { className: 'track', 'aria-hidden': 'true' }, strip, now);
  const item = element('li', { className: 'row', 'data-key': token.key }, who, track);
  byId('tokens').append(item);
  return { item, strip, now, about, token };
}

function aboutToken({ state: tokenState, spans, uses, refreshing, shared, errorCode }) {
  const { refreshAt, expiresAt } = spans.at(-1) ?? {};
  const left = seconds(expiresAt - Date.now());
  const words = {
    fresh: `renewal in ${seconds(refreshAt - Date.now())}, expiry in ${left}`,
    stale: `renewed if used, expiry in ${left}`,
    expired: 'expired: the next call waits for a new one',
    empty: 'no token yet',
    gone: 'not used, so not renewed',
  };
  const serves = tokenState === 'fresh' || tokenState === 'stale' ? `serves for ${left}` : 'nothing serves';
  if (refreshing) return `renewing · ${serves}`;
  if (errorCode) return `${serves} · ${errorCode}`;
  return `${words[tokenState]} · ${uses} ${uses === 1 ? 'use' : 'uses'}${shared ? ' · shared' : ''}`;
}

/** What was done in short order stands under one flag, so that none hides another. Renewals have marks of their own. */
function flagsOf(done) {
  const together = (state.timeline.behindMs + state.timeline.aheadMs) / 12;
  const groups = [];
  for (const { action, at } of done.filter(({ action }) => action !== 'renew')) {
    const group = groups.at(-1);
    if (group !== undefined && at - group.at < together) group.actions.push(action);
    else groups.push({ at, actions: [action] });
  }
  return groups.map(({ at, actions }) => {
    const className = `flag${actions.at(-1) === 'mend' ? ' mended' : ''}`;
    return place(
      element('div', { className, text: [...new Set(actions)].map((action) => FLAGS[action]).join(', ') }),
      at,
    );
  });
}

function showTokens({ tokens, timeline, done }) {
  const now = percent(timeline.behindMs);
  for (const [key, row] of rows) {
    if (tokens.some((token) => token.key === key)) continue;
    row.item.remove();
    rows.delete(key);
  }
  for (const token of tokens) {
    if (!rows.has(token.key)) rows.set(token.key, rowOf(token));
    const row = rows.get(token.key);
    row.token = token;
    row.item.dataset.state = token.state;
    row.now.style.left = now;
    row.strip.replaceChildren(...barsOf(token), ...marksOf(token));
  }
  byId('no-tokens').hidden = tokens.length > 0;
  byId('done').replaceChildren(...flagsOf(done));
}

const STEPS_MS = [1, 2, 5, 10, 15, 30, 60].map((step) => step * 1000);

function showAxis({ behindMs, aheadMs }) {
  const step = STEPS_MS.find((ms) => ms * 6 > behindMs + aheadMs) ?? STEPS_MS.at(-1);
  // None so close to an end that it would be cut off.
  const before = Math.floor((behindMs * 0.97) / step);
  const after = Math.floor((aheadMs * 0.97) / step);
  const ticks = Array.from({ length: before + after + 1 }, (_, index) => (index - before) * step);
  byId('ticks').replaceChildren(
    ...ticks.map((ms) => {
      const text = ms === 0 ? 'now' : `${ms < 0 ? '−' : '+'}${seconds(Math.abs(ms))}`;
      const tick = element('span', { className: ms === 0 ? 'tick here' : 'tick', text });
      tick.style.left = percent(behindMs + ms);
      return tick;
    }),
  );
}

function move() {
  if (state === undefined) return;
  const shift = `translateX(${percent(EPOCH + state.timeline.behindMs - Date.now())})`;
  byId('done').style.transform = shift;
  for (const { strip, about, token } of rows.values()) {
    strip.style.transform = shift;
    setText(about, aboutToken(token));
    about.dataset.failed = token.errorCode && !token.refreshing ? 'yes' : 'no';
  }
}

/** Smoothly, or once a second for those who prefer less of it. */
function keepMoving() {
  move();
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) setTimeout(keepMoving, 1000);
  else requestAnimationFrame(keepMoving);
}

// Requests ------------------------------------------------------------------------------------------------------------

function badge(status, unanswered) {
  const kind = status === undefined ? 'open' : status < 400 ? 'ok' : 'bad';
  return element('span', {
    className: 'status',
    'data-kind': kind,
    text: status === undefined ? unanswered : String(status),
  });
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

// Events --------------------------------------------------------------------------------------------------------------

function show(next) {
  const isFirst = state === undefined;
  state = next;
  names = next.businesses;
  if (isFirst) {
    showAxis(next.timeline);
    for (const path of next.calls) callers.set(path, callerOf(path));
  }
  showHealth(next.health);
  showBreakages(next);
  showTokens(next);
  showRequests(next);
  move();
}

const events = new EventSource('/page/events');
events.addEventListener('message', ({ data }) => {
  isConnected = true;
  show(JSON.parse(data));
});
events.addEventListener('error', () => {
  isConnected = false;
  byId('health').dataset.status = 'ended';
  setText(byId('health-word'), 'No connection');
  setText(byId('health-why'), 'The application has ended. Start it again, and this page goes on.');
});
keepMoving();
