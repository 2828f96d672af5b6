/**
 * Starts files of this repository in processes of their own, under the runtimes at hand: the one that
 * runs the tests, and, where `OTHER_NODE` names the binary of Node 24, or `deno` is installed, the other.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { createRequire } from "node:module"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

export interface Runtime {
  readonly name: string
  readonly command: string
  readonly arguments: ReadonlyArray<string>
}

const denoBinary = (): string | undefined => {
  if (process.versions["deno"] !== undefined) return process.execPath
  const require = createRequire(join(root, "package.json"))
  for (const name of [`@deno/${process.platform}-${process.arch}-glibc`]) {
    try {
      const file = join(dirname(require.resolve(`${name}/package.json`)), "deno")
      if (existsSync(file)) return file
    } catch {
      // Not installed for this platform.
    }
  }
  return undefined
}

const nodeBinary = (): string | undefined => {
  if (process.versions["deno"] === undefined) return process.execPath
  for (const command of [process.env["OTHER_NODE"], "node"]) {
    if (command === undefined) continue
    try {
      const version = execFileSync(command, ["--version"], { encoding: "utf8" })
      if (Number(/^v(\d+)/.exec(version)?.[1]) >= 24) return command
    } catch {
      // Not there.
    }
  }
  return undefined
}

const deno = denoBinary()
const node = nodeBinary()
export const runtimes: ReadonlyArray<Runtime> = [
  ...(deno === undefined ? [] : [{ name: "Deno", command: deno, arguments: ["run", "-A"] }]),
  ...(node === undefined ? [] : [{ name: "Node", command: node, arguments: [] }]),
]
if (runtimes.length < 2) {
  console.info(
    `only ${runtimes.map((one) => one.name)} here: set OTHER_NODE to a Node 24 binary to test both`,
  )
}

export interface Child {
  readonly process: ChildProcess
  readonly lines: ReadonlyArray<string>
  /** The first line that starts so; rejects when the process ends before. */
  line(start: string): Promise<string>
  readonly ended: Promise<void>
}

export const start = (runtime: Runtime, file: string, ...given: ReadonlyArray<string>): Child => {
  const path = join(root, file)
  const child = spawn(runtime.command, [...runtime.arguments, path, ...given], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  })
  // Not inherited: a process that outlived its test would hold the runner's own, and the runner would never end.
  child.stderr.on("data", (said: Buffer) => process.stderr.write(said))
  const lines: Array<string> = []
  const waiting = new Set<() => void>()
  const tellAll = () => waiting.forEach((tell) => tell())
  const reader = createInterface({ input: child.stdout })
  reader.on("line", (line) => {
    lines.push(line)
    tellAll()
  })
  let over = false
  const ended = new Promise<void>((resolve) => reader.once("close", resolve)).then(() => {
    over = true
    tellAll()
  })
  const line = (start: string) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = lines.find((one) => one.startsWith(start))
        if (found === undefined && !over) return
        waiting.delete(look)
        if (found !== undefined) resolve(found)
        else reject(new Error(`The process ended without "${start}": ${lines.join(" / ")}`))
      }
      waiting.add(look)
      look()
    })
  return { process: child, lines, line, ended }
}
