/**
 * ASCII text of its own. What was put together stays a tree of its pieces, eleven of them for the key of a request; and
 * what was cut out of a longer text, as an id may be out of a body, holds on to all of that for as long as it is kept.
 */
export const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');
