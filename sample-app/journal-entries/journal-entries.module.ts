import { Module } from '@nestjs/common';
import { JournalEntriesController } from './journal-entries.controller.js';

@Module({ controllers: [JournalEntriesController] })
export class JournalEntriesModule {}
