import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Inject } from '@nestjs/common';
import { Args, GraphQLModule, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { AssetBusiness, AssetScope } from 'nestjs-asset-auth';
import { expectSeen } from './application.fixture.js';
import { Ledgers, startOnSandbox } from './entry-points.fixture.js';

const typeDefs = `
  type Query { status(businessId: String!): String!  business(id: String!): Business! }
  type Mutation { create(businessId: String!): String! }
  type Business { id: String!  ledgers: String! }
`;

@Resolver('Business')
class BusinessResolver {
  constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}

  @Query('status')
  @AssetScope('ledger:read')
  @AssetBusiness('businessId')
  status(@Args('businessId') id: string) {
    return this.ledgers.find(id);
  }

  @Mutation('create')
  @AssetScope('ledger:create', 'ledger:read')
  @AssetBusiness('businessId')
  create(@Args('businessId') id: string) {
    return this.ledgers.observe(id);
  }

  @Query('business')
  business(@Args('id') id: string) {
    return { id };
  }

  @ResolveField('ledgers')
  @AssetScope('ledger:read')
  @AssetBusiness((context) => context.getArgByIndex<{ id: string }>(0).id)
  ofBusiness(@Parent() { id }: { id: string }) {
    return this.ledgers.find(id);
  }
}

const open = (fieldResolverEnhancers?: 'interceptors'[]) =>
  startOnSandbox({
    imports: [
      GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, typeDefs, fieldResolverEnhancers }),
    ],
    providers: [BusinessResolver],
  });

async function ask(url: string, query: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

describe('T79 A resolver asks with its scope and business', () => {
  it('in a query', async () => {
    const { url, sandbox, id, read } = await open();
    expect(await ask(url, `{ status(businessId: "${id}") }`)).toEqual({ data: { status: '200' } });
    expectSeen(sandbox, read);
  });

  it('in each of two queries of one request', async () => {
    const { url, sandbox, id, read } = await open();
    const other = sandbox.businesses[1]!.id;
    await ask(url, `{ one: status(businessId: "${id}") two: status(businessId: "${other}") }`);
    const [first, second] = sandbox.apiRequests;
    expect([first, second].map((request) => request?.path.split('/')[3])).toEqual(
      [first, second].map((request) => request?.claims?.businessId),
    );
    expect(new Set(sandbox.apiRequests.map(({ claims }) => claims?.businessId))).toEqual(
      new Set([id, other]),
    );
    expect(sandbox.tokenRequests).toHaveLength(2);
    expect(read.scopes).toEqual(first?.claims?.scopes);
  });

  it('in a mutation', async () => {
    const { url, sandbox, id } = await open();
    expect(await ask(url, `mutation { create(businessId: "${id}") }`)).toEqual({ data: { create: '200' } });
    expectSeen(sandbox, { scopes: ['ledger:create', 'ledger:read'], businessId: id });
  });

  it('in a field, where fieldResolverEnhancers names interceptors', async () => {
    const { url, sandbox, id, read } = await open(['interceptors']);
    expect(await ask(url, `{ business(id: "${id}") { ledgers } }`)).toEqual({
      data: { business: { ledgers: '200' } },
    });
    expectSeen(sandbox, read);
  });

  it('but not in a field where it does not: Nest then runs no interceptor, and the call asks for the full grant', async () => {
    const { url, sandbox, id } = await open();
    await ask(url, `{ business(id: "${id}") { ledgers } }`);
    expect(sandbox.tokenRequests.map(({ form }) => form.scope)).toEqual([undefined]);
  });
});
