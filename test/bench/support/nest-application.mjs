// A whole Nest application in a process of its own, whose handlers call the API: one reads, one posts what it was
// posted. Started by nest-application in ../benchmarks with the platform, the variant and the address of the local server.

import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Body, Controller, Get, Module, Param, Post, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { map, Observable } from 'rxjs';
import { answerParent } from './child.mjs';
import { keepAliveAgent, plainHttpService, someToken } from './clients.mjs';
import { library, optionsFor } from './library.mjs';

const [platform, variant, url] = process.argv.slice(2);
const PATH = '/v0/business/biz_000001/ledger';
const POST_PATH = '/v0/business/biz_000001/journal-entry';
const dataOf = map(({ data }) => data);

/** Applies decorators as the compiler would, without a compiler. */
function decorate(Class, classDecorators, methodDecorators) {
  const { prototype } = Class;
  for (const [method, decorators] of Object.entries(methodDecorators)) {
    Reflect.decorate(decorators, prototype, method, Object.getOwnPropertyDescriptor(prototype, method));
    Param('businessId')(prototype, method, 0);
  }
  Body()(prototype, 'create', 1);
  Reflect.decorate(classDecorators, Class);
  return Class;
}

class PassThrough {
  intercept(_context, next) {
    return next.handle();
  }
}

const storage = new AsyncLocalStorage();

/** Opens a context, as which any scope of a handler has to reach the calls that it makes. */
class InContext {
  intercept(_context, next) {
    return new Observable((subscriber) => storage.run({}, () => next.handle().subscribe(subscriber)));
  }
}

async function withPlainHttp(Interceptor) {
  const http = plainHttpService(url, await someToken({ tokenUrl: `${url}/v0/auth/token` }, 'biz_000001'));
  class LedgersController {
    list() {
      return http.get(PATH).pipe(dataOf);
    }

    create(_businessId, entry) {
      return http.post(POST_PATH, entry).pipe(dataOf);
    }
  }
  return {
    controller: decorate(LedgersController, [Controller('businesses/:businessId/ledgers')], {
      list: [UseInterceptors(Interceptor), Get()],
      create: [UseInterceptors(Interceptor), Post()],
    }),
    imports: [],
  };
}

const moduleOfLibrary = () =>
  library.AssetAuthModule.forRoot(optionsFor({ url }, { http: { httpAgent: keepAliveAgent() } }));

/** As `pass-through`, by views of the library's service. */
function withViews() {
  const { AssetHttpService } = library;
  class LedgersController {
    constructor(http) {
      this.http = http;
    }

    list(businessId) {
      return this.http.forBusiness(businessId).withScope('ledger:read').get(PATH).pipe(dataOf);
    }

    create(businessId, entry) {
      const http = this.http.forBusiness(businessId).withScope('journal-entry:write');
      return http.post(POST_PATH, entry).pipe(dataOf);
    }
  }
  Reflect.defineMetadata('design:paramtypes', [AssetHttpService], LedgersController);
  return {
    controller: decorate(LedgersController, [Controller('businesses/:businessId/ledgers')], {
      list: [UseInterceptors(PassThrough), Get()],
      create: [UseInterceptors(PassThrough), Post()],
    }),
    imports: [moduleOfLibrary()],
  };
}

function withDecorators() {
  const { AssetBusiness, AssetHttpService, AssetScope } = library;
  class LedgersController {
    constructor(http) {
      this.http = http;
    }

    list() {
      return this.http.get(PATH).pipe(dataOf);
    }

    create(_businessId, entry) {
      return this.http.post(POST_PATH, entry).pipe(dataOf);
    }
  }
  Reflect.defineMetadata('design:paramtypes', [AssetHttpService], LedgersController);
  return {
    controller: decorate(
      LedgersController,
      [Controller('businesses/:businessId/ledgers'), AssetBusiness('businessId')],
      {
        list: [AssetScope('ledger:read'), Get()],
        create: [AssetScope('journal-entry:write'), Post()],
      },
    ),
    imports: [moduleOfLibrary()],
  };
}

const { controller, imports } = await {
  'pass-through': () => withPlainHttp(PassThrough),
  'in-context': () => withPlainHttp(InContext),
  views: withViews,
  decorators: withDecorators,
}[variant]();

class ApplicationModule {}
Module({ imports, controllers: [controller] })(ApplicationModule);

async function adapter() {
  if (platform === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

const app = await NestFactory.create(ApplicationModule, await adapter(), { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address();

let cpu = process.cpuUsage();
answerParent(
  {
    /** Microseconds of CPU since the last time. */
    cpu() {
      const { user, system } = process.cpuUsage(cpu);
      cpu = process.cpuUsage();
      return user + system;
    },
  },
  `http://127.0.0.1:${port}/businesses/biz_000001/ledgers`,
);
