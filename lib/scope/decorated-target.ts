import { type NestInterceptor, type Type, UseInterceptors } from '@nestjs/common';

/** What a decorator was written on: a class, or a method (`key` and `descriptor` given). */
export interface DecoratedTarget {
  /** For messages: `LedgersController` or `LedgersController.list`. */
  readonly name: string;
  /** Where Nest keeps metadata: the class or the method's function. `undefined` on a property or an accessor. */
  readonly owner: object | undefined;
}

/** Names what a decorator was written on, and finds where its metadata belongs. */
export function decoratedTarget(
  target: object,
  key: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): DecoratedTarget {
  if (key === undefined) return { name: classNameOf(target), owner: target };
  const className = classNameOf(typeof target === 'function' ? target : target.constructor);
  const method: unknown = descriptor?.value;
  return { name: `${className}.${String(key)}`, owner: typeof method === 'function' ? method : undefined };
}

/** `@UseInterceptors` on whatever a class-or-method decorator was written on. */
export function bindInterceptor(
  interceptor: Type<NestInterceptor>,
  target: object,
  key: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): void {
  const bind = UseInterceptors(interceptor);
  if (key === undefined || descriptor === undefined) bind(target as Type);
  else bind(target, key, descriptor);
}

function classNameOf(target: object): string {
  return 'name' in target && typeof target.name === 'string' && target.name !== '' ? target.name : 'a class';
}
