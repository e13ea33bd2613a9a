// `nestjs-asset-auth/openapi`: what the routes of an application ask Asset for, in its OpenAPI document.

export { type AssetOperation, type OpenApiDocument, withAssetScopes } from './asset-operations.js';
