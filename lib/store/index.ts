// `nestjs-asset-auth/store`: where processes share their tokens.

export type { AssetTokenStore, StoredValue } from '../config/token-store.js';
export { type RedisSendCommand, redisTokenStore } from './redis-token.store.js';
