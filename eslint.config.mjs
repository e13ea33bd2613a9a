import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import { dirname, join, relative, resolve, sep } from 'node:path';
import tseslint from 'typescript-eslint';

const library = join(import.meta.dirname, 'lib');

/**
 * The rooms of lib in the order of the flow, and which of the others each may import from. A folder within a room belongs
 * to it, unless it is a room itself. What a token is asked for is shared by the token room and its endpoint, so that file
 * is a room of its own. The files in lib itself wire the rooms; only rooms with an entry of their own in package.json know
 * them.
 */
const rooms = {
  config: [],
  retry: ['config'],
  'token/token-request': ['config'],
  events: ['config', 'token/token-request'],
  store: ['config', 'retry', 'events'],
  'token/endpoint': ['config', 'retry', 'events', 'token/token-request'],
  token: ['config', 'retry', 'events', 'store', 'token/token-request', 'token/endpoint'],
  scope: ['config'],
  inventory: ['config', 'scope'],
  http: ['config', 'retry', 'events', 'token', 'token/token-request', 'token/endpoint', 'scope'],
  health: ['config', 'token', '.'],
  openapi: ['config', 'scope', 'inventory'],
  telemetry: ['.', 'config', 'events', 'token'],
  testing: [],
  commands: [
    'config',
    'retry',
    'events',
    'token',
    'token/token-request',
    'token/endpoint',
    'inventory',
    'testing',
  ],
  '.': [
    'config',
    'retry',
    'events',
    'store',
    'token',
    'token/token-request',
    'token/endpoint',
    'scope',
    'inventory',
    'http',
  ],
};

/** The room that a path within lib is in; `undefined`: in none. */
function roomOf(path) {
  const module = path.replace(/\.[cm]?[jt]s$/, '');
  const inRoom = (room) => module === room || module.startsWith(`${room}/`);
  const room = Object.keys(rooms).find(inRoom);
  return room ?? (module.includes('/') || module === '..' ? undefined : '.');
}

/** Why a file of a room may not import this, if it may not. Packages, but for our own, are not its concern. */
function problemOf(specifier, file, room) {
  if (/^nestjs-asset-auth(\/|$)/.test(specifier)) return 'The library does not import itself by its name.';
  if (!/^[./]/.test(specifier)) return undefined;
  const path = relative(library, resolve(dirname(file), specifier)).replaceAll(sep, '/');
  if (path.startsWith('..')) return 'The library imports nothing from outside of lib.';
  const from = roomOf(path);
  if (from === room || rooms[room].includes(from)) return undefined;
  return `lib/${room} may import from ${rooms[room].join(', ') || 'no other room'}; see the rooms in eslint.config.mjs.`;
}

/** Whatever the way in which it is imported: statically, as a type, dynamically, or required. */
const layers = {
  create(context) {
    const room = roomOf(relative(library, context.filename).replaceAll(sep, '/'));
    const check = (node, source) => {
      const specifier = source?.type === 'TemplateLiteral' ? source.quasis[0].value.cooked : source?.value;
      const message =
        typeof specifier === 'string' ? problemOf(specifier, context.filename, room) : undefined;
      if (message !== undefined) context.report({ node, message });
    };
    if (room === undefined) {
      const message =
        'This folder of lib is no room: name it in eslint.config.mjs, with what it may import from.';
      return { Program: (node) => context.report({ node, message }) };
    }
    return {
      ImportDeclaration: (node) => check(node, node.source),
      ExportNamedDeclaration: (node) => check(node, node.source),
      ExportAllDeclaration: (node) => check(node, node.source),
      ImportExpression: (node) => check(node, node.source),
      TSImportType: (node) => check(node, node.source),
      TSExternalModuleReference: (node) => check(node, node.expression),
      'CallExpression[callee.name="require"]': (node) => check(node, node.arguments[0]),
    };
  },
};

/**
 * What users read in their editors. A decorator after a space is taken for a tag, and the example ends there, unless it
 * stands in `inline code`. `Parameters<…>` of a function with a read-only rest parameter is `never` in the types of mock libraries.
 */
const publicDeclarations = {
  create(context) {
    const isReadonly = (type) =>
      (type?.type === 'TSTypeOperator' && type.operator === 'readonly') ||
      (type?.type === 'TSUnionType' && type.types.some(isReadonly));
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          const withoutCode = comment.value.replace(/(?<!`)`[^`\n]+`(?!`)/g, '');
          if (comment.type !== 'Block' || !/\s@[A-Z]/.test(withoutCode)) continue;
          const message = 'Editors cut an example at a decorator after a space: write it as `inline code`.';
          context.report({ loc: comment.loc, message });
        }
      },
      RestElement(node) {
        const { type } = node.parent.parent;
        const isPublic = type === 'ExportNamedDeclaration' || type === 'MethodDefinition';
        if (!isPublic || !isReadonly(node.typeAnnotation?.typeAnnotation)) return;
        context.report({ node, message: 'A rest parameter that users see is no readonly list.' });
      },
    };
  },
};

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'test/package/', 'test/bench/', '.stryker-tmp/', 'reports/']),
  eslint.configs.recommended,
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['**/*.{ts,mts,cts}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-extraneous-class': [
        'error',
        { allowWithDecorator: true, allowStaticOnly: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-empty-function': 'off',
      // Nest types its options as classes, and everybody writes them as object literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Observables and decorated handlers are passed around as values on purpose.
      '@typescript-eslint/unbound-method': ['error', { ignoreStatic: true }],
      'max-lines': ['error', { max: 300 }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'MemberExpression[object.name="jest"][property.name=/^(mock|unstable_mockModule)$/]',
          message: 'Run the real thing: start a server on 127.0.0.1:0 instead of replacing a module.',
        },
      ],
    },
  },
  {
    files: ['lib/**/*.{ts,mts,cts}'],
    plugins: { house: { rules: { layers, publicDeclarations } } },
    rules: { 'house/layers': 'error', 'house/publicDeclarations': 'error' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      'max-lines': 'off',
    },
  },
);
