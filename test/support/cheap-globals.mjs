// Undoes two costs that Jest adds to every test file; jest.config.mjs runs this first.

// Jest sets 100. A herd of failing calls then spends most of its time on stacks that nobody reads.
Error.stackTraceLimit = 10;

// Node computes this list once, but Jest's copy of `process` computes it at each access, and axios reads it per request.
Object.defineProperty(process, 'allowedNodeEnvironmentFlags', { value: process.allowedNodeEnvironmentFlags });
