/**
 * The shape of the codebase as the house style draws it: who may import what, what folders may name, how
 * a file opens and how long it may be, and that no registry forgot a file. What breaks a rule is listed
 * with its file and line.
 */
import { readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join, normalize } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))
const folders = ["machines", "actors", "projections", "adapters", "http", "cli", "bench", "test"]

/** Lines a file may have; tests may have more. */
const linesMax = 400
const linesMaxOf: Readonly<Record<string, number>> = {
  // A line or two for each part there is.
  "main.ts": 590,
  "actors/kernel.ts": 1240,
  "actors/engine.ts": 1220,
  "actors/activities/runner.ts": 770,
  // Shapes of every operation, and nothing else.
  "projections/aios.ts": 570,
  "projections/aios-wire.ts": 460,
}

/** Folders and packages a folder may import. `node:` stands for all of Node. */
const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
  machines: ["machines", "effect", "xstate"],
  actors: [
    "machines",
    "actors",
    "effect",
    "effect/encoding/Base64",
    "effect/persistence",
    "xstate",
    "@noble/hashes/sha2.js",
    "@noble/hashes/utils.js",
  ],
  projections: ["machines", "actors", "projections", "effect"],
  adapters: [
    "machines",
    "actors",
    "projections",
    "adapters",
    "effect",
    "effect/http",
    "effect/observability",
    "node:",
    "@eventstore/db-client",
    "chromadb",
    "csv-parse/sync",
    "feedsmith",
    "ical.js",
    "mailparser",
    "nodemailer",
    "ollama",
    "tar",
    "yaml",
  ],
  http: [
    "machines",
    "actors",
    "projections",
    "http",
    "effect",
    "node:",
    "@eventstore/db-client/generated/",
    "@grpc/grpc-js",
    "@peculiar/x509",
    "reflect-metadata",
    "google-protobuf/google/protobuf/",
    "hono",
    "@hono/node-server",
  ],
  cli: [
    "machines",
    "actors",
    "projections",
    "cli",
    "effect",
    "effect/cli",
    "effect/process",
    "node:",
  ],
  "main.ts": [
    "machines",
    "actors",
    "projections",
    "adapters",
    "http",
    "cli",
    "effect",
    "node:",
  ],
}

/** Modules of a package that change without notice: one file each knows them. */
const onlyIn: Readonly<Record<string, string>> = {
  "@peculiar/x509": "http/log-door/certificates.ts",
  "effect/persistence": "actors/activities/breakers.ts",
  "effect/encoding/Base64": "actors/foreign-events.ts",
  "effect/http": "adapters/telemetry-otlp.ts",
  "effect/observability": "adapters/telemetry-otlp.ts",
}

interface File {
  readonly path: string
  readonly text: string
  /** Without comments and with empty texts; same lines. */
  readonly code: string
}

const blank = (text: string) => text.replace(/[^\n]/g, " ")
/** Comments blanked out. A `//` inside a text, as in an address, is none. */
const withoutComments = (text: string) =>
  text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/(^|\s)\/\/.*$/gm, blank)
const withoutTexts = (code: string) =>
  code.replace(/"(?:[^"\\\n]|\\.)*"/g, (text) => `"${blank(text.slice(2))}"`)

const filesOf = (folder: string): ReadonlyArray<File> =>
  readdirSync(join(root, folder), { recursive: true }).map(String)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => fileOf(`${folder}/${name.replaceAll("\\", "/")}`))
const fileOf = (path: string): File => {
  const text = readFileSync(join(root, path), "utf8")
  return { path, text, code: withoutTexts(withoutComments(text)) }
}

const files = [...folders.flatMap(filesOf), fileOf("main.ts")]
const topOf = (path: string) => path.split("/")[0]!
const isTest = ({ path }: File) => topOf(path) === "test"
const sources = files.filter((file) => !isTest(file))

const importsOf = ({ text }: File): ReadonlyArray<string> =>
  [...withoutComments(text).matchAll(/^(?:import|export)\b[^"]*?\bfrom "([^"]+)"/gm)].map((found) =>
    found[1]!
  ).concat(
    [...withoutComments(text).matchAll(/\bimport\(\s*"([^"]+)"/g)].map((found) => found[1]!),
    [...withoutComments(text).matchAll(/^import "([^"]+)"/gm)].map((found) => found[1]!),
  )

/** The file of ours, or the package, that an import names. */
const targetOf = (file: File, name: string) =>
  name.startsWith(".") ? normalize(join(dirname(file.path), name)).replaceAll("\\", "/") : name

/** Where `pattern` stands in the code, as `file:line: text`. */
const found = (among: ReadonlyArray<File>, pattern: RegExp, of: "code" | "text" = "code") =>
  among.flatMap((file) => {
    const lines = file.text.split("\n")
    return file[of].split("\n").flatMap((line, n) =>
      pattern.test(line) ? [`${file.path}:${n + 1}: ${lines[n]?.trim()}`] : []
    )
  })

describe("layout", () => {
  it("sees the code", () => {
    expect(files.length).toBeGreaterThan(100)
    const imports = sources.flatMap(importsOf)
    expect(imports.length).toBeGreaterThan(300)
    expect(imports).toContain("./adapters/records-files.ts")
  })

  it("folders import only what lies below them, and their own packages", () => {
    const wrong = sources.flatMap((file) => {
      const rules = allowed[topOf(file.path)]
      if (rules === undefined) return []
      return importsOf(file).filter((name) => {
        const target = targetOf(file, name)
        const folder = name.startsWith(".") ? topOf(target) : target
        // A rule that ends in a colon or a slash allows all that begins so.
        const within = (rule: string) => /[:/]$/.test(rule) && target.startsWith(rule)
        return !(rules.includes(folder) || rules.some(within))
      }).map((name) => `${file.path} imports ${name}`)
    })
    expect(wrong).toEqual([])
  })

  it("unstable modules stay behind one file each", () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file).filter((name) => (onlyIn[name] ?? file.path) !== file.path)
        .map((name) => `${file.path} imports ${name}`)
    )
    expect(wrong).toEqual([])
  })

  it("nothing but tests and benches imports tests and benches", () => {
    const wrong = sources.filter((file) => topOf(file.path) !== "bench").flatMap((file) =>
      importsOf(file).filter((name) => /^(test|bench)\//.test(targetOf(file, name)))
        .map((name) => `${file.path} imports ${name}`)
    )
    expect(wrong).toEqual([])
  })

  it("imports name their file's ending", () => {
    const wrong = files.flatMap((file) =>
      importsOf(file).filter((name) => name.startsWith(".") && !/\.(ts|mjs|json)$/.test(name))
        .map((name) => `${file.path} imports ${name}`)
    )
    expect(wrong).toEqual([])
  })

  it("charts and read models name no dice, console or process", () => {
    const pure = files.filter(({ path }) => ["machines", "projections"].includes(topOf(path)))
    const impure =
      /\b(Math\.random|performance|console|process\.|globalThis|setTimeout|setInterval|setImmediate|fetch\(|crypto\.|localStorage|import\()/
    expect(found(pure, impure)).toEqual([])
  })

  it("charts and read models ask no clock but the one they are given", () => {
    // In a chart `Date.now()` is the actor's clock, and Effect's Clock is whatever it was built with.
    expect(found(filesOf("machines"), /\b(Clock\b|new Date\(\)|Temporal\b|Intl\b)/)).toEqual([])
    expect(found(filesOf("projections"), /\b(Date\.now|new Date\(\)|Temporal\.Now)/)).toEqual([])
  })

  it("only the kernel touches the insides of XState", () => {
    const insides = /(?<![\w.])_nodes\b|\._nodes\b|\.idMap\b|restoreSnapshot|getInitialSnapshot/
    const others = sources.filter(({ path }) => path !== "actors/kernel.ts")
    expect(found(others, insides)).toEqual([])
  })

  it("no code is for one runtime only", () => {
    expect(found(files, /\bDeno\s*\./)).toEqual([])
  })

  it("no default exports but of configuration", () => {
    expect(
      found(files, /^export default\b/).filter((place) =>
        // A chart as users write it, inside a text.
        !place.startsWith("test/actors/chart-source.test.ts")
      ),
    ).toEqual([])
  })

  it("no enums, namespaces or parameter properties: types can be erased", () => {
    expect(found(files, /^(export )?(const )?(enum|namespace) \w|constructor\((private|readonly)/))
      .toEqual([])
  })

  it("no traces of the machine it was written on", () => {
    expect(
      found(
        files.filter(({ path }) => path !== "test/layout.test.ts"),
        /\/(work|root|home\/\w+)\//,
        "text",
      ),
    )
      .toEqual([])
  })

  it("every file opens by saying what it is for", () => {
    const wrong = files.filter(({ text }) => {
      const comment = /^\/\*\*([\s\S]*?)\*\//.exec(text)?.[1]
      return comment === undefined || comment.replace(/^\s*\*/gm, "").trim().length < 40
    })
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  it("no file is longer than one can keep in mind", () => {
    const wrong = sources.flatMap(({ path, text }) => {
      const lines = text.split("\n").length - 1
      return lines > (linesMaxOf[path] ?? linesMax) ? [`${path}: ${lines} lines`] : []
    })
    expect(wrong).toEqual([])
  })

  it("names of files are lower case with hyphens", () => {
    expect(
      files.map(({ path }) => path).filter((path) =>
        !/^[a-z0-9-]+(\.test)?\.ts$/.test(basename(path))
      ),
    ).toEqual([])
  })

  it("adapters stand under `<port>-<technology>` of a port, or beside them", () => {
    const adapters = filesOf("adapters").filter(({ code }) => /^export const layer\b/m.test(code))
    expect(adapters.length).toBeGreaterThan(8)
    expect(adapters.map(({ path }) => path).filter((path) => !path.includes("-"))).toEqual([])
  })
})

describe("registries", () => {
  const registered = (registry: string) =>
    importsOf(fileOf(registry)).map((name) => targetOf(fileOf(registry), name))
  const defining = (folder: string, pattern: RegExp) =>
    filesOf(folder).filter(({ code, path }) => pattern.test(code) && basename(path) !== "mod.ts")
      .map(({ path }) => path)

  it.each([
    ["machines", /^export const \w+ = define(Agent|Journal)\(/m, 6],
    ["actors/activities", /^export const \w+ = implement\(/m, 2],
    ["projections", /^export const \w+(: Projection)? = defineProjection\(/m, 6],
  ])("%s/mod.ts has every one", (folder, pattern, least) => {
    const all = defining(folder, pattern)
    expect(all.length).toBeGreaterThanOrEqual(least)
    expect(all.filter((path) => !registered(`${folder}/mod.ts`).includes(path))).toEqual([])
  })
})
