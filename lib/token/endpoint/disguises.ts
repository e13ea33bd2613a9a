// A secret written in escapes. Encoders differ in what they escape and how, so the text is decoded instead.

/** Escapes within escapes: a form in JSON in HTML. */
const DEEPEST = 3;

/** Fewer characters would be found in texts that have nothing to do with the secret. */
const FEWEST = 4;

/** Whether a text holds the secret in escapes, of URLs, forms, JSON or HTML, or byte by byte. */
export function isDisguised(secret: string, text: string): boolean {
  if (holdsBytes(Buffer.from(secret), text)) return true;
  let layer = [text, text.replaceAll('+', ' ')];
  for (let depth = 0; depth <= DEEPEST; depth += 1) {
    if (layer.some((plain) => plain.includes(secret) || holdsSkeleton(secret, plain))) return true;
    layer = layer.map(unescaped);
  }
  return false;
}

/** The bytes as numbers, in hex or decimal, whatever stands between them. */
function holdsBytes(secret: Buffer, text: string): boolean {
  if (secret.length < FEWEST) return false;
  const inHex = text.toLowerCase().replace(/0x|\\x|[\s:,;-]/g, '');
  return inHex.includes(secret.toString('hex')) || text.replace(/\D+/g, ' ').includes(secret.join(' '));
}

/**
 * HTML has a name for almost every character but letters and digits. Whatever may have one, in the secret and in the
 * text, is taken for the same: too much is hidden rather than too little.
 */
function holdsSkeleton(secret: string, text: string): boolean {
  const named = text.replace(/&[a-z]+\d*;/gi, '\uFFFD');
  if (named === text) return false;
  const skeleton = (its: string): string => its.replace(/[^A-Za-z0-9]/gu, '\uFFFD');
  const wanted = skeleton(secret);
  return wanted.replaceAll('\uFFFD', '').length >= FEWEST && skeleton(named).includes(wanted);
}

const ESCAPES =
  /((?:%[0-9a-f]{2})+)|\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|(["'\\/]))|&#(?:x([0-9a-f]{1,8})|(\d{1,8}));?|&(amp|lt|gt|quot|apos);/gi;

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replace(ESCAPES, (_all, percent?: string, ...its: (string | undefined)[]) => {
    if (percent !== undefined) return Buffer.from(percent.replaceAll('%', ''), 'hex').toString();
    const [unit, byte, plain, hex, decimal, name] = its;
    if (plain !== undefined) return plain;
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? '';
    const point = decimal === undefined ? Number.parseInt(unit ?? byte ?? hex ?? '', 16) : Number(decimal);
    // Half of a surrogate pair too, which its other half completes.
    return point <= 0x10ffff ? String.fromCodePoint(point) : '\uFFFD';
  });
