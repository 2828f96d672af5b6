/** One configuration for every suite: real services need real time, and Deno needs forked workers. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 60_000,
    include: ["test/**/*.test.ts"],
  },
})
