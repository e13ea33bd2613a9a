import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** The rooms of lib in the order of the flow, and which of the others each may import from. */
const rooms = {
  config: [],
  'token/request': ['config'],
  'token/endpoint': ['config', 'token/request'],
  'token/pacing': ['config', 'token/request', 'token/endpoint'],
  token: ['config', 'token/request', 'token/endpoint', 'token/pacing'],
  scope: ['config'],
  http: ['config', 'token', 'token/request', 'token/endpoint', 'token/pacing', 'scope'],
  bin: ['config', 'scope'],
  testing: [],
};

const layer = (room, allowed) => {
  const closed = Object.keys(rooms).filter((other) => other !== room && !allowed.includes(other));
  // A path out of the room, by its name as seen from lib/ or, for rooms within token/, from there.
  const names = closed.flatMap((other) => [
    `(\\.\\./)+${other}/[^/]+$`,
    `(\\.\\./)+${other.split('/').at(-1)}/[^/]+$`,
  ]);
  return {
    files: [`lib/${room}/*.{ts,mts,cts}`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(${[...names, '(\\.\\./)+(asset-auth|index)\\.', ...(room.startsWith('token/') ? ['\\.\\./[^/]+$'] : [])].join('|')})`,
              message: `lib/${room} may import from ${allowed.join(', ') || 'no other room'}; see the rooms in eslint.config.mjs.`,
            },
          ],
        },
      ],
    },
  };
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
      'max-lines': ['error', { max: 260, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'MemberExpression[object.name="jest"][property.name=/^(mock|unstable_mockModule)$/]',
          message: 'Run the real thing: start a server on 127.0.0.1:0 instead of replacing a module.',
        },
      ],
    },
  },
  Object.entries(rooms).map(([room, allowed]) => layer(room, allowed)),
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      'max-lines': 'off',
    },
  },
);
