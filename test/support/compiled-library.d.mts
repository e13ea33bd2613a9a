/** @returns the folder of index.js, which is compiled once for all processes of a test run */
export function compiledLibrary(): Promise<URL>;
