// After `vite build`: the SDK files that the server hands out, where their script is there, and the sizes.
import { existsSync } from 'node:fs';

const sdk = new URL('./sdk.mjs', import.meta.url);
if (existsSync(sdk)) await import(sdk.href);
await import('./licenses.mjs');
await import('./sizes.mjs');
