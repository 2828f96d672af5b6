/** `aios init` and `aios settings`: what the founder tells AIOS about the company. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { slots } from "../machines/coordinator.ts"
import { OperationFailed, type Settings } from "../projections/aios.ts"
import { Access, open, print } from "./access.ts"
import { finish } from "./finish.ts"
import { oneLine, Output, table } from "./output.ts"

const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.optional,
  )

const flags = {
  name: text("name", "<text>", "Your name, as mails are signed"),
  address: Flag.String("address").pipe(
    Flag.withMetavar("<mail>"),
    Flag.withDescription("One of your own mail addresses; say it once for each"),
    Flag.atLeast(0),
  ),
  timeZone: text("time-zone", "<zone>", "IANA name, such as Europe/Berlin"),
  currency: text("currency", "<code>", "ISO 4217, such as EUR"),
  signature: text("signature", "<text>", "What stands under your mails"),
  workingHours: text("working-hours", "<from-to>", "Such as 09:00-17:30"),
  briefAt: text("brief-at", "<hh:mm>", "When the brief is prepared (06:00)"),
  nightlyAt: text("nightly-at", "<hh:mm>", "When nightly work is done (02:00)"),
  report: Flag.String("report").pipe(
    Flag.withMetavar("<slot>"),
    Flag.withDescription(
      "A slot that gets a document: daily, nightly, weekly, monthly, quarterly; say it once for each, " +
        "or none",
    ),
    Flag.atLeast(0),
  ),
}

const wrong = (message: string) =>
  new OperationFailed({ kind: "usage", error: "InvalidValue", message })

const localTime = /^([01]\d|2[0-3]):[0-5]\d$/
const zoneExists = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone })
    return true
  } catch {
    return false
  }
}

interface Given {
  readonly name: Option.Option<string>
  readonly address: ReadonlyArray<string>
  readonly timeZone: Option.Option<string>
  readonly currency: Option.Option<string>
  readonly signature: Option.Option<string>
  readonly workingHours: Option.Option<string>
  readonly briefAt: Option.Option<string>
  readonly nightlyAt: Option.Option<string>
  readonly report: ReadonlyArray<string>
}

type Patch = {
  [name: string]: string | ReadonlyArray<string> | { readonly from: string; readonly to: string }
}

const patchOf = Effect.fnUntraced(function* (given: Given) {
  const patch: Patch = {}
  for (const field of ["name", "signature"] as const) {
    if (Option.isSome(given[field])) patch[field] = given[field].value
  }
  if (given.address.length > 0) {
    const bad = given.address.find((address) => !/^[^\s@]+@[^\s@]+$/.test(address.trim()))
    if (bad !== undefined) return yield* wrong(`--address: ${bad} is no mail address.`)
    patch["addresses"] = given.address.map((address) => address.trim().toLowerCase())
  }
  if (Option.isSome(given.timeZone)) {
    const zone = given.timeZone.value
    if (!zoneExists(zone)) {
      return yield* wrong(`--time-zone: ${zone} is not known. Give an IANA name: Europe/Berlin.`)
    }
    patch["timeZone"] = zone
  }
  if (Option.isSome(given.currency)) {
    const code = given.currency.value.toUpperCase()
    if (!/^[A-Z]{3}$/.test(code)) {
      return yield* wrong(`--currency: ${code} is no currency code. Give three letters: EUR.`)
    }
    patch["currency"] = code
  }
  if (Option.isSome(given.workingHours)) {
    const [from, to, ...rest] = given.workingHours.value.split("-")
    if (!localTime.test(from ?? "") || !localTime.test(to ?? "") || rest.length > 0) {
      return yield* wrong("--working-hours: give them as 09:00-17:30.")
    }
    patch["workingHours"] = { from: from!, to: to! }
  }
  for (const field of ["briefAt", "nightlyAt"] as const) {
    if (Option.isNone(given[field])) continue
    if (!localTime.test(given[field].value)) {
      return yield* wrong(`--${field === "briefAt" ? "brief-at" : "nightly-at"}: give it as 06:00.`)
    }
    patch[field] = given[field].value
  }
  if (given.report.length > 0) {
    const words = given.report.flatMap((word) => word.split(",")).map((word) => word.trim())
    const named = [...new Set(words.filter((word) => word !== "none"))]
    const bad = named.find((word) => !slots.some((slot) => slot === word))
    if (bad !== undefined) {
      return yield* wrong(`--report: there is no slot ${bad}. The slots are ${slots.join(", ")}.`)
    }
    if (named.length > 0 && words.includes("none")) {
      return yield* wrong("--report: either none, or the slots that get a document.")
    }
    patch["reports"] = slots.filter((slot) => named.includes(slot))
  }
  return patch
})

const flagOf: { readonly [name: string]: string } = {
  name: "--name",
  addresses: "--address",
  signature: "--signature",
  timeZone: "--time-zone",
  currency: "--currency",
}

const shown = (settings: Settings, columns: number, interactive: boolean): string => {
  const rows = [
    ["name", oneLine(settings.name ?? "–")],
    [
      "addresses",
      settings.addresses.length > 0
        ? settings.addresses.map(oneLine).join(", ")
        : settings.proposedAddresses.length > 0
        ? `${settings.proposedAddresses.map(oneLine).join(", ")} (found by import)`
        : "–",
    ],
    ["signature", oneLine(settings.signature ?? "–")],
    ["time zone", settings.timeZone],
    ["currency", settings.currency],
    [
      "working hours",
      settings.workingHours ? `${settings.workingHours.from}-${settings.workingHours.to}` : "–",
    ],
    ["brief at", settings.briefAt],
    ["nightly at", settings.nightlyAt],
    ["reports", settings.reports.join(", ") || "none"],
  ]
  const missing = settings.missing.map((name) => flagOf[name] ?? name)
  const hint = missing.length === 0
    ? ""
    : `\nMissing: ${settings.missing.join(", ")}. Without it nothing is drafted.\n` +
      `aios settings ${missing.map((flag) => `${flag} …`).join(" ")}\n`
  return table(rows, columns, interactive) + hint
}

const show = Effect.fnUntraced(function* (settings: Settings) {
  const output = yield* Output
  yield* print(settings, () => shown(settings, output.columns, output.interactive))
})

const settings = Command.make(
  "settings",
  flags,
  Effect.fnUntraced(function* (given) {
    const patch = yield* patchOf(given)
    if (Object.keys(patch).length === 0) return yield* show(yield* (yield* open("read")).settings)
    const aios = yield* open("work")
    yield* show(yield* aios.configure(patch))
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show the settings, or change those that are given.\n\nWithout name, address and signature " +
      "everything works but drafts.",
  ),
  Command.withShortDescription("Show or change what AIOS knows about you"),
  Command.withExamples([
    { command: "aios settings" },
    { command: "aios settings --name 'Mara Lindqvist' --address mara@northlight.example" },
    { command: "aios settings --report daily --report weekly" },
  ]),
)

const init = Command.make(
  "init",
  flags,
  Effect.fnUntraced(function* (given) {
    const access = yield* Access
    const output = yield* Output
    const patch = yield* patchOf(given)
    const aios = yield* open("work")
    const before = yield* aios.settings
    const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone
    // The machine's zone is a better guess than UTC, and only a guess where nothing was said.
    if (patch["timeZone"] === undefined && before.timeZone === "UTC") patch["timeZone"] = zone
    const settings = yield* aios.configure(patch)
    yield* show(settings)
    yield* finish(aios)
    yield* output.log(
      `AIOS keeps everything in ${access.dataDir}. Next: aios import mailbox.mbox contacts.csv`,
    )
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Set AIOS up: make the data directory and record who you are. May be run again.",
  ),
  Command.withShortDescription("Set up the data directory and who you are"),
  Command.withExamples([{
    command:
      "aios init --name 'Mara Lindqvist' --address mara@northlight.example --signature 'Mara' " +
      "--time-zone Europe/Berlin --currency EUR",
  }]),
)

export const settingsCommands = [init, settings] as const
