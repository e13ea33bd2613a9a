/* global document */
// What the parts of the page share. All text is set as text, never as markup.

export const byId = (id) => document.getElementById(id);

export function element(tag, { className = '', text, title, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  if (title !== undefined) made.title = title;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Sets it only if it is new, so that nothing is read aloud twice. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export const clockTime = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
export const seconds = (ms) => `${Math.max(0, Math.round(ms / 1000))} s`;

let names = {};

/** Businesses are shown by these, where they are known. */
export function knowNames(byBusinessId) {
  names = byBusinessId;
}

export const nameOf = (businessId) => (businessId ? (names[businessId] ?? businessId) : 'no business');

export function badge(status, unanswered) {
  const kind = status === undefined ? 'open' : status < 400 ? 'ok' : 'bad';
  return element('span', {
    className: 'status',
    'data-kind': kind,
    text: status === undefined ? unanswered : String(status),
  });
}
