/**
 * Which items leave the hot tier under a policy, and which come back: a pure function, so that what a
 * simulation says is what an eviction does. Applied twice it changes nothing the second time.
 *
 * An item leaves when it matters too little, when it is old and a summary stands for it (or it is worth
 * little), and when there are too many: first what a summary stands for, then the least important, then the
 * oldest. What no summary stands for is spared as long as that is possible, so a summary that failed its
 * test leaves its events where they are found. What left comes back where the policy has room for it.
 */
import type { MemoryPolicy } from "../machines/memory.ts"

/** Old items worth no more than this leave without a summary. */
export const importanceLow = 0.3
/** What no summary stands for is spared until there are so many times more items than the policy wants. */
export const sparedFactorMax = 1.5
/** Items moved by one plan: they are named in one event. */
export const movedMax = 5_000
const dayMillis = 24 * 60 * 60 * 1000

/** What of an item counts. */
export interface Placed {
  readonly id: string
  readonly at: number
  readonly importance: number
  /** The accepted summary that stands for it. */
  readonly summary?: string
  /** The founder wants it hot whatever the policy says. */
  readonly kept?: boolean
  /** Never hot. */
  readonly suspect?: boolean
}

export type Reason = "age" | "count" | "importance" | "summarised"

export interface TierPlan {
  readonly evict: ReadonlyArray<string>
  readonly recall: ReadonlyArray<string>
  /** How many leave for which reason. */
  readonly because: { readonly [reason in Reason]?: number }
  /** Hot afterwards. */
  readonly kept: number
  /** Of these, those that stay only because no summary stands for them. */
  readonly spared: number
  readonly more: boolean
}

const compareIds = (a: Placed, b: Placed) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0
const isSummarised = ({ summary }: Placed) => summary !== undefined
/** Who leaves first comes first. */
const leaving = (a: Placed, b: Placed) =>
  Number(isSummarised(b)) - Number(isSummarised(a)) ||
  a.importance - b.importance || a.at - b.at || compareIds(a, b)

export const isOld = ({ at }: Placed, policy: MemoryPolicy, now: number) =>
  now - at > policy.hot.daysMax * dayMillis

export const planTiers = (
  { cold, hot, limit = movedMax, now, policy }: {
    readonly hot: ReadonlyArray<Placed>
    /** In the index and not hot; archived ones are not among them. */
    readonly cold: ReadonlyArray<Placed>
    readonly policy: MemoryPolicy
    readonly now: number
    readonly limit?: number
  },
): TierPlan => {
  const { importanceMin, itemsMax } = policy.hot
  const evict: Array<readonly [Placed, Reason]> = []
  const spared = new Set<string>()
  let stays: Array<Placed> = []
  for (const item of hot) {
    if (item.kept === true) stays.push(item)
    else if (item.importance < importanceMin) evict.push([item, "importance"])
    else if (!isOld(item, policy, now)) stays.push(item)
    else if (isSummarised(item) || item.importance <= importanceLow) evict.push([item, "age"])
    else {
      spared.add(item.id)
      stays.push(item)
    }
  }
  const sparedMax = Math.ceil(itemsMax * sparedFactorMax)
  if (stays.length > itemsMax) {
    const excess = stays.length - itemsMax
    const forced = Math.max(0, stays.length - sparedMax)
    const wanted = stays.filter(({ kept }) => kept !== true).sort(leaving).slice(0, excess)
    const gone = new Set<Placed>()
    for (const item of wanted) {
      if (isSummarised(item)) {
        evict.push([item, "summarised"])
        gone.add(item)
      } else if (gone.size < forced) {
        evict.push([item, "count"])
        gone.add(item)
      } else spared.add(item.id)
    }
    for (const { id } of gone) spared.delete(id)
    stays = stays.filter((item) => !gone.has(item))
  }
  const room = Math.max(0, itemsMax - stays.length)
  const fits = room === 0
    ? []
    : cold.filter((item) =>
      item.suspect !== true && item.importance >= importanceMin && !isOld(item, policy, now)
    ).sort((a, b) => leaving(b, a)).slice(0, room)
  const evicted = evict.sort(([a], [b]) => compareIds(a, b)).slice(0, limit)
  const recalled = fits.slice(0, limit - evicted.length)
  const because: { [reason in Reason]?: number } = {}
  for (const [, reason] of evicted) because[reason] = (because[reason] ?? 0) + 1
  return {
    evict: evicted.map(([{ id }]) => id),
    recall: recalled.map(({ id }) => id),
    because,
    kept: hot.length - evicted.length + recalled.length,
    spared: spared.size,
    more: evict.length + fits.length > limit,
  }
}
