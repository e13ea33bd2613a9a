import { inspect, types } from 'node:util';

/** A value found inside another, and how to say where. */
export interface View {
  /** Appended to the path of the value that it was found in. */
  readonly step: string;
  readonly value: unknown;
}

// Printing repeats a shared object under each of its owners, so its cost can grow exponentially with the depth.
const HIDDEN_DEPTH = 6;
// Under this key Node 20 and 22 attach the stores of every AsyncLocalStorage to promises and handles. They are those of
// the code that made the value, such as a test runner, and not part of the value.
const AMBIENT_KEY = 'Symbol(kResourceStore)';
const ERROR_FIELDS = ['name', 'message', 'stack', 'cause', 'errors'] as const;

/**
 * The inside of an object, without a call of its methods: own properties of every kind, own getters invoked; data on its
 * prototypes; members of collections; bytes. Getters on a prototype are not invoked: a class hands out by one the secret
 * that it keeps in a private field.
 *
 * @param seenPrototypes - Prototypes looked at before, to which this adds.
 */
export function innerViews(object: object, seenPrototypes: Set<object>): readonly View[] {
  if (ArrayBuffer.isView(object)) {
    return byteViews(Buffer.from(object.buffer, object.byteOffset, object.byteLength));
  }
  if (types.isAnyArrayBuffer(object)) {
    return byteViews(Buffer.from(object));
  }
  return [
    ...ownViews(object),
    ...inheritedViews(object, seenPrototypes),
    ...collectionViews(object),
    ...(isErrorLike(object)
      ? ERROR_FIELDS.map((name) => attempt(`.${name}`, () => Reflect.get(object, name)))
      : []),
  ];
}

/** What an object turns into when it is logged, put in a message or sent as JSON. */
export function printedViews(object: object): readonly View[] {
  const toJSON: unknown = attempt('', () => Reflect.get(object, 'toJSON')).value;
  return [
    ...(typeof toJSON === 'function'
      ? [attempt('.toJSON()', () => Reflect.apply(toJSON, object, []) as unknown)]
      : []),
    attempt(' as string', () => printPrimitive(object)),
  ];
}

/** What only `util.inspect` can see: the output of a custom inspect method, and the inside of promises and proxies. */
export function hiddenText(object: object): string {
  const isOpaque =
    types.isPromise(object) || types.isProxy(object) || types.isWeakMap(object) || types.isWeakSet(object);
  const hasOwnPrint = typeof attempt('', () => Reflect.get(object, inspect.custom)).value === 'function';
  return isOpaque || hasOwnPrint ? dump(object, { customInspect: true, depth: HIDDEN_DEPTH }) : '';
}

/** The most that `util.inspect` shows of a value, or '' if printing it throws. */
export function dump(
  value: unknown,
  how: { readonly customInspect: boolean; readonly depth: number },
): string {
  const options = {
    showHidden: true,
    showProxy: true,
    maxArrayLength: 1_000,
    maxStringLength: Infinity,
    compact: false as const,
    ...how,
  };
  const text = attempt('', () => inspect(value, options)).value;
  return typeof text === 'string' ? withoutAmbient(text) : '';
}

/** Cuts out the ambient stores: their first line, and those that follow with a deeper indentation. */
function withoutAmbient(text: string): string {
  let ambientIndentation = Infinity;
  const lines = text.split('\n').filter((line) => {
    const indentation = line.length - line.trimStart().length;
    if (indentation <= ambientIndentation) {
      ambientIndentation = line.trimStart().startsWith(`[${AMBIENT_KEY}]:`) ? indentation : Infinity;
    }
    return ambientIndentation === Infinity;
  });
  return lines.join('\n');
}

function ownViews(object: object): readonly View[] {
  return keysOf(object).flatMap((key) => {
    const step = stepTo(key);
    return [{ step: `${step} (key)`, value: key }, attempt(step, () => Reflect.get(object, key))];
  });
}

function inheritedViews(object: object, seenPrototypes: Set<object>): readonly View[] {
  const views: View[] = [];
  for (let prototype = prototypeOf(object); prototype !== null; prototype = prototypeOf(prototype)) {
    if (!seenPrototypes.has(prototype)) {
      seenPrototypes.add(prototype);
      views.push(...prototypeData(prototype));
    }
  }
  return views;
}

function prototypeData(prototype: object): readonly View[] {
  return keysOf(prototype).flatMap((key) => {
    const descriptor = Reflect.getOwnPropertyDescriptor(prototype, key);
    const isData =
      descriptor !== undefined && 'value' in descriptor && typeof descriptor.value !== 'function';
    return isData ? [{ step: ` (inherited)${stepTo(key)}`, value: descriptor.value as unknown }] : [];
  });
}

function collectionViews(object: object): readonly View[] {
  if (types.isMap(object)) {
    return [...object].flatMap(([key, value], index) => [
      { step: ` (Map key ${index})`, value: key },
      { step: ` (Map value ${index})`, value },
    ]);
  }
  return types.isSet(object)
    ? [...object].map((value, index) => ({ step: ` (Set member ${index})`, value }))
    : [];
}

function byteViews(bytes: Buffer): readonly View[] {
  return [
    { step: ' (bytes)', value: bytes.toString('latin1') },
    { step: ' (bytes)', value: bytes.toString('utf8') },
  ];
}

// Not instanceof: under Jest, the errors of Node itself belong to another realm.
function isErrorLike(object: object): boolean {
  const tag = attempt('', () => Object.prototype.toString.call(object)).value;
  return types.isNativeError(object) || tag === '[object DOMException]';
}

// A function's text is its source, where no value ends up. The elements of an array are scanned one by one, so its text
// adds nothing, unless they are the bytes of a text.
function printPrimitive(object: object): string {
  if (
    typeof object === 'function' ||
    (Array.isArray(object) && !object.every((one) => typeof one === 'number'))
  ) {
    return '';
  }
  const value: unknown = object.valueOf();
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- to see what it prints as is the point.
  return `${String(object)} ${value === object ? '' : String(value)}`;
}

function prototypeOf(object: object): object | null {
  return attempt('', () => Object.getPrototypeOf(object) as unknown).value as object | null;
}

/** The keys to scan. A proxy that refuses to list its keys has none; `util.inspect` looks behind it. */
function keysOf(object: object): readonly (string | symbol)[] {
  const keys = attempt('', () => Reflect.ownKeys(object)).value;
  const list = Array.isArray(keys) ? (keys as (string | symbol)[]) : [];
  // A class's prototype holds no values, and its getters must not be invoked.
  const left = typeof object === 'function' ? ['prototype', AMBIENT_KEY] : [AMBIENT_KEY];
  return list.filter((key) => !left.includes(String(key)));
}

function stepTo(key: string | symbol): string {
  if (typeof key === 'symbol') {
    return `[${String(key)}]`;
  }
  return /^[A-Za-z_$][\w$]*$/.test(key)
    ? `.${key}`
    : /^\d+$/.test(key)
      ? `[${key}]`
      : `[${JSON.stringify(key)}]`;
}

/** The value, or the error of a getter or proxy that throws. */
function attempt(step: string, read: () => unknown): View {
  try {
    return { step, value: read() };
  } catch (error) {
    return { step: `${step} (thrown)`, value: error };
  }
}
