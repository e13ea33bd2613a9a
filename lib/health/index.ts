// `nestjs-asset-auth/health`: how a client fares, on the health page that @nestjs/terminus makes.

export { AssetHealthIndicator, type AssetHealthOptions } from './asset-health.indicator.js';
