/* global matchMedia, requestAnimationFrame, setTimeout */
// The time line of the tokens.
import { byId, element, nameOf, seconds, setText } from './dom.js';

const FLAGS = {
  revoke: 'revoked',
  'token-503': '503',
  'token-hang': 'hang',
  'forbid-business': 'forbidden',
  'rotate-secret': 'secret rotated',
  mend: 'mended',
};

/** Bars are placed once, by the time since then, and the strips move. */
const EPOCH = Date.now();
const rows = new Map();
let behindMs = 0;
let windowMs = 1;
const percent = (ms) => `${(100 * ms) / windowMs}%`;

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
  const what = [nameOf(token.businessId), ...token.resource].map((text) => ` · ${text}`).join('');
  const who = element('div', { className: 'who' }, scopes, what, about);
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
  const together = windowMs / 12;
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

export function showTokens({ tokens, done }) {
  const now = percent(behindMs);
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

/** Before anything is placed. */
export function showAxis(timeline) {
  const { aheadMs } = timeline;
  ({ behindMs } = timeline);
  windowMs = behindMs + aheadMs;
  const step = STEPS_MS.find((ms) => ms * 6 > windowMs) ?? STEPS_MS.at(-1);
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

export function move() {
  const shift = `translateX(${percent(EPOCH + behindMs - Date.now())})`;
  byId('done').style.transform = shift;
  for (const { strip, about, token } of rows.values()) {
    strip.style.transform = shift;
    setText(about, aboutToken(token));
    about.dataset.failed = token.errorCode && !token.refreshing ? 'yes' : 'no';
  }
}

/** Smoothly, or once a second for those who prefer less of it. */
export function keepMoving() {
  move();
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) setTimeout(keepMoving, 1000);
  else requestAnimationFrame(keepMoving);
}
