/**
 * A command as a process: signals, the reader of its output going away, its launcher being killed, and
 * its exit code. It always ends the process itself, whatever is still open.
 */
import { Clock, Effect, Exit, Logger } from "effect"
import process from "node:process"
import { type Ending, endingOf, exitCode } from "./exit-codes.ts"
import { make, Output } from "./output.ts"

/** From the first signal on: what is not closed by then is ended. */
const closeMillisMax = 12_000
/** A terminal's Ctrl-C comes twice, from the terminal and from the launcher: one signal. */
const sameSignalMillis = 500
/** A launcher that was killed takes AIOS with it after so long. */
const launcherPollMillis = 1_000

/** Short lines on stderr. */
const logLines = (log: (line: string) => void) =>
  Logger.layer([
    Logger.make(({ date, logLevel, message }) => {
      const text = (Array.isArray(message) ? message : [message]).map(String).join(" ")
      log(
        `${date.toISOString().slice(11, 19)} ${logLevel === "Info" ? "" : `${logLevel}: `}${text}`,
      )
    }),
  ])

const flushed = (stream: NodeJS.WriteStream) =>
  new Promise<void>((done) => {
    stream.once("error", () => done())
    stream.write("", () => done())
  })

/** Runs a command to its end, and ends the process with its exit code. */
export const runProcess = async (
  words: ReadonlyArray<string>,
  program: Effect.Effect<void, unknown, Output>,
): Promise<never> => {
  const real = Effect.runSync(Clock.clockWith(Effect.succeed))
  const { outcome, output } = make(process.stdout, process.stderr, process.env, real)
  const json = words.includes("--json")
  const say = (line: string) => {
    if (line !== "") process.stderr.write(`${line}\n`)
  }
  const complain = ({ detail, error, message }: Ending) => {
    if (message === "") return
    say(
      json
        ? JSON.stringify({ error: { error, message, ...(detail === undefined ? {} : { detail }) } })
        : `aios: ${message}`,
    )
  }

  const running = program.pipe(
    Effect.provideService(Output, output),
    Effect.provide(logLines(say)),
  )

  let signalled: { readonly name: "SIGINT" | "SIGTERM" | "SIGHUP"; readonly at: number } | undefined
  let readerLeft = false
  const fiber = Effect.runFork(running)
  const stop = () => {
    fiber.interruptUnsafe()
    setTimeout(() => process.exit(exitCode.failed), closeMillisMax).unref()
  }
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      const now = performance.now()
      if (signalled !== undefined) {
        // Whoever asks twice means it: what was acknowledged is safe.
        if (now - signalled.at > sameSignalMillis) process.exit(exitCode[name])
        return
      }
      signalled = { name, at: now }
      stop()
    })
  }
  // `| head`: the reader has seen enough.
  process.stdout.on("error", () => {
    readerLeft = true
    stop()
  })
  process.stderr.on("error", () => {})
  const launcher = Number(process.env["AIOS_LAUNCHER"])
  setInterval(() => {
    if (launcher > 0 && process.ppid !== launcher && signalled === undefined) {
      signalled = { name: "SIGHUP", at: performance.now() }
      stop()
    }
  }, launcherPollMillis).unref()

  const exit = await new Promise<Exit.Exit<void, unknown>>((done) => {
    fiber.addObserver(done)
  })
  let code: number = outcome.exit
  if (readerLeft) code = exitCode.ok
  else if (signalled !== undefined) {
    code = outcome.interrupted ?? exitCode[signalled.name]
    say(outcome.lastWord?.() ?? "")
  } else if (Exit.isFailure(exit)) {
    const ending = endingOf(exit.cause)
    complain(ending)
    code = ending.code
  }
  if (!readerLeft) await flushed(process.stdout)
  return process.exit(code)
}
