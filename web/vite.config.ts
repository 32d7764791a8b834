import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `cargo xtask web` serves the client, and with it the API and the settings. */
const localStack = process.env.WEB_URL ?? 'http://127.0.0.1:8088';

const proxied = ['/v1', '/health', '/cognito', '/config.json'];

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // Names carry a hash of what is in them, so a CDN may keep them for a year.
    assetsDir: 'assets',
    // An inlined asset would be a `data:` address, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
  },
  server: {
    proxy: Object.fromEntries(proxied.map((path) => [path, { target: localStack }])),
  },
  // Amazon's client of Cognito is written for Node too, and asks for `global`.
  define: { global: 'globalThis' },
  test: { include: ['src/**/*.test.ts'] },
});
