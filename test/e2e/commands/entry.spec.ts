import { readFileSync } from 'node:fs';
import { startSandbox } from '../../support/sandbox.js';
import { command, CommandProcess, variablesFor } from './command.fixture.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };

describe('nestjs-asset-auth, the command', () => {
  it('says which commands there are, and prints its version', async () => {
    const [help, short, versions] = await Promise.all([
      command(['--help']),
      command(['-h']),
      command(['--version']),
    ]);
    expect(help).toMatchObject({ code: 0, errors: '' });
    for (const name of ['check', 'sandbox', 'scopes']) {
      expect(help.output).toMatch(new RegExp(`^ {2}${name} +\\w+`, 'm'));
    }
    expect(short).toEqual(help);
    expect(versions).toEqual({ code: 0, output: `${version}\n`, errors: '' });
  });

  it.each(['check', 'sandbox', 'scopes'])(
    'tells of %s, with examples, and prints the version',
    async (name) => {
      const [help, versions] = await Promise.all([command([name, '--help']), command([name, '--version'])]);
      expect(help).toMatchObject({ code: 0, errors: '' });
      expect(help.output).toMatch(new RegExp(`^Usage: nestjs-asset-auth ${name} `));
      expect(help.output).toMatch(new RegExp(`^ {2}nestjs-asset-auth ${name}`, 'm'));
      expect(help.output).toContain('Exit code 0: ');
      expect(versions).toEqual({ code: 0, output: `${version}\n`, errors: '' });
    },
  );

  it('refuses to guess which command is meant, and lists what there is', async () => {
    const [none, unknown, inherited] = await Promise.all([
      command([]),
      command(['chekc']),
      command(['constructor']),
    ]);
    for (const { code, output, errors } of [none, unknown, inherited]) {
      expect({ code, output }).toEqual({ code: 2, output: '' });
      expect(errors).toMatch(/^ {2}check .*\n {2}sandbox .*\n {2}scopes /m);
    }
    expect(none.errors).toMatch(/^nestjs-asset-auth: Which command\?/);
    expect(unknown.errors).toMatch(/^nestjs-asset-auth: There is no such command\./);
    expect(unknown.errors).not.toContain('chekc');
  });

  it.each([
    ['check', '--scope', '--scopes, --business, --resource, --json, --help, --version'],
    ['sandbox', '--prot', '--port, --lifetime, --fail, --help, --version'],
    ['scopes', '--chekc', '--module, --check, --write, --help, --version'],
  ])(
    '%s refuses the option %s without repeating it, and lists those that there are',
    async (name, option, known) => {
      const { code, output, errors } = await command([name, option, 'text']);
      expect({ code, output }).toEqual({ code: 2, output: '' });
      expect(errors).toContain(
        `nestjs-asset-auth ${name}: There is no such option as argument 1 behind the name of the command. The options are ${known}.`,
      );
      // A secret may begin with a dash, or stand where the name of an option belongs.
      expect(errors).not.toMatch(new RegExp(`${option}\\b`));
      expect(errors).toContain(`Usage: nestjs-asset-auth ${name} `);
    },
  );

  it.each([
    ['check', '--scopes', ['--scopes', 'ledger:read', '--json', '--scopes=report:read']],
    ['check', '--json', ['--json', '--json']],
    ['sandbox', '--port', ['--port', '0', '--fail', 'api=500', '--fail', 'token=500', '--port', '0']],
    ['scopes', '--check', ['app.module.js', '--check', 'one.json', '--check', 'one.json']],
  ])('%s refuses %s where it is repeated, of which one would be ignored', async (name, option, args) => {
    const { code, output, errors } = await command([name, ...args]);
    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(errors).toContain(`nestjs-asset-auth ${name}: ${option} is given more than once`);
  });

  it.each([
    ['check', ['--scopes', 'ledger:read', 'report:read'], '--scopes "ledger:read report:read"'],
    ['sandbox', ['4000'], '--port 4000'],
    ['scopes', ['app.module.js', 'other.module.js'], 'It takes one file'],
  ])('%s refuses words that it would ignore, and says what it takes', async (name, args, cure) => {
    const { code, output, errors } = await command([name, ...args]);
    expect({ code, output }).toEqual({ code: 2, output: '' });
    const [problem] = errors.split('\n\n');
    expect(problem).toContain(`nestjs-asset-auth ${name}: It takes `);
    expect(problem).toContain(cure);
    if (name !== 'check') expect(problem).not.toContain('--scopes');
  });

  it('ends with 2, and with no stack, where nobody reads what it prints', async () => {
    const variables = variablesFor(await startSandbox());
    for (const args of [['check', '--scopes', 'ledger:read', '--json'], ['check', '--help'], ['--version']]) {
      const running = new CommandProcess(args, variables);
      running.stopReading();
      const { code, errors } = await running.ended;
      expect(code).toBe(2);
      expect(errors).toMatch(
        /^nestjs-asset-auth( check)?: The standard output cannot be written \(EPIPE\)\.\n$/,
      );
    }
  });

  it('answers to its former name asset-scopes, and then calls itself so', async () => {
    const [help, needed] = await Promise.all([
      command(['--help'], {}, 'asset-scopes'),
      command([], {}, 'asset-scopes'),
    ]);
    expect(help).toMatchObject({ code: 0, errors: '' });
    expect(help.output).toMatch(/^Usage: asset-scopes <file/);
    expect(needed).toMatchObject({ code: 2, output: '' });
    expect(needed.errors).toMatch(/^asset-scopes: It needs the file of the root module/);
  });
});
