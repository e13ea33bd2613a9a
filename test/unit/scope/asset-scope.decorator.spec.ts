import { AssetScope } from '../../../lib/scope/asset-scope.decorator.js';
import { AssetScopeInterceptor } from '../../../lib/scope/asset-scope.interceptor.js';
import { handlerDeclaration } from '../../../lib/scope/scope-metadata.js';

const thrownBy = (decorate: () => unknown): unknown => {
  try {
    decorate();
  } catch (error) {
    return error;
  }
  return undefined;
};

/** What is declared for a method of a class. */
const declaredFor = (classRef: { readonly prototype: object; readonly name: string }, method = 'handler') =>
  handlerDeclaration(classRef, Reflect.get(classRef.prototype, method) as object);

/** `@AssetScope` as a user without types can call it. */
const untypedScope = AssetScope as (...args: readonly unknown[]) => MethodDecorator & ClassDecorator;

describe('@AssetScope', () => {
  it.each([
    ['one scope', ['ledger:read'], ['ledger:read'], undefined],
    ['several scopes, sorted and each once', ['c:d', 'a:b', 'c:d'], ['a:b', 'c:d'], undefined],
    ['a list of scopes', [['c:d', 'a:b']], ['a:b', 'c:d'], undefined],
    ['scopes for one client', ['c:d', 'a:b', { client: 'eu' }], ['a:b', 'c:d'], 'eu'],
    ['a list for one client', [['a:b'], { client: 'eu' }], ['a:b'], 'eu'],
    ['explicitly none', [null], null, undefined],
    ['explicitly none for one client', [null, { client: 'eu' }], null, 'eu'],
    ['no client, when the option is undefined', ['a:b', { client: undefined }], ['a:b'], undefined],
  ])('declares %s', (_, args, scopes, client) => {
    class Controller {
      @untypedScope(...args)
      handler() {}
    }
    const declaration = declaredFor(Controller)?.scope;
    expect(declaration).toEqual({ scopes, client });
    expect(Object.isFrozen(declaration)).toBe(true);
    expect(Object.isFrozen(declaration?.scopes)).toBe(true);
  });

  it.each([
    ['no argument', [], 'names no scope'],
    ['only options', [{ client: 'eu' }], 'names no scope'],
    ['an empty string', [''], 'empty string'],
    ['an empty list', [[]], 'empty list'],
    ['a space', ['a:b c:d'], 'holds a space'],
    ['a character that no scope may hold', ['a:"b"'], 'RFC 6749'],
    ['undefined, as of a misspelled constant', [undefined], 'not undefined'],
    ['a list among scopes', ['a:b', ['c:d']], 'not a list'],
    ['null among scopes', ['a:b', null], 'stands alone'],
    ['an empty client', ['a:b', { client: '' }], 'name of a client'],
    ['a client that is no string', ['a:b', { client: 7 }], 'name of a client'],
    ['an unknown option', ['a:b', { clients: 'eu' }], 'no option "clients"'],
  ])('refuses %s where it is written, naming class and method', (_, args, words) => {
    const decorate = () => {
      class LedgersController {
        @untypedScope(...args)
        list() {}
      }
      return LedgersController;
    };
    const onClass = () => {
      @untypedScope(...args)
      class ReportsController {}
      return ReportsController;
    };
    expect(thrownBy(decorate)).toMatchObject({ name: 'AssetScopeError', code: 'ASSET_SCOPE_INVALID' });
    expect(decorate).toThrow('@AssetScope on LedgersController.list cannot be used: ');
    expect(decorate).toThrow(words);
    expect(onClass).toThrow('@AssetScope on ReportsController cannot be used: ');
  });

  it('refuses a property and an accessor, which are no handlers', () => {
    class Controller {
      get accessor() {
        return Math.PI;
      }
    }
    const decorate = AssetScope('a:b');
    const descriptor = Object.getOwnPropertyDescriptor(Controller.prototype, 'accessor')!;
    expect(() => {
      decorate(Controller.prototype, 'accessor', descriptor);
    }).toThrow('@AssetScope on Controller.accessor cannot be used: it belongs on a class or on a method');
    expect(() => {
      (decorate as PropertyDecorator)(Controller.prototype, 'property');
    }).toThrow('Controller.property');
  });

  it('brings its interceptor along', () => {
    @AssetScope('a:b')
    class Controller {
      @AssetScope('c:d')
      handler() {}
    }
    const handler = Reflect.get(Controller.prototype, 'handler');
    expect(Reflect.getMetadata('__interceptors__', Controller)).toEqual([AssetScopeInterceptor]);
    expect(Reflect.getMetadata('__interceptors__', handler)).toEqual([AssetScopeInterceptor]);
  });

  it('shares nothing between the targets of one decorator value', () => {
    const decorate = AssetScope('a:b');
    class Controller {
      @decorate
      handler() {}
      @decorate
      other() {}
    }
    const [first, second] = [declaredFor(Controller)?.scope, declaredFor(Controller, 'other')?.scope];
    expect(first).toEqual(second);
    expect(first).not.toBe(second);
  });

  it('keeps what it was given, whatever becomes of the list it was given', () => {
    const list = ['a:b'];
    class Controller {
      @AssetScope(list)
      handler() {}
    }
    list.push('admin:all');
    expect(declaredFor(Controller)?.scope?.scopes).toEqual(['a:b']);
    expect(Object.isFrozen(list)).toBe(false);
  });

  it('is replaced by the one above it', () => {
    class Controller {
      @AssetScope('up:per')
      @AssetScope('low:er')
      handler() {}
    }
    expect(declaredFor(Controller)?.scope?.scopes).toEqual(['up:per']);
  });
});
