// What the scripts of this folder have in common: an application whose Asset environment the test runs.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AssetAuthModule } from 'nestjs-asset-auth';

export const environment = {
  baseUrl: process.env.ASSET_BASE_URL,
  clientId: process.env.ASSET_CLIENT_ID,
  clientSecret: process.env.ASSET_CLIENT_SECRET,
  undeclaredScopes: 'allow',
};

/** Starts an application with the module, under the machine's own clock. */
export function start(options = {}) {
  class AppModule {}
  Module({ imports: [AssetAuthModule.forRoot({ ...environment, ...options })] })(AppModule);
  return NestFactory.createApplicationContext(AppModule, { logger: ['fatal'], abortOnError: false });
}
