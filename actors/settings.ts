/**
 * The founder's settings as they are now: a fold of the settings stream, opened. It is read from the
 * log each time it is asked for, so that a decision never rests on old addresses.
 */
import { Effect, Schema, Stream } from "effect"
import { OwnAddressesProposed, SettingsRecorded, settingsStream } from "../machines/settings.ts"
import { isSealed } from "../machines/agent.ts"
import { EventLog, eventOf, isOurs, type LogUnavailable, type RecordedEvent } from "./event-log.ts"
import { Vault } from "./vault.ts"

export interface Settings {
  readonly name?: string
  /** The founder's own addresses, as told. */
  readonly addresses: ReadonlyArray<string>
  /** Found by import, used until the founder says otherwise. */
  readonly proposedAddresses: ReadonlyArray<string>
  readonly signature?: string
  readonly timeZone: string
  readonly currency: string
  readonly workingHours?: { readonly from: string; readonly to: string }
  readonly briefAt: string
  readonly nightlyAt: string
  /** Slots that get a document. */
  readonly reports: ReadonlyArray<"daily" | "nightly" | "weekly" | "monthly" | "quarterly">
  /** Names of settings that are not set and that something needs. */
  readonly missing: ReadonlyArray<string>
}

export const defaults = {
  timeZone: "UTC",
  currency: "EUR",
  briefAt: "06:00",
  nightlyAt: "02:00",
  reports: ["daily", "nightly"],
} as const

type Opened = {
  -readonly [Field in keyof Omit<Settings, "missing">]?: Settings[Field]
}

const decodeRecorded = Schema.decodeUnknownSync(SettingsRecorded)
const decodeProposed = Schema.decodeUnknownSync(OwnAddressesProposed)
const Text = Schema.is(Schema.String)
const Texts = Schema.is(Schema.Array(Schema.String))

const openText = (vault: typeof Vault.Service, value: unknown): string | undefined => {
  const plain = isSealed(value) ? vault.open(value) : value
  return Text(plain) ? plain : undefined
}
const openTexts = (
  vault: typeof Vault.Service,
  value: unknown,
): ReadonlyArray<string> | undefined => {
  const plain = isSealed(value) ? vault.open(value) : value
  return Texts(plain) ? plain : undefined
}

const fold = (vault: typeof Vault.Service, known: Opened, event: RecordedEvent): Opened => {
  if (event.type === "OwnAddressesProposed") {
    const found = openTexts(vault, decodeProposed(eventOf(event)).addresses) ?? []
    return {
      ...known,
      proposedAddresses: [...new Set([...known.proposedAddresses ?? [], ...found])],
    }
  }
  if (event.type !== "SettingsRecorded") return known
  const { type: _, name, addresses, signature, ...plain } = decodeRecorded(eventOf(event))
  const next: Opened = { ...known, ...plain }
  const opened = {
    name: openText(vault, name),
    addresses: openTexts(vault, addresses),
    signature: openText(vault, signature),
  }
  if (opened.name !== undefined) next.name = opened.name
  if (opened.addresses !== undefined) next.addresses = opened.addresses
  if (opened.signature !== undefined) next.signature = opened.signature
  return next
}

const complete = (known: Opened): Settings => {
  const addresses = known.addresses ?? []
  const proposedAddresses = (known.proposedAddresses ?? []).filter((one) =>
    !addresses.includes(one)
  )
  const missing = [
    ...(known.name === undefined || known.name === "" ? ["name"] : []),
    ...(addresses.length + proposedAddresses.length === 0 ? ["addresses"] : []),
    ...(known.timeZone === undefined ? ["timeZone"] : []),
  ]
  return { ...defaults, ...known, addresses, proposedAddresses, missing }
}

/** The settings as of now. */
export const currentSettings: Effect.Effect<Settings, LogUnavailable, EventLog | Vault> = Effect
  .gen(function* () {
    const log = yield* EventLog
    const vault = yield* Vault
    return complete(
      yield* log.read(settingsStream).pipe(
        Stream.filter(isOurs),
        Stream.runFold((): Opened => ({}), (known, event) => fold(vault, known, event)),
      ),
    )
  })

/** Addresses that count as the founder's: those told, else those proposed. */
export const ownAddresses = (settings: Settings): ReadonlySet<string> =>
  new Set(settings.addresses.length > 0 ? settings.addresses : settings.proposedAddresses)
