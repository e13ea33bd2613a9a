/* global fetch, AbortSignal, performance, setInterval */
// The callers: each calls a route of the sample, and counts its answers.
import { badge, byId, element, nameOf, setText } from './dom.js';

const PERIOD_MS = 1000;
const PATIENCE_MS = 30_000;
/** By path. */
const callers = new Map();
let isCalling = false;
let isConnected = false;

/** Calls wait until the application is there. */
export function connected(is) {
  isConnected = is;
}

export function addCallers(paths) {
  for (const path of paths) callers.set(path, callerOf(path));
}

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
