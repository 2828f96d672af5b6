/**
 * Where a command's words go: data to stdout, everything else to stderr. Piped output carries no
 * decoration, and a reader that closes its end early (`| head`) is no error.
 */
import { Clock, Context, Effect } from "effect"

/** Lines of text stay readable: never wider than this, however wide the terminal is. */
const columnsMax = 100
const columnsDefault = 80
const columnsMin = 40
/** On a terminal a progress line is drawn at most this often; in a pipe a line is written this often. */
const drawEveryMillis = 100
const lineEveryMillis = 5_000
/** Rates of the first moments mean nothing. */
const rateAfterMillis = 1_000

export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly accent: (text: string) => string
  readonly wrong: (text: string) => string
}

/** What `Output` needs of `process.stdout` and `process.stderr`. */
export interface Pipe {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): boolean
  once(event: "drain" | "close" | "error", listener: () => void): unknown
}

export interface ProgressLine {
  /** `total` 0: unknown. */
  readonly step: (done: number, total: number, note?: string) => void
  readonly end: () => void
}

export class Output extends Context.Service<Output, {
  readonly columns: number
  readonly paint: Paint
  /** Is a person looking at stdout? */
  readonly interactive: boolean
  /** To stdout; waits while a pipe is full. */
  data(text: string): Effect.Effect<void>
  /** One line to stderr. */
  log(line: string): Effect.Effect<void>
  /** A line on stderr about long work: how far, how fast, how long still. */
  progress(what: string, unit: "bytes" | "events"): ProgressLine
  /** The exit code where the command itself succeeded but has something to say. */
  exit(code: number): Effect.Effect<void>
  /** What an interrupt means for this command: its exit code and a last word. */
  onInterrupt(code: number | undefined, word?: () => string): Effect.Effect<void>
}>()("cli/Output") {}

/** What the entry point reads at the end. */
export interface Outcome {
  exit: number
  interrupted: number | undefined
  lastWord: (() => string) | undefined
}

const escapes = (on: boolean) => (code: string) => (text: string) =>
  on ? `\u001b[${code}m${text}\u001b[0m` : text

/** Control characters of strangers (names, subjects) never reach a terminal. */
export const plain = (text: string): string =>
  // deno-lint-ignore no-control-regex -- these are what it is about
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ")

export const oneLine = (text: string): string => plain(text).replace(/\s+/g, " ").trim()

export const cut = (text: string, width: number): string =>
  [...text].length <= width ? text : `${[...text].slice(0, Math.max(0, width - 1)).join("")}…`

/** Cut after the last word that fits, without what joined it to the next. */
export const cutAtWord = (text: string, width: number): string => {
  const shorter = cut(text, width)
  if (shorter === text) return text
  const end = shorter.lastIndexOf(" ")
  if (end < width / 2) return shorter
  return `${shorter.slice(0, end).replace(/[\s,;:·“–-]+$/u, "")}…`
}

/** Breaks at spaces. `indent` starts every line but the first, which follows something just as wide. */
export const wrap = (text: string, width: number, indent: string): string => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    const room = width - indent.length
    if (line !== "" && [...line].length + 1 + [...word].length > room) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.join(`\n${indent}`)
}

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`

export const bytes = (n: number): string => {
  const units = ["B", "kB", "MB", "GB"]
  let at = 0
  while (n >= 1000 && at < units.length - 1) {
    n /= 1000
    at++
  }
  return `${n >= 100 || at === 0 ? Math.round(n) : n.toFixed(1)} ${units[at]}`
}

/** `6 days`, `3 h`, `45 s`: the largest unit alone. */
export const span = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1000))
  if (seconds < 90) return `${seconds} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`
  return count(Math.round(seconds / 86_400), "day")
}

/** Columns that line up, without a border. The last column is cut to the width. */
export const table = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  columns: number,
  fit: boolean,
): string => {
  const widths: Array<number> = []
  for (const row of rows) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, [...cell].length))
  }
  return rows.map((row) => {
    const line = row.map((cell, i) =>
      i === row.length - 1 ? cell : cell + " ".repeat(widths[i]! - [...cell].length)
    ).join("  ").trimEnd()
    return fit ? cut(line, columns) : line
  }).join("\n") + (rows.length === 0 ? "" : "\n")
}

export const make = (
  stdout: Pipe,
  stderr: Pipe,
  env: { readonly [name: string]: string | undefined },
  clock: Clock.Clock,
): { readonly output: Output["Service"]; readonly outcome: Outcome } => {
  const outcome: Outcome = { exit: 0, interrupted: undefined, lastWord: undefined }
  const interactive = stdout.isTTY === true
  const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0"
  const colour = !env["NO_COLOR"] && env["TERM"] !== "dumb" && (interactive || forced)
  const escape = escapes(colour)
  const wide = Number(env["COLUMNS"]) || stdout.columns || columnsDefault
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

  const progress = (what: string, unit: "bytes" | "events"): ProgressLine => {
    let started = now()
    let begun = 0
    let before = 0
    let last = started - (stderr.isTTY === true ? drawEveryMillis : 0)
    let drawn = false
    const amount = (n: number) => unit === "bytes" ? bytes(n) : n.toLocaleString("en-US")
    return {
      step: (done, total, note) => {
        const at = now()
        // It counts from the beginning again: another part of the work, with a pace of its own.
        if (done < before) [started, begun] = [at, done]
        before = done
        if (at - last < (stderr.isTTY === true ? drawEveryMillis : lineEveryMillis)) return
        last = at
        const elapsed = at - started
        const rate = (done - begun) / Math.max(1, elapsed) * 1000
        const parts = [
          total > 0
            ? `${Math.min(100, Math.floor(done / total * 100))} % of ${amount(total)}`
            : amount(done),
          ...(note === undefined ? [] : [note]),
          ...(elapsed < rateAfterMillis ? [] : [`${amount(Math.round(rate))}/s`]),
          ...(elapsed < rateAfterMillis || total <= done || rate === 0
            ? []
            : [`${span((total - done) / rate * 1000)} left`]),
        ]
        const line = `${what}: ${parts.join(", ")}`
        if (stderr.isTTY === true) {
          stderr.write(`\r\u001b[2K${cut(line, (stderr.columns ?? columnsDefault) - 1)}`)
          drawn = true
        } else stderr.write(`${line}\n`)
      },
      end: () => {
        if (drawn) stderr.write("\r\u001b[2K")
        drawn = false
      },
    }
  }

  return {
    outcome,
    output: Output.of({
      columns: Math.max(columnsMin, Math.min(columnsMax, wide)),
      interactive,
      paint: {
        bold: escape("1"),
        dim: escape("2"),
        accent: escape("36"),
        wrong: escape("31"),
      },
      data: (text) =>
        Effect.callback<void>((resume) => {
          if (stdout.write(text)) resume(Effect.void)
          else stdout.once("drain", () => resume(Effect.void))
        }),
      log: (line) =>
        Effect.sync(() => {
          stderr.write(`${line}\n`)
        }),
      progress,
      exit: (code) =>
        Effect.sync(() => {
          outcome.exit = Math.max(outcome.exit, code)
        }),
      onInterrupt: (code, word) =>
        Effect.sync(() => {
          outcome.interrupted = code
          outcome.lastWord = word
        }),
    }),
  }
}
