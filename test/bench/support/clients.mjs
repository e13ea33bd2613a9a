import { Agent } from 'node:http';
import { HttpService } from '@nestjs/axios';
import axios from 'axios';

/** The same for everybody, and the same as the library's own. */
export const keepAliveAgent = () => new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5000 });

/** What the library is compared with: Nest's own HTTP service, with a token that never changes. */
export const plainHttpService = (baseURL, token) =>
  new HttpService(
    axios.create({ baseURL, httpAgent: keepAliveAgent(), headers: { Authorization: `Bearer ${token}` } }),
  );

/** A token of the same length as the library's. */
export async function someToken({ tokenUrl }, businessId) {
  const body = new URLSearchParams({ scope: 'ledger:read', business_id: businessId });
  const response = await fetch(tokenUrl, { method: 'POST', body });
  return (await response.json()).access_token;
}
