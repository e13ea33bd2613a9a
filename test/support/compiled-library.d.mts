/** The folder of the compiled index.js. It is compiled anew when a source has changed. */
export function compiledLibrary(): Promise<URL>;
