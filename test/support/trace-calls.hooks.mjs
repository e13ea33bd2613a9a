// Makes every function of the library say when it is entered: module hooks that trace-calls.mjs registers.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

let library;
let tracer;

export function initialize(data) {
  ({ library, tracer } = data);
}

/** The tracer shares its packages with the library, which may be built elsewhere and has its own. */
export function resolve(specifier, context, next) {
  const isPackage = context.parentURL === tracer && /^[^.:/]+(\/|$)/.test(specifier);
  return next(specifier, isPackage ? { ...context, parentURL: `${library}index.js` } : context);
}

export async function load(url, context, next) {
  const file = url.startsWith(library) ? url.slice(library.length) : '';
  if (!file.endsWith('.js') || file.startsWith('testing/')) return next(url, context);
  const source = instrumented(await readFile(fileURLToPath(url), 'utf8'), file);
  return { format: 'module', source, shortCircuit: true };
}

/** The name of the constant in each function that tells which run of it this is. */
const RUN = 'tracedRun';

/**
 * Functions tell when they are entered and left, and when they pause at an `await`. A class without a constructor tells
 * with its first field.
 */
function instrumented(source, file) {
  const entered = `globalThis.callTracer.enter(${JSON.stringify(file)})`;
  const open = `const ${RUN} = ${entered}; try {`;
  const close = `} finally { globalThis.callTracer.leave(${RUN}); }`;
  const insertions = [];
  const insert = (position, text) => insertions.push({ position, text });
  const visit = (node) => {
    const [start, end] = wrapping(node);
    if (start !== undefined) insert(start.at, start.text);
    ts.forEachChild(node, visit);
    // After those of its children, which end at the same place or before.
    if (end !== undefined) insert(end.at, end.text);
  };
  const wrapping = (node) => {
    const { parent } = node;
    const within = (before, after) => [
      { at: node.getStart(), text: before },
      { at: node.getEnd(), text: after },
    ];
    if (ts.isClassLike(node) && !node.members.some(ts.isConstructorDeclaration))
      return [{ at: node.members.pos, text: `#traced = globalThis.callTracer.leave(${entered});` }];
    if (ts.isAwaitExpression(node)) return within(`globalThis.callTracer.resume(${RUN}, `, ')');
    if (parent !== undefined && ts.isAwaitExpression(parent))
      return within(`globalThis.callTracer.pause(${RUN}, `, ')');
    if (parent === undefined || !ts.isFunctionLike(parent) || parent.body !== node) return [];
    if (!ts.isBlock(node)) return within(`{ ${open} return (`, `); ${close} }`);
    return [
      { at: node.statements.pos, text: open },
      { at: node.getEnd() - 1, text: close },
    ];
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true));
  return insertions
    .map((insertion, order) => ({ ...insertion, order }))
    .sort((one, other) => one.position - other.position || one.order - other.order)
    .reduceRight(
      (text, { position, text: added }) => text.slice(0, position) + added + text.slice(position),
      source,
    );
}
