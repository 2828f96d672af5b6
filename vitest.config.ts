/**
 * One configuration for every suite: real services need real time, and Deno needs forked workers. With
 * AIOS_TEST_LOG=door the suite is every test that takes its log from `test/log-over-door.ts`, and the
 * log is then reached through the event store's protocol.
 */
import { globSync, readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { dirname, join, normalize } from "node:path"
import process from "node:process"
import { defineConfig } from "vitest/config"

const switched = normalize("test/log-over-door.ts")

/** Whether a file of the tests imports the switch, or imports one that does. */
const takesLog = (file: string, seen: Set<string>): boolean => {
  if (file === switched) return true
  if (seen.has(file) || !file.startsWith("test")) return false
  seen.add(file)
  // A test that takes only types from another starts it as a process, which opens the log of a directory.
  const code = readFileSync(file, "utf8").replace(/^import type [^"]*"[^"]*"$/gm, "")
  const imports = code.matchAll(/\bfrom "(\.[^"]+\.ts)"/g)
  return [...imports].some(([, name]) => takesLog(join(dirname(file), name!), seen))
}

export default defineConfig({
  test: {
    pool: "forks",
    // Most tests wait for processes: one worker less than there are processors, the default, leaves them idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 240_000,
    hookTimeout: 60_000,
    include: process.env["AIOS_TEST_LOG"] === "door"
      ? globSync("test/**/*.test.ts").filter((file) => takesLog(normalize(file), new Set()))
      : ["test/**/*.test.ts"],
  },
})
