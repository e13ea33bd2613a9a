import type { AssetAuthEvents } from '../../../lib/events/asset-auth.events.js';
import type { EventPublisher } from '../../../lib/events/event-publisher.js';

const LINES: { readonly [Name in keyof AssetAuthEvents]?: (fields: never) => string } = {
  'store.lost': ({ reason }: AssetAuthEvents['store.lost']) => `out of use: ${reason}`,
  'store.regained': () => 'in use',
  'store.unreadable': () => 'unreadable',
};

/** Tells the states of a store in words. */
export const publisher = (tell: (line: string) => void): Pick<EventPublisher, 'publish'> => ({
  publish: (name, fields) => {
    const line = LINES[name]?.(fields as never);
    if (line !== undefined) tell(line);
    return fields as never;
  },
});
