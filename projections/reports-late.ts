/** What was late at the end of a stretch of time, in sentences: promises, answers, articles, invoices. */
import type { Json } from "../machines/agent.ts"
import { brokenMillisMax } from "../machines/conversation.ts"
import type { Brief } from "./aios.ts"
import { invoicesAsOf } from "./brief-composed.ts"
import type { BriefDay } from "./brief-sources.ts"
import { conversationOf, conversations } from "./conversations.ts"
import { numberOf, objectOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import type { ReadStore } from "./read-store.ts"
import type { Standing } from "./reports-periods.ts"
import { counted, dateWords, moneyWords, quoted } from "./words.ts"

/** A promise of the founder that nothing kept, as far as rules can tell. */
export interface BrokenPromise {
  readonly person: string
  readonly dueAt: number
  readonly words: string
}

/** Promises whose day had passed right before `day.to`, the oldest first. */
export const promisesBroken = (
  day: BriefDay,
  store: ReadStore["Service"],
  opened: (value: Json | undefined) => Json,
): ReadonlyArray<BrokenPromise> => {
  const table = tableOf(conversations)
  return store.scan(table, { prefix: "conversation:" }).flatMap(([key, row]) => {
    const person = key.slice("conversation:".length)
    if (numberOf(objectOf(row)["firstAt"]) >= day.to) return []
    const whole = conversationOf(person, objectOf(row), store, table, opened, day.to)
    // Whoever promised and has written since has kept it, as far as rules can tell.
    const lastSent = whole.closed ? undefined : whole.mails.findLast((mail) => !mail.inward)
    return (lastSent?.commitments ?? []).filter(({ by, dueAt }) =>
      by === "founder" && dueAt < day.to && dueAt >= day.to - brokenMillisMax
    ).map(({ dueAt, words }) => ({ person, dueAt, words }))
  }).sort((a, b) => a.dueAt - b.dueAt)
}

/** `brief` as it was right before `to`; `promises` with the names of those they were made to. */
export const standingOf = (
  brief: Brief,
  promises: ReadonlyArray<BrokenPromise>,
  nameOf: (person: string) => string,
  store: ReadStore["Service"],
  to: number,
): Standing => {
  // What rests is history, for the brief as well.
  const overdue = new Set(
    invoicesAsOf(store, to).filter((one) => one.open > 0 && !one.resting && one.dueAt < to)
      .map((one) => one.key),
  )
  const on = (at: number) => dateWords(at, to, brief.timeZone)
  return {
    owed: brief.replies.length,
    waiting: brief.approvals.length,
    promises: promises.map((one) =>
      `to ${nameOf(one.person)}, ${on(one.dueAt)}${
        one.words === "" ? "" : `: ${quoted(one.words)}`
      }`
    ),
    replies: brief.replies.filter((one) => one.dueAt !== undefined && one.dueAt < to)
      .map((one) =>
        `to ${one.person}, wanted by ${on(one.dueAt ?? 0)}${
          one.subject === "" ? "" : `: ${quoted(one.subject, 60)}`
        }`
      ),
    articles: brief.content.filter((one) => one.dueAt !== undefined && one.dueAt < to)
      .map((one) => `${one.title}, due ${on(one.dueAt ?? 0)}`),
    invoices: brief.invoices.filter((one) => overdue.has(one.key))
      .map((one) =>
        `${one.number}, ${one.person}: ${moneyWords(one.open)}, ${counted(one.daysLate, "day")}`
      ),
  }
}
