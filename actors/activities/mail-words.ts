/**
 * What a drafted mail says, by fixed templates: no model, the same facts give the same text. It answers
 * what was asked, promises nothing that was not decided, and has no placeholders: a sentence whose fact
 * is not known is left out.
 */
import { DateTime, Option } from "effect"
import type { InvoiceFacts, Purpose } from "../../machines/executor.ts"
import type { Money } from "../../machines/record.ts"
import { decimalsOf } from "../currencies.ts"

/** Longer subjects and quotes are cut at a word. */
const subjectCharsMax = 150
const quoteCharsMax = 160
const nameCharsMax = 60
/** At most so many intents are answered: a short mail is answered sooner. */
const sentencesMax = 2

const weekdays = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ")
const months =
  "January February March April May June July August September October November December".split(
    " ",
  )

/** `Tuesday 24 November`, with the year where it is another than that of `now`. */
export const dateWords = (at: number, timeZone: string, now: number): string => {
  const zone = Option.getOrElse(
    DateTime.zoneFromString(timeZone),
    () => DateTime.zoneMakeOffset(0),
  )
  const parts = (millis: number) =>
    DateTime.toParts(DateTime.makeZonedUnsafe(millis, { timeZone: zone }))
  const { day, month, weekDay, year } = parts(at)
  const named = `${weekdays[weekDay % 7]} ${day} ${months[month - 1]}`
  return year === parts(now).year ? named : `${named} ${year}`
}

/** `1,200 EUR`, `89.50 EUR`, `5,000 JPY`. */
export const moneyWords = ({ currency, minor }: Money): string => {
  const decimals = decimalsOf(currency)
  const digits = String(Math.abs(minor)).padStart(decimals + 1, "0")
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ",")
  const part = digits.slice(digits.length - decimals)
  const sign = minor < 0 ? "-" : ""
  return `${sign}${whole}${/[1-9]/.test(part) ? `.${part}` : ""} ${currency}`
}

export const oneLine = (text: string) => text.replace(/[\p{Cc}\s]+/gu, " ").trim()

const cut = (text: string, charsMax: number) => {
  const chars = [...text]
  if (chars.length <= charsMax) return text
  const kept = chars.slice(0, charsMax - 1).join("")
  const space = kept.lastIndexOf(" ")
  return `${(space > charsMax / 2 ? kept.slice(0, space) : kept).trimEnd()}…`
}

const companyWord =
  /\b(?:ltd|limited|gmbh|ug|ag|kg|inc|llc|corp|company|co|bv|nv|sarl|sas|srl|oy|ab|studio|agency|group|team|sales|info|office|support|billing|accounts?|newsletter|no-?reply)\b/i
const title = /^(?:dr|prof|mr|mrs|ms|mx|herr|frau|sir|dame)\.?\s+/i

/** The first name, where a name is one of a person; empty where it is an address or a company's. */
export const firstNameOf = (name: string, company = "", address = ""): string => {
  let plain = oneLine(name).replace(/^["']+|["']+$/g, "")
  while (title.test(plain)) plain = plain.replace(title, "")
  if (plain === "" || /[@,;:<>()\d]/.test(plain) || plain.length > nameCharsMax) return ""
  const lower = plain.toLowerCase()
  if (companyWord.test(plain) || lower === oneLine(company).toLowerCase()) return ""
  const domain = address.slice(address.lastIndexOf("@") + 1).split(".").slice(0, -1)
  if (domain.includes(lower.replaceAll(" ", "")) || domain.includes(lower.replaceAll(" ", "-"))) {
    return ""
  }
  const first = plain.split(" ")[0] ?? ""
  return /^\p{Lu}\.?$/u.test(first) ? "" : first
}

/** What a draft is made from, opened. */
export interface Facts {
  readonly purpose: Purpose
  readonly firstName: string
  /** Empty where it is not known. */
  readonly company: string
  readonly intents: ReadonlyArray<string>
  readonly quotes: ReadonlyArray<string>
  /** Of the mail it answers; empty otherwise. */
  readonly subject: string
  /** What it is about, where that is one invoice. */
  readonly invoice?: InvoiceFacts
  /** The one amount that is named. */
  readonly amount?: Money
  /** In words: the dates that are named, that of the invoice, that of the next meeting. */
  readonly dates: ReadonlyArray<string>
  readonly invoiceDue?: string
  readonly nextMeeting?: string
  readonly signature: string
}

type Line = string | undefined
const lines = (...all: ReadonlyArray<Line>) => all.filter((one) => one !== undefined && one !== "")

/** Words by which one sees what a quote is about. */
const asksPrice = /\b(?:cost|price|pricing|rate|fee|quote|offer|kost|preis|angebot)/i
const asksMeeting = /\b(?:meet|call|talk|speak|chat|available|free|termin|treffen|telefon|sprech)/i
const speaksOf: { readonly [intent: string]: RegExp } = {
  accepts: /\b(?:accept|agree|go ahead|happy to|einverstanden|beauftrag|nehmen)/i,
  asksMeeting,
  asksPrice,
  namesBudget: /\d/,
  complains: /\b(?:charged|twice|unacceptable|angry|wrong|abgebucht|doppelt|beschwer)/i,
}
const namesTime =
  /\d{1,2}[:.]\d{2}|\b\d{1,2} ?(?:am|pm|uhr)\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)\b/i

/** The words that are answered: those about what is answered first, else the first. */
const quoted = (
  { quotes }: Facts,
  intents: ReadonlyArray<string> = ["complains"],
): Line => {
  const all = quotes.map(oneLine).filter((one) => one !== "")
  const about = intents.flatMap((intent) => speaksOf[intent] ?? [])
  const quote = about.map((words) => all.find((one) => words.test(one)))
    .find((one) => one !== undefined) ?? all[0]
  return quote === undefined ? undefined : `“${cut(quote, quoteCharsMax)}”`
}

/** What to say to what was read, in this order. */
const answers: ReadonlyArray<readonly [intent: string, say: (facts: Facts) => Line]> = [
  ["accepts", ({ amount, company, dates }) =>
    lines(
      amount === undefined
        ? "Good, then we go ahead as you write."
        : `Good, then it is agreed: ${moneyWords(amount)}.`,
      dates.length !== 1 ? undefined : `You name ${dates[0]}; I have noted it.`,
      company === ""
        ? "Which company name and address belong on the invoice?"
        : `Shall I make the invoice out to ${company}?`,
    ).join(" ")],
  [
    "asksMeeting",
    ({ nextMeeting, quotes }) =>
      nextMeeting !== undefined
        ? `We meet on ${nextMeeting} anyway: does that suit, or should it be sooner?`
        : quotes.some((quote) => asksMeeting.test(quote) && namesTime.test(quote))
        ? "I am checking the times you name and write to you which one works."
        : "When would suit you? Two or three times to choose from are enough.",
  ],
  ["asksPrice", () => "To name you one price and not a range: what exactly should it cover?"],
  [
    "namesBudget",
    ({ amount }) =>
      `${
        amount === undefined
          ? "It helps to know the budget"
          : `${moneyWords(amount)} is a clear frame`
      }. What has to be part of it, and what can wait?`,
  ],
]
/** Not worth an answer beside a better one. */
const idle: readonly [intent: string, say: (facts: Facts) => Line] = [
  "namesDate",
  ({ dates }) =>
    `${
      dates.length === 1 ? `You name ${dates[0]}` : "I have read the date"
    }. Is it fixed, or can it move by a few days?`,
]
const answer = (facts: Facts): ReadonlyArray<Line> => {
  const found = answers.filter(([intent]) => facts.intents.includes(intent))
  const quote = quoted(facts, found.map(([intent]) => intent))
  const said = (found.length > 0 ? found : facts.intents.includes(idle[0]) ? [idle] : [])
    .slice(0, sentencesMax).map(([, say]) => say(facts))
  return [
    quote === undefined ? undefined : `You wrote: ${quote}`,
    said.length === 0 ? "What would be the next step that helps you most?" : said.join("\n"),
  ]
}

const sum = (amounts: ReadonlyArray<Money>): Money | undefined => {
  const [first] = amounts
  return first === undefined || amounts.some(({ currency }) => currency !== first.currency)
    ? undefined
    : { minor: amounts.reduce((all, { minor }) => all + minor, 0), currency: first.currency }
}
const times = ["", "once", "twice", "three times", "four times"]

const complaint = (facts: Facts): ReadonlyArray<Line> => {
  const { invoice } = facts
  const over = invoice?.overpaid ?? []
  const back = sum(over.map(({ amount }) => amount))
  if (invoice !== undefined && back !== undefined) {
    const often = times[over.length + 1] ?? `${over.length + 1} times`
    return [
      `I am sorry: invoice ${invoice.number} over ${moneyWords(invoice.total)} was charged ` +
      `${often}. ${moneyWords(back)} of that is not mine to keep.`,
      `The refund of ${moneyWords(back)} is prepared and I am checking it now. ` +
      "I write to you again as soon as it is on its way; there is nothing you need to do.",
    ]
  }
  const quote = quoted(facts)
  return [
    quote === undefined ? "I am sorry about this." : `I am sorry about this. You wrote: ${quote}`,
    invoice === undefined
      ? "I am looking into what happened and will answer you myself."
      : `I am checking invoice ${invoice.number} over ${moneyWords(invoice.total)} and will ` +
        "tell you what I find.",
  ]
}

const reminder = (facts: Facts): ReadonlyArray<Line> => {
  const { invoice, invoiceDue } = facts
  if (invoice === undefined) return []
  const sent = invoice.reminders ?? 0
  const what = `invoice ${invoice.number} over ${moneyWords(invoice.total)}`
  const was = invoiceDue === undefined ? "is due" : `was due on ${invoiceDue}`
  if (sent === 0) {
    return [
      `${what[0]?.toUpperCase()}${what.slice(1)} ${was}, and I do not see a payment yet. ` +
      "Could you have a look?",
      "If it is on its way, nothing is left to do.",
    ]
  }
  if (sent === 1) {
    return [
      `I wrote to you about ${what} before: it ${was} and is still open.`,
      "Please pay it now, or tell me what stands in the way.",
    ]
  }
  return [
    `This is reminder ${sent + 1}: ${what} ${was} and is still open.`,
    "Please pay it now. If something about it is wrong, I need to know what.",
  ]
}

const followUp = ({ subject }: Facts): ReadonlyArray<Line> => [
  `${
    subject === "" ? "I wrote to you some days ago" : `I wrote to you about “${subject}”`
  } and have not heard from you. Is it still of interest, or shall I close it?`,
]

const bodies: { readonly [purpose in Purpose]: (facts: Facts) => ReadonlyArray<Line> } = {
  answer,
  complaint,
  reminder,
  followUp,
}

/** A subject without the marks of answers and forwards. */
export const bareSubject = (subject: string) =>
  cut(
    oneLine(subject).replace(/^((re|aw|sv|fwd?|wg)\s*(\[\d+\])?:\s*)+/i, ""),
    subjectCharsMax,
  )

export const subjectOf = ({ invoice, purpose, subject }: Facts): string =>
  subject !== ""
    ? `Re: ${subject}`
    : invoice === undefined
    ? "Re: your mail"
    : purpose === "reminder" && (invoice.reminders ?? 0) > 0
    ? `Reminder: invoice ${invoice.number}`
    : `Invoice ${invoice.number}`

export const textOf = (facts: Facts): string =>
  lines(
    facts.firstName === "" ? "Hello," : `Hello ${facts.firstName},`,
    ...bodies[facts.purpose](facts),
    facts.signature.trim(),
  ).join("\n\n") + "\n"
