/** What the founder told AIOS about the company. A journal in stream `settings-founder`; the last word counts. */
import { Schema } from "effect"
import { defineJournal, event, personal } from "./agent.ts"

/** A wall-clock minute in the founder's zone, `06:00`. */
export const LocalTime = Schema.String.check(Schema.isPattern(/^([01]\d|2[0-3]):[0-5]\d$/))

/** Fields that are absent stay as they were. */
export const SettingsRecorded = event("SettingsRecorded", {
  name: Schema.optionalKey(personal(Schema.String)),
  /** The founder's own mail addresses, normalised. */
  addresses: Schema.optionalKey(personal(Schema.Array(Schema.String))),
  signature: Schema.optionalKey(personal(Schema.String)),
  /** IANA name, `Europe/Berlin`. */
  timeZone: Schema.optionalKey(Schema.String),
  /** ISO 4217, `EUR`. */
  currency: Schema.optionalKey(Schema.String),
  workingHours: Schema.optionalKey(Schema.Struct({ from: LocalTime, to: LocalTime })),
  briefAt: Schema.optionalKey(LocalTime),
  nightlyAt: Schema.optionalKey(LocalTime),
  /** Slots that get a document; default `daily` and `nightly`. */
  reports: Schema.optionalKey(
    Schema.Array(Schema.Literals(["daily", "nightly", "weekly", "monthly", "quarterly"])),
  ),
})

/** Import found addresses that look like the founder's own (Sent mail, Delivered-To). Used until told otherwise. */
export const OwnAddressesProposed = event("OwnAddressesProposed", {
  addresses: personal(Schema.Array(Schema.String)),
})

export const settings = defineJournal({
  name: "settings",
  events: [SettingsRecorded, OwnAddressesProposed],
})

/** Subject under whose key the founder's own data is sealed, and the key part of the settings stream. */
export const founder = "founder"
export const settingsStream = "settings-founder"
