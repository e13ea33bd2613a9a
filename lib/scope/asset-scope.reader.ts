import { type BusinessDeclaration, declared, type ScopeDeclaration } from './asset-scope.metadata.js';

/** What a handler declares, scopes and business resolved independently of each other. */
export interface HandlerDeclaration {
  readonly scope: ScopeDeclaration | undefined;
  /** What the class declares for the clients that a handler's declaration does not name. */
  readonly otherScope: ScopeDeclaration | undefined;
  readonly business: BusinessDeclaration | undefined;
}

/** By handler, then class: one method serves several classes where a base class declares it. */
const known = new WeakMap<object, WeakMap<object, HandlerDeclaration | null>>();

/**
 * What is declared for a handler: its own decorator, else its class's, else nothing. A handler's declaration replaces
 * the class's instead of adding to it, so that a handler can ask for less (what `Reflector.getAllAndOverride` does). One
 * that names a client replaces it for that client only.
 *
 * A plain function and not an injectable `Reflector`, so that the interceptor can be instantiated in every module, also
 * where `AssetAuthModule` is not imported. Remembered, since metadata does not change once classes are defined.
 */
export function handlerDeclaration(classRef: object, handler: object): HandlerDeclaration | undefined {
  let ofHandler = known.get(handler);
  if (ofHandler === undefined) known.set(handler, (ofHandler = new WeakMap()));
  let declaration = ofHandler.get(classRef);
  if (declaration === undefined) ofHandler.set(classRef, (declaration = read(classRef, handler)));
  return declaration ?? undefined;
}

function read(classRef: object, handler: object): HandlerDeclaration | null {
  const ofClass = declared('scope', classRef);
  const scope = declared('scope', handler) ?? ofClass;
  const otherScope = scope !== ofClass && scope?.client !== undefined ? ofClass : undefined;
  const business = declared('business', handler) ?? declared('business', classRef);
  return scope === undefined && business === undefined
    ? null
    : Object.freeze({ scope, otherScope, business });
}
