import { defineConfig } from 'vitest/config'

/** expect.poll gives up after a second by itself, which a machine may stand still. */
const PATIENT = { timeout: 15_000 }

/** `unit` needs no server and runs in seconds; `interop` starts real peers on loopback. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/interop/**'],
          testTimeout: 60_000,
          expect: { poll: PATIENT },
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          globalSetup: ['test/support/build.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          expect: { poll: PATIENT },
          maxWorkers: 1,
        },
      },
    ],
  },
})
