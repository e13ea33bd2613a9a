import { register } from 'node:module';

register('./from-source.hooks.mjs', import.meta.url);
