// A secret written in escapes. Encoders differ in what they escape and how, so the text is decoded instead.

/** Escapes within escapes: a form in JSON in HTML. */
const DEEPEST = 3;

/** Fewer characters would be found in texts that have nothing to do with the secret. */
const FEWEST = 4;

/** Whether a text holds one of the secrets in escapes, of URLs, forms, JSON or HTML, or byte by byte. */
export function holdsDisguised(secrets: readonly string[], text: string): boolean {
  if (secrets.length === 0) return false;
  const inHex = text.toLowerCase().replace(/(?<![0-9a-f])0x|\\x|[\s:,;-]/g, '');
  const inDecimal = text.replace(/\D+/g, ' ');
  const layers = [text, text.replaceAll('+', ' ')];
  for (let from = 0; from < 2 * DEEPEST; from += 1) layers.push(unescaped(layers[from] ?? ''));
  const plain = [...new Set(layers)];
  const skeletons = plain.filter((layer) => NAMES_IN_HTML.test(layer)).map(skeleton);
  return secrets.some((secret) => {
    const bytes = Buffer.from(secret);
    const wanted = skeleton(secret);
    return (
      plain.some((layer) => layer.includes(secret)) ||
      (bytes.length >= FEWEST &&
        (inHex.includes(bytes.toString('hex')) || inDecimal.includes(bytes.join(' ')))) ||
      (wanted.replaceAll(ANY, '').length >= FEWEST && skeletons.some((its) => its.includes(wanted)))
    );
  });
}

const NAMES_IN_HTML = /&[a-z]+\d*;/i;

const ANY = '\uFFFD';

/**
 * HTML has a name for almost every character but letters and digits. Whatever may have one, in the secret and in the
 * text, is taken for the same: too much is hidden rather than too little.
 */
const skeleton = (text: string): string => text.replace(/&[a-z]+\d*;|[^A-Za-z0-9]/giu, ANY);

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
