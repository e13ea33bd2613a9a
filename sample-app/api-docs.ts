import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { withAssetScopes } from 'nestjs-asset-auth/openapi';

/** Swagger UI at /docs, and the document itself at /docs-json; `x-asset` is what a route asks Asset for. */
export function serveApiDocs(app: INestApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Sample application')
    .setDescription('`x-asset` of a route: the scopes and the business that its access token is narrowed to.')
    .build();
  const document = () => withAssetScopes(app, () => SwaggerModule.createDocument(app, config));
  SwaggerModule.setup('docs', app, document, { swaggerOptions: { showExtensions: true } });
}
