/** What the words for events need to know, read once per question: names, own addresses, activities. */
import { Effect } from "effect"
import { normaliseAddress } from "../actors/addresses.ts"
import { EventLog, type RecordedEvent } from "../actors/event-log.ts"
import { currentSettings, ownAddresses } from "../actors/settings.ts"
import { Vault } from "../actors/vault.ts"
import { founder } from "../machines/settings.ts"
import { door } from "./aios-failures.ts"
import type { Known } from "./event-words.ts"
import { objectOf, textOf } from "./fields.ts"
import { openedDeep } from "./opening.ts"
import { type Person, Queries } from "./queries.ts"

export const someone = "someone unknown or forgotten"

/** `activities` is filled by whoever reads the log: `<stream>/<revision>.<place>` to a name. */
export interface Reading extends Known {
  readonly activities: Map<string, string>
  readonly person: (key: string) => Person | undefined
}

/** Remembers what an event's asks are for. */
export const noteAsks = (event: RecordedEvent, { activities }: Reading) => {
  for (const [place, ask] of event.metadata.asks?.entries() ?? []) {
    if (ask.ask !== "activity") continue
    activities.set(`${event.stream}/${event.revision}.${place}`, ask.src)
  }
}

/** Reads back what an outcome is the outcome of. */
export const noteAskOf = Effect.fnUntraced(function* (event: RecordedEvent, reading: Reading) {
  const ask = textOf(objectOf(event.data)["ask"])
  const revision = Number(ask.split(".")[0])
  if (!event.type.startsWith("Activity") || !Number.isInteger(revision) || ask === "") return
  if (reading.activities.has(`${event.stream}/${ask}`)) return
  const log = yield* EventLog
  const [asking] = yield* door(log.readPage(event.stream, { from: revision, limit: 1 }))
  if (asking !== undefined) noteAsks(asking, reading)
})

export const readKnown = Effect.gen(function* () {
  const vault = yield* Vault
  const queries = yield* Queries
  const settings = yield* door(currentSettings)
  const own = new Set([...ownAddresses(settings)].map(normaliseAddress))
  const people = new Map((yield* door(queries.people)).map((one) => [one.key, one]))
  const activities = new Map<string, string>()
  return {
    activities,
    activityOf: (stream, ask) => activities.get(`${stream}/${ask}`) ?? "",
    isKnown: (key) => people.has(key),
    isOwn: (address) => own.has(normaliseAddress(address)),
    nameOf: (key) => {
      if (key === founder) return "you"
      const person = people.get(key)
      return person?.name ?? person?.address ?? someone
    },
    opened: (value) => openedDeep(vault, value),
    person: (key) => people.get(key),
    timeZone: settings.timeZone,
  } satisfies Reading
})
