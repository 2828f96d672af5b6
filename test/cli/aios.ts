/** Runs the launcher as a user does, in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const underDeno = process.versions["deno"] !== undefined

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The suite under Deno tries Deno, the suite under Node tries Node. */
const environment = (more: Record<string, string | undefined>) => {
  const env: Record<string, string | undefined> = {
    ...process.env,
    AIOS_RUNTIME: underDeno ? "deno" : "node",
    NO_COLOR: "1",
    // Any free port: suites run side by side.
    AIOS_PORT: "0",
    ...more,
  }
  for (const name of ["AIOS_DATA_DIR", "COLUMNS", "FORCE_COLOR", "npm_package_json"]) {
    if (!(name in more)) delete env[name]
  }
  return env
}

export const start = (
  args: ReadonlyArray<string>,
  options: { readonly env?: Record<string, string | undefined>; readonly cwd?: string } = {},
): ChildProcess =>
  spawn(underDeno ? "node" : process.execPath, [join(root, "bin/aios"), ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: environment(options.env ?? {}),
    stdio: ["ignore", "pipe", "pipe"],
  })

export const ended = (child: ChildProcess): Promise<Ran> =>
  new Promise((resolve) => {
    let out = ""
    let err = ""
    child.stdout?.setEncoding("utf8").on("data", (text) => out += text)
    child.stderr?.setEncoding("utf8").on("data", (text) => err += text)
    child.on("close", (code) => resolve({ code, out, err }))
  })

export const run = (
  args: ReadonlyArray<string>,
  options: { readonly env?: Record<string, string | undefined>; readonly cwd?: string } = {},
): Promise<Ran> => ended(start(args, options))

/** Waits until a process has written `text` to stderr. */
export const says = (child: ChildProcess, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let all = ""
    child.stderr?.setEncoding("utf8").on("data", (chunk) => {
      all += chunk
      if (all.includes(text)) resolve()
    })
    child.on("close", () => reject(new Error(`It ended before it said ${text}:\n${all}`)))
  })

export interface Home {
  readonly dir: string
  readonly aios: (...args: Array<string>) => Promise<Ran>
  readonly json: (...args: Array<string>) => Promise<unknown>
  readonly remove: () => void
}

/** A data directory, and `aios` on it at a fixed time. */
export const home = (
  now = "2026-11-24T07:00:00Z",
  more: { readonly [name: string]: string } = {},
): Home => {
  const dir = mkdtempSync(join(tmpdir(), "aios-cli-"))
  const env = { AIOS_NOW: now, ...more }
  const aios = (...args: Array<string>) => run([...args, "--data-dir", join(dir, "data")], { env })
  return {
    dir: join(dir, "data"),
    aios,
    json: async (...args) => {
      const { code, err, out } = await aios(...args, "--json")
      if (code !== 0) throw new Error(`aios ${args.join(" ")} ended with ${code}:\n${err}${out}`)
      return JSON.parse(out)
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}

export const founder = [
  "--name",
  "Mara Lindqvist",
  "--address",
  "mara@northlight.example",
  "--signature",
  "Mara",
  "--time-zone",
  "Europe/Berlin",
  "--currency",
  "EUR",
]
