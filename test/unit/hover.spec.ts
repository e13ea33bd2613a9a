import { resolve } from 'node:path';
import ts from 'typescript';

const ENTRIES = ['index', 'store/index', 'telemetry/index', 'health/index', 'openapi/index', 'testing/index'];

/** An editor's view of the sources: what is shown for a name that the pointer rests on. */
function editor() {
  const files = ENTRIES.map((entry) => resolve('lib', `${entry}.ts`));
  const { config } = ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => files,
    getScriptVersion: () => '0',
    getScriptSnapshot: (path) => {
      const text = ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => process.cwd(),
    getDefaultLibFileName: (given) => ts.getDefaultLibFilePath(given),
    fileExists: (path) => ts.sys.fileExists(path),
    readFile: (path) => ts.sys.readFile(path),
  });
  return { service, files, program: service.getProgram()! };
}

/** The public names and their members, each with the place where it is declared. */
function declarations({
  program,
  files,
}: ReturnType<typeof editor>): readonly (readonly [string, ts.Declaration])[] {
  const checker = program.getTypeChecker();
  const found = new Map<ts.Declaration, string>();
  for (const file of files) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file)!);
    for (const exported of checker.getExportsOfModule(module!)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const members = [...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])];
      for (const each of [symbol, ...members]) {
        const name = each === symbol ? symbol.name : `${symbol.name}.${each.name}`;
        for (const declaration of each.declarations ?? []) found.set(declaration, name);
      }
    }
  }
  return [...found].map(([declaration, name]) => [name, declaration]);
}

const isOurs = (declaration: ts.Declaration): boolean =>
  declaration.getSourceFile().fileName.startsWith(resolve('lib'));

/** The examples as they are written, line by line without the comment around them. */
const written = (declaration: ts.Declaration): readonly string[] =>
  ts
    .getJSDocCommentsAndTags(declaration)
    .flatMap((comment) => [...comment.getText().matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!))
    .map((code) => code.replaceAll(/^\s*\* ?/gm, '').trim());

describe('The documentation that an editor shows', () => {
  it('holds each example whole: a line that looks like a tag would end it', () => {
    const view = editor();
    let examples = 0;
    for (const [name, declaration] of declarations(view)) {
      const nameNode = ts.getNameOfDeclaration(declaration);
      if (!isOurs(declaration) || nameNode === undefined) continue;
      const file = declaration.getSourceFile().fileName;
      const shown = view.service.getQuickInfoAtPosition(file, nameNode.getStart());
      const text = shown?.tags?.map((tag) => ts.displayPartsToString(tag.text)).join('\n') ?? '';
      const without = text.replaceAll(/^\s+/gm, '');
      for (const code of written(declaration)) {
        examples += 1;
        expect([name, without]).toEqual([name, expect.stringContaining(code.replaceAll(/^\s+/gm, ''))]);
      }
    }
    expect(examples).toBeGreaterThan(40);
  });
});
