import type { ExecutionContext } from '@nestjs/common';
import { AssetBusiness } from '../../../lib/scope/asset-business.decorator.js';
import { AssetScope } from '../../../lib/scope/asset-scope.decorator.js';
import { handlerDeclaration } from '../../../lib/scope/scope-metadata.js';

/** What is declared for a method of a class. */
const declaredFor = (classRef: { readonly prototype: object; readonly name: string }, method = 'handler') =>
  handlerDeclaration(classRef, Reflect.get(classRef.prototype, method) as object);

it('A declaration stands under a key of its own name, where the other copy of the package finds it', () => {
  @AssetScope('a:b')
  @AssetBusiness('businessId')
  class Controller {}
  expect(Reflect.getMetadata('nestjs-asset-auth:scope', Controller)).toEqual({ scopes: ['a:b'] });
  expect(Reflect.getMetadata('nestjs-asset-auth:business', Controller)).toEqual({ source: 'businessId' });
});

describe('T80 What is declared for a handler', () => {
  const byFunction = (context: ExecutionContext): string => context.getClass().name;

  @AssetScope('class:scope', { client: 'eu' })
  @AssetBusiness('businessId')
  class Base {
    handler() {}
    @AssetScope('method:scope')
    withScope() {}
    @AssetBusiness(byFunction)
    withBusiness() {}
    @AssetScope(null)
    @AssetBusiness(null)
    withNone() {}
  }

  it('is the class’s, where the method says nothing', () => {
    expect(declaredFor(Base)).toEqual({
      scope: { scopes: ['class:scope'], client: 'eu' },
      business: { source: 'businessId' },
    });
  });

  it('is the method’s in place of the class’s, not in addition', () => {
    expect(declaredFor(Base, 'withScope')?.scope).toEqual({ scopes: ['method:scope'], client: undefined });
    expect(declaredFor(Base, 'withNone')).toEqual({
      scope: { scopes: null, client: undefined },
      business: { source: null },
    });
  });

  it('is found for scope and business independently of each other', () => {
    expect(declaredFor(Base, 'withScope')?.business).toEqual({ source: 'businessId' });
    expect(declaredFor(Base, 'withBusiness')).toEqual({
      scope: { scopes: ['class:scope'], client: 'eu' },
      business: { source: byFunction },
    });
  });

  it('is inherited from the base class, and replaced by a subclass for its own handlers only', () => {
    class Plain extends Base {
      own() {}
    }
    @AssetScope('sub:scope')
    class Redeclared extends Base {}

    expect(declaredFor(Plain)?.scope?.scopes).toEqual(['class:scope']);
    expect(declaredFor(Plain, 'own')?.scope?.scopes).toEqual(['class:scope']);
    expect(declaredFor(Plain, 'withScope')?.scope?.scopes).toEqual(['method:scope']);
    expect(declaredFor(Redeclared)?.scope?.scopes).toEqual(['sub:scope']);
    expect(declaredFor(Redeclared)?.business).toEqual({ source: 'businessId' });
    expect(declaredFor(Base)?.scope?.scopes).toEqual(['class:scope']);
  });

  it('is not inherited by a method that overrides a decorated one, as with all metadata in Nest', () => {
    class Overriding extends Base {
      override withScope() {}
    }
    expect(declaredFor(Overriding, 'withScope')?.scope?.scopes).toEqual(['class:scope']);
  });

  it('is nothing for a class and a method without decorators', () => {
    class Undecorated {
      handler() {}
    }
    expect(declaredFor(Undecorated)).toBeUndefined();
  });
});
