import { readFileSync } from 'node:fs';
import ts from 'typescript';

const TESTS = new Set(['it', 'test', 'describe']);

/** The numbers of the cases that the titles of a file's tests name, also of `each` and its tables of many lines. */
export function casesIn(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const cases = new Set();
  const visit = (node) => {
    if (ts.isCallExpression(node) && isTest(node.expression) && node.arguments.length > 1)
      for (const [name] of node.arguments[0].getText(source).matchAll(/\bT\d{2,3}\b/g)) cases.add(name);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return cases;
}

/** `it`, `it.each(table)`, `` it.each`table` `` and the like. What is skipped covers nothing. */
function isTest(callee) {
  if (ts.isIdentifier(callee)) return TESTS.has(callee.text);
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text !== 'skip' && isTest(callee.expression);
  if (ts.isTaggedTemplateExpression(callee)) return isTest(callee.tag);
  return ts.isCallExpression(callee) && isTest(callee.expression);
}
