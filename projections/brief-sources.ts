/** What a brief is made from: the day's limits, the rows, and what only effects can fetch beforehand. */
import type { Json, JsonObject } from "../machines/agent.ts"
import type { Approval } from "./aios.ts"
import type { ReadStore } from "./read-store.ts"

export interface BriefDay {
  /** Local date, `2026-11-23`. */
  readonly date: string
  readonly timeZone: string
  /** Epoch ms: what came before is no news; usually the brief of the day before. */
  readonly since: number
  /** Epoch ms: end of the day in the founder's zone, or the present where that is earlier. */
  readonly to: number
  /** Names of settings that are missing. */
  readonly missing: ReadonlyArray<string>
  /** Agents that stand still after a defect. */
  readonly parked: number
  /** What else is to be mended, such as a disk that is nearly full. */
  readonly fixes: ReadonlyArray<{ readonly what: string; readonly fix: string }>
  /** What would be better with something that is not here; last in the list. */
  readonly advice?: ReadonlyArray<{ readonly what: string; readonly fix: string }>
}

/** An approval as it stood, with what the brief tells of it. */
export interface BriefApproval extends Approval {
  readonly person?: string
  /** When it will not be done any more unless somebody decides, epoch ms. */
  readonly expiresAt?: number
}

export interface DecidedRow {
  readonly id: string
  readonly decision: string
  readonly by: string
  readonly at: number
  readonly event: string
  readonly approval: JsonObject
  readonly content: Json
}

export interface Occasion {
  readonly title: string
  readonly startsAt: number
  readonly endsAt: number
  readonly allDay: boolean
  /** Key and name of the person met, empty where nobody is named. */
  readonly person: string
  readonly with: string
  readonly event: string
  /** When its entry was written or exported, epoch ms; 0 where it does not say. */
  readonly stampedAt?: number
}

/** Who wrote a record and about what, opened. */
export interface RecordWords {
  readonly from: string
  readonly subject: string
}

export interface BriefSources {
  readonly store: ReadStore["Service"]
  readonly opened: (value: Json | undefined) => Json
  /** Those that waited for a decision right before the day's end, oldest first. */
  readonly approvals: ReadonlyArray<BriefApproval>
  /** What nobody decided in time, within the last days, oldest first; shaped as what was decided. */
  readonly expired: ReadonlyArray<DecidedRow>
  /** Persons whose mail the founder put off until later than this day. */
  readonly postponed: ReadonlySet<string>
  /** The founder's words between `since` and `to`, oldest first. */
  readonly decided: ReadonlyArray<DecidedRow>
  /** The beginning of an approval's id that names it. */
  readonly short: (id: string) => string
  /** An actor as commands name it, `article/db78b42d`: as much of its key as names it alone. */
  readonly actor: (stream: string) => string
  readonly personOf: (
    key: string,
  ) => { readonly name?: string; readonly address?: string; readonly company?: string } | undefined
  /** Meetings from the day's start until a week later, in order. */
  readonly meetings: ReadonlyArray<Occasion>
  /** By the stream or the event id of a record; absent where it cannot be opened any more. */
  readonly records: ReadonlyMap<string, RecordWords>
}

/** Longer addresses leave a line no room for what happened. */
const addressCharsMax = 22
const keyCharsShown = 8

export const unknownPerson = "someone unknown or forgotten"

/** `Ada Weiss (Lumen)`, or an address where no name is known. */
export const whoIs = (key: string, sources: BriefSources): string => {
  const person = sources.personOf(key)
  const name = person?.name ?? person?.address
  if (name === undefined) return unknownPerson
  const company = person?.company
  return company === undefined || name.toLowerCase().includes(company.toLowerCase())
    ? name
    : `${name} (${company})`
}

export const nameOf = (key: string, sources: BriefSources): string => {
  const person = sources.personOf(key)
  return person?.name ?? person?.address ?? unknownPerson
}

/** How a command names a person: by address where that is short, else by the beginning of the key. */
export const handleOf = (key: string, sources: BriefSources): string => {
  const address = sources.personOf(key)?.address
  return address === undefined || address.length > addressCharsMax || !/^[\w.+@-]+$/.test(address)
    ? key.slice(0, keyCharsShown)
    : address
}
