/**
 * How a matter is told: what happened in one sentence, what is prepared, and the evidence. Every name,
 * date and amount comes from a row; words of others are quoted, and nothing is said that no row says.
 */
import { type BriefDay, type BriefSources, whoIs } from "./brief-sources.ts"
import type { Matter, Waiting } from "./brief-matters.ts"
import type { Conversation } from "./conversations.ts"
import type { InvoiceRow } from "./invoices.ts"
import {
  clockWords,
  counted,
  dateWords,
  daysBetween,
  dayWords,
  dueWords,
  majorOf,
  moneyWords,
  ordinal,
  quoted,
} from "./words.ts"

const dayMillis = 24 * 60 * 60 * 1000
const reasonsMax = 4

/** The words that say most: what is wanted by when, else what the intents were read from. */
const saying = (conversation: Conversation): string => {
  for (const mail of conversation.unanswered.toReversed()) {
    const words = mail.commitments.find((one) => one.words !== "")?.words ??
      mail.quotes.find((one) => one.includes("?")) ?? mail.quotes[0]
    if (words !== undefined && words !== "") return `: ${quoted(words)}`
  }
  const subject = (conversation.unanswered.at(-1)?.subject ?? "").replace(replyMark, "")
  return subject === "" ? "" : ` about ${quoted(subject)}`
}

/** `Re:` and its like say nothing about what a mail is about. */
const replyMark = /^(?:\s*(?:re|aw|fwd?|wg|antw)\s*:)+\s*/i

const verbs: ReadonlyArray<readonly [string, string]> = [
  ["asksPrice", "asks for a price"],
  ["namesBudget", "names a budget"],
  ["asksMeeting", "asks for a meeting"],
]

/** `a`, `a and b`, `a, b and c`. */
const listed = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`

/** What the person does in what nobody answered yet. */
const doing = ({ unanswered }: Conversation, sum: string): string => {
  const intents = new Set(unanswered.flatMap((mail) => mail.intents))
  if (intents.has("accepts")) return `accepts${sum}`
  const does = verbs.filter(([intent]) => intents.has(intent)).map(([intent, verb]) =>
    intent === "namesBudget" && sum !== "" ? `${verb} of${sum}` : verb
  )
  if (does.length > 0) return listed(does)
  if (unanswered.some((mail) => mail.asks)) return "asks"
  const dates = unanswered.flatMap((mail) => mail.commitments)
  if (dates.some((one) => one.by === "founder")) return "names a date for you"
  return dates.length > 0 ? "promises" : "writes"
}

export const amountIn = (conversation: Conversation | undefined) =>
  conversation?.unanswered.flatMap((mail) => mail.amounts)
    .toSorted((a, b) => majorOf(b.minor, b.currency) - majorOf(a.minor, a.currency))[0]

/** `invoice 1042 was charged twice (2 × 89 EUR)`, from the charges that came in. */
const overpaidWords = (invoice: InvoiceRow): string => {
  const [first] = invoice.payments
  const same = invoice.payments.filter((one) => one.minor === first?.minor)
  const { currency } = invoice
  return same.length > 1 && same.length === invoice.payments.length
    ? `invoice ${invoice.number} was charged ${
      same.length === 2 ? "twice" : `${same.length} times`
    } (${same.length} × ${moneyWords({ minor: first!.minor, currency })})`
    : `invoice ${invoice.number} was paid ${
      moneyWords({ minor: invoice.overpaid, currency })
    } too much`
}

const overdueWords = (invoices: ReadonlyArray<InvoiceRow>, day: BriefDay): string => {
  const [first] = invoices.toSorted((a, b) => a.dueAt - b.dueAt)
  if (first === undefined) return ""
  const late = daysBetween(first.dueAt, day.to, day.timeZone)
  const when = late > 0
    ? `${counted(late, "day")} overdue`
    : dueWords(first.dueAt, day.to, day.timeZone)
  const reminders = first.reminders === 0 ? "" : `, ${counted(first.reminders, "reminder")} so far`
  return `invoice ${first.number}, ${when}${reminders}` +
    (invoices.length > 1 ? ` (and ${invoices.length - 1} more)` : "")
}

const openOf = (invoices: ReadonlyArray<InvoiceRow>) => {
  const currency = invoices[0]?.currency ?? ""
  const minor = invoices.filter((one) => one.currency === currency)
    .reduce((sum, one) => sum + one.open, 0)
  return { minor, currency }
}

/** What happened, in one sentence. */
export const whatOf = (
  matter: Matter,
  about: string,
  day: BriefDay,
  sources: BriefSources,
): string => {
  const who = whoIs(matter.person, sources)
  const { conversation } = matter
  const overpaid = matter.invoices.find((one) => one.overpaid > 0)
  const disputed = matter.invoices.find((one) => one.disputed === "bank")
  if (conversation !== undefined && conversation.unanswered.length > 0) {
    const n = conversation.unanswered.length
    const said = saying(conversation)
    const amount = amountIn(conversation)
    const sum = amount === undefined ? "" : ` ${moneyWords(amount)}`
    const again = n > 1 ? `, ${ordinal(n)} mail without an answer` : ""
    return about === "complaint"
      ? `${who} complains${again}${overpaid === undefined ? said : `: ${overpaidWords(overpaid)}`}`
      : `${who} ${doing(conversation, sum)}${again}${said}`
  }
  const promise = matter.due.find((one) => one.mine)
  if (promise !== undefined) return `You promised ${who}: ${quoted(promise.words || "a date")}`
  if (disputed !== undefined) {
    return `${who} disputes invoice ${disputed.number} with the bank (${
      moneyWords({ minor: disputed.total, currency: disputed.currency })
    })`
  }
  if (overpaid !== undefined) return `${overpaidWords(overpaid)}: ${who} is owed money back`
  const [first] = matter.waiting
  if (first?.work?.purpose === "reminder") {
    return `${who} owes ${moneyWords(openOf(matter.invoices))}: ${
      overdueWords(matter.invoices, day)
    }`
  }
  if (first?.work?.kind === "invoice" && first.work.amount !== undefined) {
    return `${who} accepted ${moneyWords(first.work.amount)}`
  }
  if (first?.work?.kind === "refund" && first.work.amount !== undefined) {
    return `${who} is owed ${moneyWords(first.work.amount)} back` +
      (first.work.invoiceNumber === "" ? "" : `: invoice ${first.work.invoiceNumber}`)
  }
  const reason = matter.lead?.reasons[0]
  if (matter.lead !== undefined && reason !== undefined) return `${who} ${reason}`
  return `A mail to ${who} waits for your word`
}

export const preparedWords = ({ approval, work }: Waiting): string => {
  const amount = work?.amount === undefined ? "" : ` of ${moneyWords(work.amount)}`
  const words = work?.edited === true ? "in your own words" : "drafted"
  switch (work?.kind ?? approval.activity) {
    case "refund":
      return `the refund${amount} is money, so it waits for you`
    case "invoice":
      return `invoice${amount} drafted`
    case "publication":
      return "ready to be published"
    case "mail":
      return `${
        work?.purpose === "reminder" ? "reminder" : work?.purpose === "followUp" ? "mail" : "reply"
      } ${words}`
    case "sendMail":
      return "mail drafted"
    default:
      return `${approval.activity} waits for you`
  }
}

const secondsWords = (millis: number): string =>
  millis < 120_000
    ? `${Math.round(millis / 1000)} s`
    : millis < 2 * 3_600_000
    ? `${Math.round(millis / 60_000)} min`
    : counted(Math.round(millis / dayMillis) || 1, "day")

/** Reasons that the sentence tells in its own way: `accepts`, `third mail without an answer`. */
const said = /^(?:accepts|asks something|.* mail without an answer)$/

/** The evidence: what was inferred from what, and the facts beside it. */
export const whyOf = (
  matter: Matter,
  what: string,
  day: BriefDay,
  sources: BriefSources,
): ReadonlyArray<string> => {
  const { conversation, lead } = matter
  const reasons: Array<string> = []
  if (conversation !== undefined && conversation.unanswered.length > 0) {
    // What the sentence says already is no evidence of its own.
    const inferred = (conversation.weighed?.reasons ?? []).filter((one) =>
      !what.includes(one) && !said.test(one)
    )
    reasons.push(...inferred.slice(0, 2))
    const other = conversation.unanswered.toReversed().flatMap((mail) =>
      mail.quotes.filter((quote) => !mail.subject.endsWith(quote))
    ).map((quote) => quoted(quote, 60)).find((quote) =>
      !what.includes(quote) && !what.includes(quote.slice(1, 20))
    )
    if (other !== undefined) reasons.push(other)
  } else if (lead !== undefined) {
    reasons.push(...lead.reasons.filter((one) => !what.includes(one)).slice(0, 2))
  }
  const twice = matter.invoices.find((one) => one.overpaid > 0 && one.payments.length > 1)
  if (twice !== undefined) {
    const [one, other] = twice.payments.slice(-2)
    reasons.push(`two charges of the same invoice ${secondsWords(other!.at - one!.at)} apart`)
  }
  if (conversation !== undefined && conversation.mails.length > 0) {
    const last = conversation.unanswered.at(-1)
    const count = counted(conversation.count, "mail")
    const since = conversation.count > 1
      ? `${count} since ${dateWords(conversation.firstAt, day.to, day.timeZone)}`
      : ""
    const when = last === undefined
      ? ""
      : `wrote ${dayWords(last.at, day.to, day.timeZone)} ${clockWords(last.at, day.timeZone)}`
    reasons.push([since, when].filter((one) => one !== "").join(", "))
  }
  const meeting = matter.person === ""
    ? undefined
    : sources.meetings.find((one) => one.person === matter.person && one.endsAt > day.to)
  if (meeting !== undefined) {
    reasons.push(
      `you meet ${dayWords(meeting.startsAt, day.to, day.timeZone)}${
        meeting.allDay ? "" : ` ${clockWords(meeting.startsAt, day.timeZone)}`
      }`,
    )
  }
  return reasons.filter((one) => one !== "").slice(0, reasonsMax)
}
