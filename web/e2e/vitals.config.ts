import { defineConfig } from 'vitest/config';

/** `npm run vitals`: measures, and asserts nothing. */
export default defineConfig({
  test: {
    include: ['e2e/vitals.measure.ts'],
    hookTimeout: 120_000,
    reporters: [['default', { summary: false }]],
    disableConsoleIntercept: true,
  },
});
