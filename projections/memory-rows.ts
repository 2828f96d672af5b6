/**
 * What the rows of `memories.ts` say, for whoever plans, summarises or recalls. Lists are given by pages:
 * there may be hundreds of thousands of items. Bring the read models to the log's head first.
 */
import type { JsonObject } from "../machines/agent.ts"
import type { MemoryPolicy } from "../machines/memory.ts"
import { numberOf, objectOf, padded, textOf } from "./fields.ts"
import { memories } from "./memories.ts"
import type { MemoryItem, SummaryRecord, Tier } from "./memory-items.ts"
import { itemOf, policyOf, summaryOf } from "./memory-shapes.ts"
import { tableOf } from "./fold.ts"
import type { ReadStore } from "./read-store.ts"

type Store = ReadStore["Service"]

const table = tableOf(memories)
const pageDefault = 1_000
export const tiers: ReadonlyArray<Tier> = ["hot", "warm", "cold"]

export const itemById = (store: Store, id: string): MemoryItem | undefined =>
  itemOf(store.get(table, `item:${id}`))

export const itemOfStream = (store: Store, stream: string): MemoryItem | undefined => {
  const id = store.get(table, `stream:${stream}`)
  return typeof id === "string" ? itemById(store, id) : undefined
}

/** A place in a list: what is needed to plan, without the item itself. */
export interface Place {
  readonly id: string
  readonly at: number
  readonly kind: string
  readonly importance: number
  readonly summary?: string
  readonly kept?: boolean
  readonly suspect?: boolean
  /** The next page begins after it. */
  readonly key: string
}

export interface PageOptions {
  /** `key` of the last place of the page before. */
  readonly after?: string
  readonly limit?: number
  /** Newest first; default oldest first. */
  readonly newestFirst?: boolean
  /** Only what happened from then on, and before then, epoch ms. */
  readonly from?: number
  readonly to?: number
}

const idCharsMin = 1

const places = (store: Store, prefix: string, options: PageOptions): ReadonlyArray<Place> => {
  const { after, from, limit = pageDefault, newestFirst = false, to } = options
  const least = from === undefined ? undefined : prefix + padded(from)
  const most = to === undefined ? undefined : prefix + padded(to)
  const lower = newestFirst ? least : after ?? least
  const upper = newestFirst ? after ?? most : most
  return store.scan(table, {
    prefix,
    limit,
    backwards: newestFirst,
    ...(lower === undefined ? {} : { after: lower }),
    ...(upper === undefined ? {} : { before: upper }),
  }).flatMap(([key, row]) => {
    const rest = key.slice(prefix.length)
    const colon = rest.indexOf(":")
    const id = rest.slice(colon + 1)
    if (colon < 0 || id.length < idCharsMin) return []
    const { importance, kept, kind, summary, suspect } = objectOf(row)
    return [{
      id,
      at: Number(rest.slice(0, colon)),
      kind: textOf(kind),
      importance: numberOf(importance),
      ...(typeof summary === "string" ? { summary } : {}),
      ...(kept === true ? { kept } : {}),
      ...(suspect === true ? { suspect } : {}),
      key,
    }]
  })
}

export const placesInTier = (store: Store, tier: Tier, options: PageOptions = {}) =>
  places(store, `tier:${tier}:`, options)
export interface Counts {
  readonly hot: number
  readonly warm: number
  readonly cold: number
  readonly archived: number
  readonly kinds: { readonly [kind: string]: number }
  readonly accepted: number
  readonly refused: number
  readonly withdrawn: number
}

export const countsOf = (store: Store): Counts => {
  const row = objectOf(store.get(table, "counts"))
  const n = (name: string) => numberOf(row[name])
  const { person, product, campaign, task } = {
    person: n("person"),
    product: n("product"),
    campaign: n("campaign"),
    task: n("task"),
  }
  return {
    hot: n("hot"),
    warm: n("warm"),
    cold: n("cold"),
    archived: n("archived"),
    kinds: { person, product, campaign, task },
    accepted: n("accepted"),
    refused: n("refused"),
    withdrawn: n("withdrawn"),
  }
}

export const policyNow = (store: Store): MemoryPolicy => policyOf(store.get(table, "policy"))
/** Attempts at summaries, accepted or not, in no order. */
export const summariesMade = (
  store: Store,
  options: { readonly after?: string; readonly limit?: number } = {},
): ReadonlyArray<SummaryRecord> =>
  store.scan(table, {
    prefix: "summary:",
    limit: options.limit ?? pageDefault,
    ...(options.after === undefined ? {} : { after: `summary:${options.after}` }),
  }).flatMap(([, row]) => summaryOf(row) ?? [])

/** What stands for a subject now, and what was tried. Positions are those of `Subject.upTo`; -1: none. */
export const subjectStanding = (store: Store, of: string, key: string) => {
  const row = objectOf(store.get(table, `subject:${of}:${key}`))
  const text = (name: string) => typeof row[name] === "string" ? textOf(row[name]) : undefined
  const n = (name: string) => row[name] === undefined ? -1 : numberOf(row[name])
  return {
    accepted: text("accepted"),
    upTo: n("upTo"),
    refused: text("refused"),
    refusedUpTo: n("refusedUpTo"),
  }
}

export const segmentsWritten = (
  store: Store,
): ReadonlyArray<JsonObject & { readonly segment: string }> =>
  store.scan(table, { prefix: "segment:" }).map(([key, row]) => ({
    ...objectOf(row),
    segment: key.slice("segment:".length),
  }))

/** Position of the last event that changed what is remembered; -1 before the first. */
export const lastChange = (store: Store): number => {
  const row = store.get(table, "last")
  return row === undefined ? -1 : numberOf(objectOf(row)["position"])
}
