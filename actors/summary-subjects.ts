/**
 * What there is to summarise tonight: conversations and people that have been quiet for a while, topics
 * that were written about, days that are over; each only if it has something that no accepted summary
 * stands for and that was not tried already. The most worth comes first. Pure: the same items give the
 * same subjects.
 */
import { Context, Effect, Layer } from "effect"
import type { MemoryPolicy, Subject } from "../machines/memory.ts"
import { localDay } from "./grounded-dates.ts"
import { RecallUnavailable } from "./recall.ts"

/** So few are read faster than a summary of them. */
const threadEventsMin = 2
const personEventsMin = 3
const personThreadsMin = 2
const campaignEventsMin = 2
const dayEventsMin = 3
/** Older days are history that was imported: their threads and people are worth it, the days are not. */
const dayAgeDaysMax = 31
/** A subject stands for so many events at the most: its newest. */
const eventsMax = 200
const dayMillis = 24 * 60 * 60 * 1000

/** Something remembered, as far as planning needs it. */
export interface SubjectItem {
  /** Id of the event that made it. */
  readonly id: string
  /** See `projections/memory-items.ts`. */
  readonly what: string
  readonly kind: string
  readonly person?: string
  readonly thread?: string
  readonly at: number
  readonly position: number
  readonly importance: number
  /** An accepted summary stands for it. */
  readonly isSummarised: boolean
}

/** Positions up to which a subject was summarised, or was tried and refused; -1: never. */
export interface Standing {
  readonly upTo: number
  readonly refusedUpTo: number
}

/** Port: what is remembered, for planning. */
export class SubjectItems extends Context.Service<SubjectItems, {
  /** All that may be part of a summary: what is archived, suspect or a summary itself is left out. */
  readonly all: Effect.Effect<ReadonlyArray<SubjectItem>, RecallUnavailable>
  standing(of: Subject["of"], key: string): Effect.Effect<Standing, RecallUnavailable>
}>()("actors/SubjectItems") {}

/** Where there are no read models: nothing to summarise is known. */
export const absent: Layer.Layer<SubjectItems> = Layer.succeed(
  SubjectItems,
  SubjectItems.of({
    all: Effect.fail(
      new RecallUnavailable({ message: "Nothing is remembered here", retryable: false }),
    ),
    standing: () => Effect.succeed({ upTo: -1, refusedUpTo: -1 }),
  }),
)

/** What can be opened and told. */
const telling = new Set([
  "mail",
  "message",
  "note",
  "meeting",
  "invoice",
  "payment",
  "sent",
  "published",
])
const isTalk = ({ thread = "", what }: SubjectItem) =>
  thread !== "" && (what === "mail" || what === "message")
/** Newsletters and notices of machines. */
const isNotice = ({ kind, what }: SubjectItem) => what === "mail" && kind === "product"

const grouped = (
  items: ReadonlyArray<SubjectItem>,
  keyOf: (item: SubjectItem) => string | undefined,
): ReadonlyMap<string, ReadonlyArray<SubjectItem>> => {
  const groups = new Map<string, Array<SubjectItem>>()
  for (const item of items) {
    const key = keyOf(item)
    if (key === undefined || key === "") continue
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

export interface Planning {
  readonly policy: MemoryPolicy
  readonly now: number
  readonly timeZone: string
  /** The founder's own keys: nobody is summarised to themselves. */
  readonly own: ReadonlySet<string>
}

interface Candidate {
  readonly of: Subject["of"]
  readonly key: string
  readonly items: ReadonlyArray<SubjectItem>
}

/** Every group that is worth a summary, whether or not one stands for it. */
export const candidatesIn = (
  items: ReadonlyArray<SubjectItem>,
  { now, own, policy, timeZone }: Planning,
): ReadonlyArray<Candidate> => {
  const usable = items.filter((item) => telling.has(item.what) && item.importance > 0.1)
    .toSorted((a, b) => a.at - b.at || a.position - b.position)
  const quietSince = now - policy.summaries.quietDaysMin * dayMillis
  const isQuiet = (group: ReadonlyArray<SubjectItem>) =>
    // What is still to come, such as a meeting, does not disturb.
    group.every(({ at }) => at <= quietSince || at > now)
  const of = (
    kind: Subject["of"],
    groups: ReadonlyMap<string, ReadonlyArray<SubjectItem>>,
    isWorth: (group: ReadonlyArray<SubjectItem>, key: string) => boolean,
  ): ReadonlyArray<Candidate> =>
    [...groups].filter(([key, group]) => isWorth(group, key))
      .map(([key, group]) => ({ of: kind, key, items: group.slice(-eventsMax) }))
  const today = localDay(now, timeZone)
  const oldest = localDay(now - dayAgeDaysMax * dayMillis, timeZone)
  const past = usable.filter(({ at }) => at <= now)
  return [
    ...of(
      "thread",
      grouped(usable.filter(isTalk), ({ thread }) => thread),
      (group) => group.length >= threadEventsMin && isQuiet(group),
    ),
    ...of(
      "person",
      grouped(usable, ({ person }) => person),
      (group, key) =>
        !own.has(key) && group.length >= personEventsMin && isQuiet(group) &&
        new Set(group.map(({ id, thread }) => thread ?? id)).size >= personThreadsMin,
    ),
    ...of(
      "campaign",
      grouped(usable, ({ thread }) => thread?.startsWith("topic:") === true ? thread : undefined),
      (group) => group.length >= campaignEventsMin && isQuiet(group),
    ),
    ...of(
      "day",
      grouped(past.filter((item) => !isNotice(item)), ({ at }) => localDay(at, timeZone)),
      (group, day) => group.length >= dayEventsMin && day < today && day >= oldest,
    ),
  ]
}

const subjectOf = ({ items, key, of }: Candidate): Subject => {
  const persons = new Set(items.flatMap(({ person }) => person ?? []))
  const [only] = persons
  return {
    of,
    key,
    ...(of === "person"
      ? { person: key }
      : persons.size === 1 && only !== undefined
      ? { person: only }
      : {}),
    events: items.map(({ id }) => id),
    upTo: Math.max(...items.map(({ position }) => position)),
  }
}

/** Something that no summary stands for, and that was not tried. */
const isDue = ({ items }: Candidate, { refusedUpTo, upTo }: Standing): boolean =>
  items.some((item) => !item.isSummarised && item.position > Math.max(upTo, refusedUpTo))

const worth = ({ items }: Candidate): number =>
  Math.max(...items.map(({ importance }) => importance)) + Math.log2(1 + items.length) / 10

const kinds: ReadonlyArray<Subject["of"]> = ["thread", "person", "campaign", "day"]

/** What was in vain before comes after what was not tried, or it would take every night's places. */
const wasRefused = ({ refusedUpTo, upTo }: Standing): number => refusedUpTo > upTo ? 1 : 0

/** The subjects of a night: those most worth it, grouped by kind so that the model is told the same in a row. */
export const subjectsOf = (
  candidates: ReadonlyArray<Candidate>,
  standing: (candidate: Candidate) => Standing,
  limit: number,
): { readonly subjects: ReadonlyArray<Subject>; readonly left: number } => {
  const due = candidates.filter((one) => isDue(one, standing(one)))
    .map((one) => ({ one, value: worth(one), late: wasRefused(standing(one)) }))
    .toSorted((a, b) => a.late - b.late || b.value - a.value || (a.one.key < b.one.key ? -1 : 1))
  const taken = due.slice(0, Math.max(0, limit)).map(({ one }) => one)
  return {
    subjects: kinds.flatMap((kind) => taken.filter(({ of }) => of === kind).map(subjectOf)),
    left: due.length - taken.length,
  }
}
