import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const LIB = 'lib';
const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

/** The tags of a file's comments, as an editor finds them: it takes a decorator after a space for one. */
function tagsIn(file: string): readonly ts.JSDocTag[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(LIB, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const tags: ts.JSDocTag[] = [];
  const visit = (node: ts.Node): void => {
    tags.push(...ts.getJSDocTags(node).filter((tag) => tag.parent.parent === node));
    node.forEachChild(visit);
  };
  visit(source);
  return tags;
}

const tags = files.flatMap((file) => tagsIn(file).map((tag) => [file, tag.tagName.text, tag] as const));

it('T119 an editor shows whole examples: no decorator in them is taken for a tag', () => {
  expect(tags.filter(([, name]) => name === 'example').length).toBeGreaterThan(30);
  expect(tags.filter(([, name]) => /^[A-Z]/.test(name)).map(([file, name]) => `${file}: ${name}`)).toEqual(
    [],
  );
  for (const [, name, tag] of tags) {
    const fences = ts.getTextOfJSDocComment(tag.comment)?.match(/```/g) ?? [];
    if (name === 'example') expect(fences.length % 2).toBe(0);
  }
});
