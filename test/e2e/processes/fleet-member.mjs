// One process of a fleet, driven over IPC by fleet.fixture.ts: hosts applications that share their tokens through a store,
// uses their tokens, and tells how it fared. Its wall clock is as many milliseconds off as its argument says.
import { Buffer } from 'node:buffer';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { Redis } from 'ioredis';
import { AssetHttpService, AssetTokenService } from 'nestjs-asset-auth';
import { redisTokenStore } from 'nestjs-asset-auth/store';
import { createClient } from 'redis';
import { start } from '../token/processes/application.mjs';

const machineNow = Date.now.bind(Date);
const offMs = Number(process.argv[2]);
Date.now = () => machineNow() + offMs;

/** An error without a listener would end the process. */
const clients = {
  async ioredis(path, isThere) {
    const client = new Redis({ path });
    client.on('error', () => {});
    if (isThere) await once(client, 'ready');
    return client;
  },
  async redis(path, isThere) {
    const client = createClient({ socket: { path } });
    client.on('error', () => {});
    const connected = client.connect();
    if (isThere) await connected;
    else connected.catch(() => {});
    return client;
  },
};

/** By name. */
const applications = new Map();

/** A secret in a file, as a secret that is mounted: read again each time. */
const withSecret = ({ secretFile, ...options }) =>
  secretFile === undefined ? options : { ...options, clientSecret: () => readFile(secretFile, 'utf8') };

/** Takes down which token was served for which key, and when last, by the machine's own clock. @returns the token's id */
function wasServed({ usage }, key, value) {
  const { jti } = JSON.parse(Buffer.from(value.split('.')[1], 'base64url'));
  usage.served[jti] = { ...usage.served[jti], [key]: machineNow() };
  return jti;
}

async function useOnce(application, key, request, how) {
  const { tokens, usage, used, held } = application;
  usage.uses += 1;
  used.add(key);
  const atHand = how?.forceRefresh ? undefined : tokens.peekAccessToken(request);
  if (atHand === undefined && held.has(key)) usage.blocked += 1;
  try {
    const { value } = atHand ?? (await tokens.getAccessToken(request, how));
    held.add(key);
    return wasServed(application, key, value);
  } catch (error) {
    usage.failed.push(String(error.code ?? error));
  }
}

const commands = {
  async open({ name, client, path, isThere, options }) {
    const store = redisTokenStore(await clients[client](path, isThere));
    const context = await start({ ...withSecret(options), store });
    applications.set(name, {
      context,
      tokens: context.get(AssetTokenService),
      http: context.get(AssetHttpService),
      usage: { uses: 0, blocked: 0, failed: [], served: {} },
      used: new Set(),
      held: new Set(),
      timers: [],
    });
  },
  /** Uses each key again and again, each at moments of its own. */
  use({ name, keys, everyMs }) {
    const application = applications.get(name);
    for (const [key, request] of keys.entries()) {
      const use = () => void useOnce(application, key, request);
      const first = setTimeout(() => {
        use();
        application.timers.push(setInterval(use, everyMs));
      }, randomInt(everyMs));
      application.timers.push(first);
    }
  },
  /** So many callers for each key, all at once. @returns the ids of the tokens that they got */
  ask({ name, keys, callers, how }) {
    const application = applications.get(name);
    const all = [...keys.entries()].flatMap((entry) => Array.from({ length: callers }, () => entry));
    return Promise.all(all.map(([key, request]) => useOnce(application, key, request, how)));
  },
  invalidate({ name }) {
    applications.get(name).tokens.invalidateAll();
  },
  /** One call to the API for each key, all at once. @returns the statuses */
  call({ name, keys }) {
    const { http } = applications.get(name);
    const call = async ({ scopes, businessId }) => {
      const { axiosRef } = http.forBusiness(businessId).withScope(...scopes);
      const { status } = await axiosRef.get(`/v0/business/${businessId}/echo`, { validateStatus: null });
      return status;
    };
    return Promise.all(keys.map(call));
  },
  usage({ name }) {
    const { usage, used, held } = applications.get(name);
    return { ...usage, unserved: used.size - held.size };
  },
  async close({ name }) {
    const { context, timers } = applications.get(name);
    for (const timer of timers) {
      clearTimeout(timer);
      clearInterval(timer);
    }
    await context.close();
  },
};

process.on('message', async ({ id, command, value }) => {
  try {
    process.send({ id, answer: await commands[command](value) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());
process.send({ id: 0 });
