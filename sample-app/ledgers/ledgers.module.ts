import { Module } from '@nestjs/common';
import { LedgersController } from './ledgers.controller.js';

@Module({ controllers: [LedgersController] })
export class LedgersModule {}
