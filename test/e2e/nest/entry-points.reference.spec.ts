import { Inject, Injectable, type Type } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import { ResolveReference, Resolver } from '@nestjs/graphql';
import { AssetBusiness, AssetScope } from 'nestjs-asset-auth';
import { expectSeen } from './application.fixture.js';
import { Ledgers, startOnSandbox } from './entry-points.fixture.js';

interface Reference {
  readonly __typename: string;
  readonly businessId?: unknown;
}

@Injectable()
@Resolver('Business')
class ByName {
  constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}

  @ResolveReference()
  @AssetScope('ledger:read')
  @AssetBusiness('businessId')
  async resolveReference({ businessId }: Reference) {
    return { status: await this.ledgers.find(String(businessId)) };
  }
}

@Injectable()
@Resolver('Business')
@AssetScope('ledger:read')
@AssetBusiness('businessId')
class OnClass {
  constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}

  @ResolveReference()
  async resolveReference({ businessId }: Reference) {
    return { status: await this.ledgers.find(String(businessId)) };
  }
}

type Resolve = (...args: readonly unknown[]) => Promise<unknown>;

/** The resolver of references as @nestjs/graphql makes it, for a driver to call. */
async function open(classRef: Type<ByName | OnClass>) {
  const { app, ...rest } = await startOnSandbox({ providers: [classRef] });
  const resolver = app.get<ByName | OnClass>(classRef);
  const resolve = app
    .get(ExternalContextCreator)
    .create(
      resolver,
      Reflect.get(resolver, 'resolveReference') as never,
      'resolveReference',
      undefined,
      undefined,
      undefined,
      undefined,
      { guards: true, filters: true, interceptors: true },
      'graphql',
    ) as Resolve;
  return { ...rest, resolve, other: rest.sandbox.businesses[1]!.id };
}

describe('T112 A resolver of federated references asks for the business of the reference', () => {
  it.each([
    ['the decorator on the method', ByName],
    ['the decorator on the class', OnClass],
  ])('%s', async (_, classRef) => {
    const { resolve, sandbox, id, read, other } = await open(classRef);
    const reference = { __typename: 'Business', businessId: id };
    expect(await resolve(reference, { businessId: other }, {})).toEqual({ status: '200' });
    expectSeen(sandbox, read);
  });

  it('also where the driver hands empty arguments over', async () => {
    const { resolve, sandbox, id, read, other } = await open(ByName);
    await resolve({ __typename: 'Business', businessId: id }, {}, { businessId: other }, {});
    expectSeen(sandbox, read);
  });

  it.each([
    ['without that field', {}, 'has no parameter "businessId"'],
    ['with one that is no business', { businessId: 'x' }, 'is not a business id'],
    ['with null', { businessId: null }, 'is not a business id'],
    ['with a number', { businessId: 7 }, 'is not a business id'],
  ])('and is refused for a reference %s, whatever the context holds', async (_, fields, words) => {
    const { resolve, sandbox, id } = await open(ByName);
    const call = resolve({ __typename: 'Business', ...fields }, { businessId: id }, {});
    await expect(call).rejects.toMatchObject({
      code: 'ASSET_BUSINESS_INVALID',
      message: expect.stringContaining(words) as string,
    });
    expect(sandbox.requests).toEqual([]);
  });
});
