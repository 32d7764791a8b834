import { defineConfig } from 'vitest/config';

/** Browser tests share one stack and one browser at a time. */
export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    fileParallelism: false,
    // Longer than all that one waits for.
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // How long is waited for what comes by itself.
    expect: { poll: { timeout: 30_000 } },
    // A browser, a stack and its models share the machine. What passed at the second attempt only is
    // marked with its retry, and `traces/` keeps what the first one saw. A fault within a page has no
    // second one.
    retry: { count: 1, condition: /^(?!A page has met a fault)/ },
  },
});
