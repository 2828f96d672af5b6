/**
 * Which files a folder holds for an import, and which of them are there to stay: a file that is still
 * being written is left alone until it rests.
 */
import { lstat, readdir, stat } from "node:fs/promises"
import { watch } from "node:fs"
import { basename, join, relative } from "node:path"
import { Effect } from "effect"
import type { RecordFormat } from "../actors/record-reader.ts"
import { count, oneLine, plain } from "./output.ts"

const filesMax = 100_000
const depthMax = 64
/** Files passed over that a person is shown: those they can do something about, and others. */
const advisedShown = 40
const othersShown = 5

export interface FolderFiles {
  /** Full paths, sorted. */
  readonly files: ReadonlyArray<string>
  /** What was passed over, for people. */
  readonly passedOver: ReadonlyArray<string>
}

/** What people come first: so a message or an invoice finds whose it is. */
const order: Readonly<Record<RecordFormat, number>> = {
  linkedin: 0,
  hubspot: 0,
  salesforce: 0,
  people: 0,
  mbox: 1,
  eml: 1,
  "linkedin messages": 2,
  stripe: 2,
  "invoice lines": 2,
  calendar: 3,
  feed: 4,
  markdown: 5,
}
export const inOrder = <F extends { readonly format: RecordFormat }>(
  files: ReadonlyArray<F>,
): ReadonlyArray<F> => files.toSorted((a, b) => order[a.format] - order[b.format])

/** Whether a path is a folder; what cannot be looked at is none, and its reader will say why. */
export const isFolder = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() => stat(path).then((info) => info.isDirectory(), () => false))

/** All files below a folder. Hidden ones, links and `except` (the data directory) are passed over. */
export const filesIn = (folder: string, except: string): Effect.Effect<FolderFiles> =>
  Effect.promise(async () => {
    const files: Array<string> = []
    const passedOver: Array<string> = []
    const walk = async (at: string, depth: number): Promise<void> => {
      const name = relative(folder, at) || basename(at)
      if (at === except) return void passedOver.push(`${name}: the data directory of AIOS`)
      if (depth > depthMax) {
        return void passedOver.push(`${name}: more than ${depthMax} folders deep`)
      }
      const entries = await readdir(at, { withFileTypes: true }).catch((cause: unknown) => {
        passedOver.push(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`)
        return []
      })
      entries.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
      for (const entry of entries) {
        const path = join(at, entry.name)
        if (entry.name.startsWith(".")) continue
        if (entry.isSymbolicLink()) passedOver.push(`${relative(folder, path)}: a link`)
        else if (entry.isDirectory()) await walk(path, depth + 1)
        else if (entry.isFile() && files.length < filesMax) files.push(path)
        else if (entry.isFile()) return void passedOver.push(`${name}: more than ${filesMax} files`)
      }
    }
    await walk(folder, 0)
    return { files, passedOver }
  })

/** How a file was when it was looked at: another size or date is another file. */
export const stateOf = (path: string): Effect.Effect<string | undefined> =>
  Effect.promise(() =>
    lstat(path).then(
      (info) => info.isFile() ? `${info.size}:${info.mtimeMs}:${info.ino}` : undefined,
      () => undefined,
    )
  )

/** Ends when something below the folder changed, or after `millis`: not every file system tells. */
export const changeIn = (folder: string, millis: number): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    let watcher: ReturnType<typeof watch> | undefined
    const done = () => resume(Effect.void)
    const timer = setTimeout(done, millis)
    try {
      watcher = watch(folder, { recursive: true }, done)
      watcher.on("error", () => watcher?.close())
    } catch {
      // Then the clock alone.
    }
    return Effect.sync(() => {
      clearTimeout(timer)
      watcher?.close()
    })
  })

/** A file of a folder that is none of AIOS's formats. */
export interface Skipped {
  readonly path: string
  readonly reason: string
  /** What it is and what to do with it, where that is known. */
  readonly advice?: string
}

export const skippedLines = (skipped: ReadonlyArray<Skipped>): ReadonlyArray<string> => {
  const advised = skipped.filter((one) => one.advice !== undefined)
  const told = advised.slice(0, advisedShown)
  const others = skipped.filter((one) => !told.includes(one))
  const names = others.slice(0, othersShown).map(({ path }) => oneLine(path)).join(", ")
  const rest = others.length - othersShown
  return [
    ...told.map(({ advice = "", path }) => `Passed over ${oneLine(path)}: it is ${plain(advice)}`),
    ...(others.length === 0 ? [] : [
      `Passed over ${count(others.length, "file")} that AIOS does not read: ${names}${
        rest > 0 ? ` and ${rest} more (--json says why)` : ""
      }`,
    ]),
  ]
}
