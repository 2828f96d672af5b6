/**
 * `aios work`: one more process on a log that several share. It runs activities and nothing else: no timers,
 * no cadence, no page. What it does is told line by line; whoever stops it loses nothing.
 */
import { Clock, Effect, Queue } from "effect"
import { Command, Flag } from "effect/cli"
import type { Happening } from "../actors/activities/job.ts"
import { OperationFailed } from "../projections/aios.ts"
import { Access, Json } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { count, oneLine, Output } from "./output.ts"

type Lane = Happening["lane"]
const all: ReadonlyArray<Lane> = ["interactive", "batch"]

/** What is still to do is said so often, where that has changed. */
const reportEveryMillis = 10_000

/** `batch,interactive`; `none` where that may be. */
export const lanesOf = (
  written: string,
  noneToo: boolean,
): Effect.Effect<ReadonlyArray<Lane>, OperationFailed> => {
  const words = written.split(",").map((word) => word.trim()).filter((word) => word !== "")
  if (noneToo && words.length === 1 && words[0] === "none") return Effect.succeed([])
  const wrong = words.find((word) => !all.some((lane) => lane === word))
  if (words.length > 0 && wrong === undefined) {
    return Effect.succeed(all.filter((lane) => words.includes(lane)))
  }
  return Effect.fail(
    new OperationFailed({
      kind: "usage",
      error: "InvalidValue",
      message:
        `--lanes: ${wrong ?? "nothing"} is no lane. Give ${all.join(", ")}, both with a comma` +
        (noneToo ? ", or none." : "."),
    }),
  )
}

const verbs: Record<Happening["what"], string> = {
  started: "started",
  done: "done",
  failed: "failed",
  skipped: "skipped",
  quarantined: "held back",
  lost: "lost to another",
}

const lineOf = ({ activity, ask, lease, message, what }: Happening) =>
  `${verbs[what].padEnd(9)} ${activity}  ${ask}` +
  (lease === undefined || lease === 1 ? "" : `  (claim ${lease})`) +
  (message === undefined ? "" : `: ${oneLine(message)}`)

const work = Command.make(
  "work",
  {
    lanes: Flag.String("lanes").pipe(
      Flag.withMetavar("<lanes>"),
      Flag.withDescription("What it works on: batch, interactive, or both with a comma"),
      Flag.withDefault("batch"),
    ),
    // Read by the launcher, which gives this process its folder.
    name: Flag.String("name").pipe(
      Flag.withMetavar("<name>"),
      Flag.withDescription(
        "Of this worker, no other running one may have it (else AIOS_WORKER, else the machine's name); " +
          "started again under it, it takes up at once what it had",
      ),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ lanes }) {
    const access = yield* Access
    const output = yield* Output
    const json = yield* Json
    const chosen = yield* lanesOf(lanes, false)
    const told = yield* Queue.unbounded<Happening>()
    yield* output.onInterrupt(
      exitCode.ok,
      () => "The worker stopped: what it had begun is given up or done.",
    )
    const working = yield* access.work({
      lanes: chosen,
      note: (happening) => void Queue.offerUnsafe(told, happening),
    })
    yield* output.log(
      `Worker ${working.name} works on ${
        chosen.join(" and ")
      } (process ${access.process}). Ctrl-C stops it.`,
    )
    let said = ""
    const report = Effect.gen(function* () {
      for (;;) {
        const open = yield* working.remaining
        const left = chosen.map((lane) => open[lane]).reduce((sum, n) => sum + n, 0)
        const text = left === 0 ? "Nothing to do." : `${count(left, "piece")} of work to do.`
        if (text !== said) yield* output.log(text)
        said = text
        yield* Effect.sleep(reportEveryMillis)
      }
    })
    yield* Effect.forkScoped(report)
    for (;;) {
      const happening = yield* Queue.take(told)
      const at = yield* Clock.currentTimeMillis
      yield* output.data(
        json
          ? `${JSON.stringify({ at, worker: working.name, ...happening })}\n`
          : `${lineOf(happening)}\n`,
      )
    }
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Run activities on the log that AIOS_EVENT_LOG names (esdb://…), beside the AIOS that was started on it: " +
      "no timers, no cadence, no page. Several may run; each piece of work is claimed by one of them. It shares " +
      "the data directory's keys and blobs, and keeps its own files in workers/<name>/ there; on another machine " +
      "AIOS_CONTROL says where to get them. Ctrl-C ends it in order: what runs is finished, or given up for the " +
      "others.",
  ),
  Command.withShortDescription("Run activities beside a started AIOS"),
)

export const workCommands = [work] as const
