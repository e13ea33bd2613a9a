// One call to the API, then the end of the application; or, with the argument "open", no end.
import { AssetHttpService } from 'nestjs-asset-auth';
import { start } from './application.mjs';

const app = await start({ startup: process.argv[3] ?? 'lazy' });
const { data } = await app.get(AssetHttpService).axiosRef.get('/v0/business');
console.log(`businesses: ${data.data.length}`);
if (process.argv[2] !== 'open') await app.close();
