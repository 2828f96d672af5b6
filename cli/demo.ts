/** `aios demo`: the sample company, imported before your eyes, its brief, and what to try next. */
import { Clock, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import type { Json } from "../machines/agent.ts"
import type { Brief } from "../projections/aios.ts"
import { Access, open, print, settleMillisMax } from "./access.ts"
import { shortIds } from "./approvals.ts"
import { briefText, toldAt } from "./brief.ts"
import { exitCode } from "./exit-codes.ts"
import { importFiles } from "./import.ts"
import { count, oneLine, Output, table } from "./output.ts"
import { doorText, Port, stay } from "./start.ts"

/** Enough of an event's id to find it. */
const idChars = 8

/** What the sample's founder would have told `aios init`. */
const founder: { readonly [name: string]: Json } = {
  name: "Mara Lindqvist",
  addresses: ["mara@northlight.example"],
  signature: "Mara Lindqvist\nNorthlight, Berlin",
  timeZone: "Europe/Berlin",
  currency: "EUR",
  workingHours: { from: "09:00", to: "17:00" },
  briefAt: "06:00",
  nightlyAt: "02:00",
}

/** Where a command needs an id, these are of what the brief shows first. */
const idsOf = (brief: Brief) => {
  const short = shortIds(brief.approvals.map((one) => one.id))
  const first = brief.now.flatMap((item) => item.approvals)[0] ?? brief.approvals[0]?.id
  const held = brief.held.flatMap((one) => one.events)[0]?.slice(0, idChars)
  return { approval: first && (short.get(first) ?? first), held }
}

/** Three or four things to do next, for a terminal beside this one. */
const next = (brief: Brief, dataDir: string): string => {
  const { approval, held } = idsOf(brief)
  const person = brief.now.find((item) => item.person !== undefined)?.person ??
    brief.leads[0]?.person
  const rows = [
    ...(approval === undefined
      ? []
      : [[`approve ${approval}`, "write it to the outbox; nobody is sent it"]]),
    ...(held === undefined ? [] : [[`why ${held}`, "what was held back, and from where"]]),
    ...(person === undefined
      ? []
      : [[`history ${JSON.stringify(oneLine(person))}`, "all that is known about a person"]]),
    ["brief", "the same morning again"],
  ]
  return [
    "",
    "In another terminal, in this folder:",
    `  export AIOS_DATA_DIR=${dataDir}`,
    ...table(rows.map(([run, what]) => [`  npm run -s aios -- ${run}`, what!]), 100, false)
      .trimEnd().split("\n"),
    "Ctrl-C stops the demo.",
  ].join("\n")
}

const importSample = Effect.fnUntraced(function* (aios: Effect.Success<ReturnType<typeof open>>) {
  const access = yield* Access
  const output = yield* Output
  const began = yield* Clock.monotonicTimeNanos
  const { folder } = access.sample
  const files = access.sample.files()
  const wide = Math.max(...files.map((file) => file.length)) + "Imported ".length
  let records = 0
  for (const name of files) {
    const { files: results } = yield* importFiles(aios, [`${folder}/${name}`])
    for (const file of results) {
      records += file.records
      yield* output.log(
        `${`Imported ${name}`.padEnd(wide)}  ${file.format}, ${count(file.records, "record")}` +
          (file.duplicates === 0 ? "" : `, ${file.duplicates} known already`) +
          (file.faults.length === 0 ? "" : `, ${count(file.faults.length, "fault")}`),
      )
    }
  }
  const millis = Number(((yield* Clock.monotonicTimeNanos) - began) / 1_000_000n)
  yield* output.log(
    `${count(files.length, "file")}, ${count(records, "record")} in ${
      (millis / 1000).toFixed(1)
    } s`,
  )
})

const demo = Command.make(
  "demo",
  {
    exit: Flag.Boolean("exit").pipe(
      Flag.withDescription("Stop after the brief, and serve nothing"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    port: Port,
  },
  Effect.fnUntraced(function* ({ exit, port }) {
    const access = yield* Access
    const output = yield* Output
    const staying = exit ? undefined : yield* stay(port)
    const aios = staying?.aios ?? (yield* open("work"))
    if ((yield* aios.settings).name === undefined) yield* aios.configure(founder)
    yield* importSample(aios)
    yield* output.onInterrupt(exitCode.ok, () => "AIOS stopped.")
    yield* output.log("Reading, weighing, drafting …")
    yield* aios.settle(settleMillisMax)
    const brief = yield* aios.brief()
    yield* output.log("")
    const at = toldAt(brief, yield* Clock.currentTimeMillis)
    yield* print(brief, () => briefText(brief, output.columns, output.paint, at))
    if (staying === undefined) return
    yield* output.log("")
    for (const line of doorText(staying)) yield* output.log(line)
    yield* output.log(next(brief, access.dataDir))
    return yield* Effect.never
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "The sample company Northlight, from its mailbox, leads, money, calendar and notes to the brief " +
      "of Tuesday 24 November 2026, 08:00 in Berlin. Everything stays in a fresh folder; no mail " +
      "leaves it.",
  ),
  Command.withShortDescription("Try it on a sample company"),
)

export const demoCommands = [demo] as const
