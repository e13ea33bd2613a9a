// The extension `x-asset` of the operations in a document that @nestjs/swagger makes. The package is never loaded from here.
//
// A document does not say which handler an operation is made of: its `operationId` is a class's name and a function's, which two
// may share, or what somebody wrote. So while it is made, each controller and each handler carries a mark among its
// security requirements. Swagger puts those of both together, and the marks are taken out of the document again. Where an
// `@ApiOperation` names requirements of its own, Swagger shows those alone; they are taken away for that time, and put into
// the document afterwards. Not an extension on the handler, since two controllers may inherit it from one base class and ask
// for different scopes.

import { ModulesContainer } from '@nestjs/core';
import { AssetConfigError } from '../config/asset-auth.errors.js';
import type { ScopeSet } from '../config/scope-set.js';
import { discoverClasses } from '../inventory/discovery.js';
import type { ProviderLookup } from '../inventory/scope-report.js';
import { type AssetBusinessSource, handlerDeclaration } from '../scope/scope-metadata.js';

/**
 * What one operation asks Asset for, by its `@AssetScope` and `@AssetBusiness`: the value of `x-asset`. Where an operation
 * has scopes for two named clients, `x-asset` is a list of two.
 */
export interface AssetOperation {
  /** `null`: explicitly none; the option `undeclaredScopes` decides. Absent: not declared, so the defaults of the module. */
  readonly scopes?: ScopeSet | null;
  /** The one named client that the scopes are for. Absent: every client. */
  readonly client?: string;
  /**
   * The route parameter that holds the business; `true`: a function finds it; `null`: explicitly none. Absent: not
   * declared, so the default of the module.
   */
  readonly business?: string | true | null;
}

/** What is needed of a document; `OpenAPIObject` of @nestjs/swagger is one. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, object>>;
  readonly webhooks?: Readonly<Record<string, object>>;
}

/**
 * Puts the extension `x-asset` on each operation of a document whose handler or controller has `@AssetScope` or
 * `@AssetBusiness`: an {@link AssetOperation}. Not `security`, which is what callers of the application need. All else is as
 * @nestjs/swagger 11 or 12 makes it. Swagger UI shows it with `showExtensions: true`. Scopes that code names at run time
 * (`withScope`, the `asset` option) are not in it, nor those of `@RunWithAssetScope`.
 *
 * @param app - the application that the document is of
 * @param create - makes the document and returns it at once, not as a promise
 * @throws AssetConfigError when `create` returns what @nestjs/swagger did not make of `app` while `create` ran
 * @example
 * ```ts
 * const document = () => withAssetScopes(app, () => SwaggerModule.createDocument(app, config));
 * SwaggerModule.setup('docs', app, document, { swaggerOptions: { showExtensions: true } });
 * ```
 */
export function withAssetScopes<Document extends OpenApiDocument>(
  app: ProviderLookup,
  create: () => Document,
): Document {
  const handlers = discoverClasses(app.get(ModulesContainer)).flatMap(({ methods }) =>
    methods.filter(({ kinds }) => kinds.includes('http')),
  );
  const marked = [...new Set<object>(handlers.flatMap(({ classRef, method }) => [classRef, method]))];
  const replaced = new Map(marked.flatMap(ownRequirements));
  const unmark = markAll(marked, replaced);
  let document: Document;
  try {
    document = create();
  } finally {
    unmark();
  }
  const found = operationsOf(document)?.map(
    (operation) => [operation, takeMarks(operation, marked, replaced)] as const,
  );
  if (found === undefined || (found.length > 0 && found.every(([, { length }]) => length === 0))) {
    throw notMadeHere();
  }
  for (const [operation, owners] of found) {
    const handler = handlers.find(
      ({ classRef, method }) => owners.includes(classRef) && owners.includes(method),
    );
    const asked = handler === undefined ? undefined : askedFor(handler.classRef, handler.method);
    if (asked !== undefined) operation['x-asset'] ??= asked;
  }
  return document;
}

/** An operation of a document: a method of a path. */
interface Operation {
  security?: readonly Readonly<Record<string, readonly string[]>>[] | undefined;
  'x-asset'?: AssetOperation | readonly AssetOperation[];
}

/** What `@ApiOperation` said of an operation, where it named security requirements: none of them perhaps. */
type OwnRequirements = Pick<Operation, 'security'>;

/** What both majors of @nestjs/swagger keep `@ApiSecurity` under, on classes and on methods. */
const SECURITY = 'swagger/apiSecurity';
/** The same for `@ApiOperation`, on methods. */
const OPERATION = 'swagger/apiOperation';
const MARK = 'nestjs-asset-auth:declared-by';

/** An entry, if it is a method whose requirements replace all others. */
function ownRequirements(owner: object): readonly [object, OwnRequirements][] {
  const said = Reflect.getOwnMetadata(OPERATION, owner) as OwnRequirements | undefined;
  return said !== undefined && Object.hasOwn(said, 'security') ? [[owner, said]] : [];
}

/**
 * Marks each with its place in the list; what is returned takes the marks off.
 *
 * @param replaced - the requirements that would hide the marks
 */
function markAll(owners: readonly object[], replaced: ReadonlyMap<object, OwnRequirements>): () => void {
  // All are read before any is written, since a class inherits the requirements of its base class.
  const before = owners.map((owner) => ({
    owner,
    inForce: (Reflect.getMetadata(SECURITY, owner) ?? []) as readonly object[],
    own: Reflect.getOwnMetadata(SECURITY, owner) as unknown,
  }));
  before.forEach(({ owner, inForce }, place) => {
    Reflect.defineMetadata(SECURITY, [...inForce, { [MARK]: [String(place)] }], owner);
  });
  for (const [method, said] of replaced) {
    const others = Object.entries(said).filter(([name]) => name !== 'security');
    Reflect.defineMetadata(OPERATION, Object.fromEntries(others), method);
  }
  return () => {
    for (const [method, said] of replaced) Reflect.defineMetadata(OPERATION, said, method);
    for (const { owner, own } of before) {
      if (own === undefined) Reflect.deleteMetadata(SECURITY, owner);
      else Reflect.defineMetadata(SECURITY, own, owner);
    }
  };
}

/** Takes the marks off an operation, gives it back what was replaced for them, and answers whose they were. */
function takeMarks(
  operation: Operation,
  marked: readonly object[],
  replaced: ReadonlyMap<object, OwnRequirements>,
): readonly object[] {
  const { security = [] } = operation;
  const places = security.flatMap((requirement) => requirement[MARK] ?? []);
  if (places.length === 0) return [];
  const owners = places.flatMap((place) => marked[Number(place)] ?? []);
  const own = owners.map((owner) => replaced.get(owner)).find((said) => said !== undefined);
  const others = security.filter((requirement) => requirement[MARK] === undefined);
  if (own !== undefined) operation.security = structuredClone(own.security);
  else if (others.length > 0) operation.security = others;
  else delete operation.security;
  return owners;
}

/** `undefined`: it is no document, a promise for one perhaps. */
function operationsOf(document: Partial<OpenApiDocument>): readonly Operation[] | undefined {
  if (document.paths === undefined) return undefined;
  const items = [...Object.values(document.paths), ...Object.values(document.webhooks ?? {})];
  return items.flatMap((item) => Object.values<Operation>(item as Readonly<Record<string, Operation>>));
}

function askedFor(classRef: object, method: object): Operation['x-asset'] {
  const { scope, otherScope, business } = handlerDeclaration(classRef, method) ?? {};
  if (scope === undefined && business === undefined) return undefined;
  const of = (declared: typeof scope): AssetOperation => ({
    ...(declared !== undefined && { scopes: declared.scopes && [...declared.scopes] }),
    ...(declared?.client !== undefined && { client: declared.client }),
    ...(business !== undefined && { business: shown(business.source) }),
  });
  return otherScope === undefined ? of(scope) : [of(scope), of(otherScope)];
}

const shown = (source: AssetBusinessSource): string | true | null =>
  typeof source === 'function' ? true : source;

function notMadeHere(): AssetConfigError {
  const problem =
    'no operation of the document that it returned was made by @nestjs/swagger 11 or 12 of this application while it ran. Call SwaggerModule.createDocument with this application inside it, and return what that returns, not a promise';
  return new AssetConfigError([{ option: 'create', problem }], 'withAssetScopes cannot be used');
}
