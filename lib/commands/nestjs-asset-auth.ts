#!/usr/bin/env node
import { start } from './entry.js';

start(process.argv.slice(2));
