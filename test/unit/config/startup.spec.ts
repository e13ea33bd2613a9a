import { configOf, plain, problemsOf, SECRET } from './options.fixture.js';

const businessId = 'biz_GA6EG2qFxA97NZHtxeLPUy';

describe('T110 The option startup', () => {
  it.each([
    [undefined, 'lazy', []],
    ['lazy', 'lazy', []],
    [{ mode: 'lazy' }, 'lazy', []],
    ['warm', 'warm', [{}]],
    [{ mode: 'required' }, 'required', [{}]],
    [{ mode: 'warm', requests: [{ scopes: 'report:read' }] }, 'warm', [{ scopes: 'report:read' }]],
    [
      {
        mode: 'required',
        requests: [
          { businessId, scopes: undefined },
          { scopes: ['a'], businessId: null },
        ],
      },
      'required',
      [
        { businessId, scopes: undefined },
        { scopes: ['a'], businessId: null },
      ],
    ],
  ])('%j is read as mode and requests', (startup, mode, requests) => {
    const config = configOf({ scopes: 'ledger:read', startup });
    expect(config.startup).toBe(mode);
    expect(config.startupRequests).toEqual(requests);
    expect(plain(config)).not.toHaveProperty('startupRequests');
  });

  it.each<readonly [unknown, RegExp]>([
    [[], /must be exactly .*, not a list/],
    [{ mode: 'eager' }, /must be exactly .*, or \{ mode, requests \}/],
    [{ requests: [] }, /or \{ mode, requests \}/],
    [{ mode: 'warm', request: [] }, /without "request"/],
    [{ mode: 'lazy', requests: [{}] }, /'lazy' makes none/],
    [{ mode: 'warm', requests: [] }, /in a list such as/],
    [{ mode: 'warm', requests: { scopes: 'a' } }, /in a list such as/],
    [{ mode: 'warm', requests: ['ledger:read'] }, /request 1 must be an object of .*, not a string/],
    [{ mode: 'warm', requests: [{ scopes: 'a' }, { scope: 'a' }] }, /request 2 .* without "scope"/],
    [{ mode: 'warm', requests: [{ scopes: [] }] }, /the scopes of request 1 cannot be used: an empty list/],
    [{ mode: 'warm', requests: [{ scopes: 'a b' }] }, /the scopes of request 1 .* scope 1 holds a space/],
    [{ mode: 'warm', requests: [{ scopes: 'a', businessId: 'x' }] }, /businessId of request 1 is not/],
    [{ mode: 'warm', requests: [{ scopes: 'a', resource: '/x' }] }, /the resource of request 1 must be/],
    [
      { mode: 'warm', requests: [{ businessId }] },
      /request 1 names no scopes, which undeclaredScopes: 'deny'/,
    ],
    [{ mode: 'warm', requests: [{ scopes: null }] }, /request 1 names no scopes/],
    [{ mode: 'warm' }, /'warm' asks for the default token/],
  ])('%j is refused in words', (startup, words) => {
    expect(problemsOf({ startup }).startup).toMatch(words);
  });

  it('is held against allowedScopes', () => {
    const startup = { mode: 'required', requests: [{ scopes: 'a' }, { scopes: ['a', 'c'] }] };
    expect(problemsOf({ startup, allowedScopes: ['a', 'b'] })).toEqual({
      startup: 'allowedScopes lacks "c" of request 2. Add it there or leave it out here',
    });
    expect(configOf({ startup, allowedScopes: ['a', 'b', 'c'] }).startup).toBe('required');
  });

  it('repeats no secret', () => {
    const startup = { mode: 'warm', requests: [{ scopes: SECRET, businessId: SECRET, resource: SECRET }] };
    expect(JSON.stringify(problemsOf({ startup }))).not.toContain(SECRET);
  });

  it('is copied: what is changed later changes nothing', () => {
    const request = { scopes: 'report:read' };
    const config = configOf({ startup: { mode: 'warm', requests: [request] } });
    request.scopes = 'ledger:read';
    expect(config.startupRequests).toEqual([{ scopes: 'report:read' }]);
  });
});
