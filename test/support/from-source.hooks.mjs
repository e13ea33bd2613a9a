// Resolves the names of the library's entry points to its compiled files; see from-source.mjs.
const entries = new Map();

export function initialize(library) {
  entries.set('nestjs-asset-auth', `${library}index.js`);
  for (const room of ['store', 'telemetry', 'testing'])
    entries.set(`nestjs-asset-auth/${room}`, `${library}${room}/index.js`);
}

export function resolve(specifier, context, next) {
  const entry = entries.get(specifier);
  return entry === undefined ? next(specifier, context) : { url: entry, shortCircuit: true };
}
