/**
 * How a matter is told: what happened in one sentence, what is prepared, and the evidence. Every name,
 * date and amount comes from a row; words of others are quoted, and nothing is said that no row says.
 */
import { forecastWords } from "./aios-made.ts"
import { type BriefDay, type BriefSources, nameOf, whoIs } from "./brief-sources.ts"
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
/** Of a subject, where there is only a line. */
const subjectCharsShort = 40

/** What it is about, by its subject. */
const subjectOf = (conversation: Conversation, charsMax?: number): string => {
  const subject = (conversation.unanswered.at(-1)?.subject ?? "").replace(replyMark, "")
  return subject === "" ? "" : ` about ${quoted(subject, charsMax)}`
}

/** The words that say most: what is wanted by when, else what the intents were read from. */
const saying = (conversation: Conversation): string => {
  for (const mail of conversation.unanswered.toReversed()) {
    const words = mail.commitments.find((one) => one.words !== "")?.words ??
      mail.quotes.find((one) => one.includes("?")) ?? mail.quotes[0]
    if (words !== undefined && words !== "") return `: ${quoted(words)}`
  }
  return subjectOf(conversation)
}

/** `Re:` and its like say nothing about what a mail is about. */
const replyMark = /^(?:\s*(?:re|aw|fwd?|wg|antw)\s*:)+\s*/i

/** What a mail does, in a sentence and where there is only a line. */
const verbs: ReadonlyArray<readonly [intent: string, verb: string, short: string]> = [
  ["asksPrice", "asks for a price", "asks for a price"],
  ["namesBudget", "names a budget", "names"],
  ["asksMeeting", "asks for a meeting", "asks to meet"],
]

/** A mail or a message of a network, as far as sentences tell of both. */
interface Written {
  readonly intents: ReadonlyArray<string>
  readonly amounts: ReadonlyArray<{ readonly minor: number; readonly currency: string }>
  readonly asks?: boolean
  readonly commitments?: ReadonlyArray<{ readonly by: string }>
}

const networks: Readonly<Record<string, string>> = { linkedin: "LinkedIn" }
/** ` on LinkedIn`; nothing of a mail. */
const whereOf = (channel: string): string => {
  const network = networks[channel]
  return network === undefined ? "" : ` on ${network}`
}

/** What a person wrote over a network, where there is neither a mail nor a draft to tell of. */
export const wroteOnly = ({ conversation, lead, waiting }: Matter) =>
  lead?.wrote === undefined || conversation !== undefined || waiting.length > 0 ? [] : [lead.wrote]

/** `a`, `a and b`, `a, b and c`. */
const listed = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`

/** What the person does in what nobody answered yet. */
const doing = (unanswered: ReadonlyArray<Written>, sum: string): string => {
  const intents = new Set(unanswered.flatMap((mail) => mail.intents))
  if (intents.has("accepts")) return `accepts${sum}`
  const does = verbs.filter(([intent]) => intents.has(intent)).map(([intent, verb]) =>
    intent === "namesBudget" && sum !== "" ? `${verb} of${sum}` : verb
  )
  if (does.length > 0) return listed(does)
  return otherwise(unanswered)
}

/** What says neither yes nor price nor meeting. */
const otherwise = (unanswered: ReadonlyArray<Written>): string => {
  if (unanswered.some((mail) => mail.asks || mail.intents.includes("asks"))) return "asks"
  const dates = unanswered.flatMap((mail) => mail.commitments ?? [])
  if (dates.some((one) => one.by === "founder")) return "names a date for you"
  return dates.length > 0 ? "promises" : "writes"
}

/** `asks for a price, names 18,000 EUR, due tomorrow 12:00`. */
const doingShort = (
  unanswered: ReadonlyArray<Written>,
  sum: string,
  due: string,
  where: string,
): string => {
  const intents = new Set(unanswered.flatMap((mail) => mail.intents))
  if (intents.has("accepts")) return `accepts ${sum || "your offer"}${due}`
  const does = verbs.filter(([intent]) => intents.has(intent)).map(([intent, , short]) =>
    intent === "namesBudget" ? `${short} ${sum || "a budget"}` : short
  )
  return does.length > 0
    ? `${does.join(", ")}${where}${due}`
    : `${otherwise(unanswered)}${where}${due}`
}

export const amountIn = (written: ReadonlyArray<Written>) =>
  written.flatMap((mail) => mail.amounts)
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
    const amount = amountIn(conversation.unanswered)
    const sum = amount === undefined ? "" : ` ${moneyWords(amount)}`
    const again = n > 1 ? `, ${ordinal(n)} mail without an answer` : ""
    return about === "complaint"
      ? `${who} complains${again}${overpaid === undefined ? said : `: ${overpaidWords(overpaid)}`}`
      : `${who} ${doing(conversation.unanswered, sum)}${again}${said}`
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
  const [wrote] = wroteOnly(matter)
  if (wrote !== undefined) {
    const amount = amountIn([wrote])
    const sum = amount === undefined ? "" : ` ${moneyWords(amount)}`
    const words = wrote.quotes.find((one) => one.includes("?")) ?? wrote.quotes[0] ?? ""
    return `${who} ${doing([wrote], sum)}${whereOf(wrote.channel)}${
      words === "" ? "" : `: ${quoted(words)}`
    }`
  }
  return `A mail to ${who} waits for your word`
}

/** The same where there is only a line for it: who, what, how much and until when, and no quotes. */
export const shortOf = (
  matter: Matter,
  about: string,
  dueAt: number | undefined,
  day: BriefDay,
  sources: BriefSources,
): string => {
  const who = nameOf(matter.person, sources)
  const { conversation } = matter
  const due = dueAt === undefined ? "" : `, ${dueWords(dueAt, day.to, day.timeZone)}`
  const overpaid = matter.invoices.find((one) => one.overpaid > 0)
  if (conversation !== undefined && conversation.unanswered.length > 0) {
    const amount = amountIn(conversation.unanswered)
    const subject = subjectOf(conversation, subjectCharsShort).replace(" about", ":")
    if (about === "complaint") {
      return `${who} complains${due}${
        overpaid === undefined ? subject : `: ${overpaidWords(overpaid)}`
      }`
    }
    const sum = amount === undefined ? "" : moneyWords(amount)
    const does = doingShort(conversation.unanswered, sum, due, "")
    // What asks for neither price nor meeting is told by its subject.
    return `${who} ${does}${does === `${otherwise(conversation.unanswered)}${due}` ? subject : ""}`
  }
  const promise = matter.due.find((one) => one.mine)
  if (promise !== undefined) {
    return `You promised ${who}${due}: ${quoted(promise.words || "a date")}`
  }
  const [first] = matter.waiting
  if (first?.work?.purpose === "reminder") {
    return `${who} owes ${moneyWords(openOf(matter.invoices))}, ${
      overdueWords(matter.invoices, day)
    }`
  }
  const [wrote] = wroteOnly(matter)
  if (wrote !== undefined && overpaid === undefined) {
    const amount = amountIn([wrote])
    const sum = amount === undefined ? "" : moneyWords(amount)
    return `${who} ${doingShort([wrote], sum, due, whereOf(wrote.channel))}`
  }
  // The others hold no quotes.
  return whatOf(matter, about, day, sources)
}

export const preparedWords = ({ approval, work }: Waiting): string => {
  if (approval.unclear === true) return "it may have happened already: look first"
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
  } else if (matter.due.some((one) => one.mine)) {
    const { at } = matter.due.find((one) => one.mine)!
    reasons.push(
      `you wrote so ${dayWords(at, day.to, day.timeZone)} ${clockWords(at, day.timeZone)}`,
    )
  } else if (wroteOnly(matter).length > 0) {
    const [wrote] = wroteOnly(matter)
    const other = wrote!.quotes.map((quote) => quoted(quote, 60)).find((quote) =>
      !what.includes(quote.slice(1, 20))
    )
    if (other !== undefined) reasons.push(other)
    reasons.push(
      `wrote ${dayWords(wrote!.at, day.to, day.timeZone)} ${clockWords(wrote!.at, day.timeZone)}${
        whereOf(wrote!.channel)
      }`,
    )
  } else if (lead !== undefined) {
    reasons.push(...lead.reasons.filter((one) => !what.includes(one)).slice(0, 2))
  }
  const told = conversation?.read === undefined ? "" : forecastWords(conversation.read)
  if (told !== "" && !reasons.includes(told)) reasons.push(told)
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
      : last.undated
      ? "the mail has no usable date"
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
