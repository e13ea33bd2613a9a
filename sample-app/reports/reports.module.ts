import { Module } from '@nestjs/common';
import { AgedPayablesJob } from './aged-payables.job.js';
import { ReportsController } from './reports.controller.js';

@Module({ controllers: [ReportsController], providers: [AgedPayablesJob] })
export class ReportsModule {}
