import 'reflect-metadata';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { scenario } from './scenario.js';

describe('An application with AssetAuthModule asks for exactly the scopes and the business that it declares', () => {
  it('on Express', () => scenario(new ExpressAdapter()));

  it('on Fastify', () => scenario(new FastifyAdapter()));
});
