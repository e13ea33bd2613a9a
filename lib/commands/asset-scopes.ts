#!/usr/bin/env node
// The former name of `nestjs-asset-auth scopes`, for the scripts that call it.
import { startCommand } from './entry.js';

startCommand('scopes', process.argv.slice(2), 'asset-scopes');
