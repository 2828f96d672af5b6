/** `compose.yaml` cannot be run here: what of it can be read is checked. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Script } from "node:vm"
import { expect, test } from "vitest"
import { parse } from "yaml"
import { logAddress } from "../../bin/helpers/log-address.mjs"
import { root } from "../cli/aios.ts"

const compose = parse(readFileSync(join(root, "compose.yaml"), "utf8"), { merge: true })
const services: Record<string, Record<string, unknown>> = compose.services

test("publishes on loopback only, keeps data in volumes, and looks after health", () => {
  expect(Object.keys(services).sort()).toEqual([
    "chroma",
    "control",
    "kurrentdb",
    "ollama",
    "worker",
  ])
  for (const [name, service] of Object.entries(services)) {
    for (const port of (service["ports"] ?? []) as ReadonlyArray<string>) {
      expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
    }
    for (const volume of service["volumes"] as ReadonlyArray<string>) {
      const [from] = volume.split(":")
      expect(from === "." || from! in compose.volumes).toBe(true)
    }
    for (const other of Object.keys(service["depends_on"] ?? {})) {
      expect(services).toHaveProperty(other)
    }
    const { test: health } = service["healthcheck"] as { test: ReadonlyArray<unknown> }
    for (const word of health) expect([name, typeof word]).toEqual([name, "string"])
    // A script of its own must at least be one.
    if (health[2] === "-e") expect(new Script(String(health[3]))).toBeDefined()
  }
})

test("starts commands that there are, with variables that the launcher knows", () => {
  const launcher = readFileSync(join(root, "bin/aios"), "utf8")
  for (const name of ["control", "worker"]) {
    const { command, environment } = services[name] as {
      command: ReadonlyArray<string>
      environment: Record<string, string>
    }
    expect(existsSync(join(root, command[1]!))).toBe(true)
    for (const variable of Object.keys(environment)) expect(launcher).toContain(`"${variable}"`)
    expect(logAddress(environment["AIOS_EVENT_LOG"]!)).toMatchObject({
      shown: "esdb://127.0.0.1:2113",
    })
  }
})
