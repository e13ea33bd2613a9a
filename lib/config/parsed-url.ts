/**
 * The URL, or `undefined` if the text is none. Not by `URL.canParse`: on Node 20 it takes Latin-1 text for UTF-8 once it
 * is called often enough to be optimised, and then refuses `https://bücher.example`.
 */
export function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
