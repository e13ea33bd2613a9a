// Lets a plain Node process import the library from its sources, as they are now: `--import` from-source.mjs.
import { register } from 'node:module';
import { compiledLibrary } from './compiled-library.mjs';

register('./from-source.hooks.mjs', import.meta.url, { data: (await compiledLibrary()).href });
