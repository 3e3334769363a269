import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 30_000,
    // Two cores and sessions of their own in child processes: more workers only wait for each other.
    maxWorkers: 2,
  },
});
