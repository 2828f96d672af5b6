/**
 * Issues and articles in the brief: what is due within a week, what its draft covers, and what is
 * finished and waits for the word to publish.
 */
import type { BriefItem } from "./aios.ts"
import { rankOf } from "./brief-ranking.ts"
import { decideCommand, dueIs, lateMillisMax, type Waiting, weekMillis } from "./brief-matters.ts"
import type { BriefDay, BriefSources } from "./brief-sources.ts"
import { content } from "./content.ts"
import { listOf, numberOf, objectOf, textOf, textsOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import { allAsOf } from "./timeline.ts"
import { counted, daysBetween, dayWords, dueUntil, quoted } from "./words.ts"

/** Of a title, where there is only a line: what stands before its colon, if that says enough. */
const titleCharsShort = 30
const titleCharsMin = 8
const shortTitle = (title: string): string => {
  const [head = ""] = title.split(/:\s/)
  return head !== title && head.length >= titleCharsMin && head.length <= titleCharsShort
    ? head
    : quoted(title, titleCharsShort)
}

/** An item, and whether it is for today. */
export interface Told {
  readonly item: BriefItem
  readonly now: boolean
}

export interface Topic {
  readonly key: string
  readonly topic: string
  readonly title: string
  readonly state: string
  readonly dueAt?: number
  readonly notes: number
  readonly covered: number
  readonly uncovered: ReadonlyArray<string>
  readonly drafted: boolean
  readonly published: boolean
  readonly events: ReadonlyArray<string>
  readonly at: number
}

/** Issues and articles as they stood. */
export const topicsOf = (day: BriefDay, sources: BriefSources): ReadonlyArray<Topic> =>
  allAsOf(sources.store, tableOf(content), "topic", day.to).map(([key, row]): Topic => {
    const notes = listOf(row["notes"]).map(objectOf)
    const covers = new Set(textsOf(row["covers"]))
    const uncovered = notes.filter((note) => !covers.has(textOf(note["record"])))
    const topic = textOf(row["topic"])
    return {
      key,
      topic,
      title: textOf(sources.opened(row["title"])) || topic,
      state: textOf(row["state"]),
      notes: notes.length,
      covered: notes.length - uncovered.length,
      uncovered: uncovered.map((note) => textOf(sources.opened(note["title"])))
        .filter((title) => title !== ""),
      drafted: textOf(row["draft"]) !== "",
      published: numberOf(row["publishedAt"]) > 0 || textOf(row["state"]) === "published" ||
        row["shelved"] === true,
      events: textsOf(row["events"]),
      at: numberOf(row["at"]),
      ...(numberOf(row["dueAt"]) > 0
        ? { dueAt: dueUntil(numberOf(row["dueAt"]), day.timeZone) }
        : {}),
    }
  })

/** What is to be written or published within a week, and what waits for the word to publish. */
export const contentItems = (
  day: BriefDay,
  sources: BriefSources,
  waiting: ReadonlyArray<Waiting>,
): ReadonlyArray<Told> =>
  topicsOf(day, sources).flatMap((topic): ReadonlyArray<Told> => {
    const { dueAt } = topic
    const ready = waiting.find(({ work }) => work?.requester === `article-${topic.key}`)
    const soon = dueAt !== undefined && dueAt < day.to + weekMillis &&
      dueAt > day.to - lateMillisMax
    const inReview = topic.state === "inReview"
    if (topic.published || (!soon && ready === undefined && !inReview)) return []
    const missing = topic.uncovered.slice(0, 2).map((title) => quoted(title, 40)).join(", ")
    const more = topic.uncovered.length > 2 ? ` and ${topic.uncovered.length - 2} more` : ""
    const gap = missing === "" ? "" : `; nothing yet on ${missing}${more}`
    const state = ready !== undefined
      ? "finished"
      : inReview && topic.notes === 0
      ? "the draft waits for your review"
      : topic.drafted
      ? topic.notes === 0
        ? "the draft is there"
        : `the draft covers ${topic.covered} of ${counted(topic.notes, "note")}`
      : `no draft yet, ${counted(topic.notes, "note")}`
    const dueInDays = dueAt === undefined ? undefined : daysBetween(day.to, dueAt, day.timeZone)
    const name = topic.title === topic.topic ? topic.topic : quoted(topic.title, 60)
    const due = dueAt === undefined
      ? ""
      : (dueInDays ?? 0) < 0
      ? ` was due ${counted(-(dueInDays ?? 0), "day")} ago`
      : ` is due ${dayWords(dueAt, day.to, day.timeZone)}`
    return [{
      now: ready !== undefined || (dueInDays ?? 1) <= 0,
      item: {
        what: `${name}${due}: ${state}${topic.notes === 0 ? "" : gap}`,
        short: `${shortTitle(topic.title)}${due.replace(/^ is/, "")}, ${
          topic.drafted && topic.notes > 0 && ready === undefined
            ? `${topic.covered}/${counted(topic.notes, "note")}`
            : state
        }`,
        prepared: ready !== undefined
          ? "ready to be published"
          : inReview && topic.notes > 0
          ? "waits for your review"
          : "",
        action: inReview
          ? `aios review ${/^[\w.+@:-]+$/.test(topic.topic) ? topic.topic : topic.key.slice(0, 8)}`
          : ready === undefined
          ? `aios why-not ${sources.actor(`article-${topic.key}`)}`
          : decideCommand(ready, sources),
        more: [],
        why: [],
        ...(dueAt === undefined ? {} : { dueAt }),
        since: ready?.approval.requestedAt ?? topic.at,
        kind: "content",
        approvals: ready === undefined ? [] : [ready.approval.id],
        events: topic.events,
        rank: rankOf({
          ...dueIs(dueAt, day),
          money: 0,
          relationship: "audience",
          pressing: 0,
          waitingDays: 0,
          unanswered: 0,
          decision: ready !== undefined,
        }),
      },
    }]
  })
