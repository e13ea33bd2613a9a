/**
 * A property that the object has of its own. What `Object.prototype` was given by somebody else must not decide whether
 * a request carries a token, and which.
 */
export const ownValue = <T extends object, K extends keyof T>(object: T, name: K): T[K] | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;
