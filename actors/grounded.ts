/**
 * Whether a text says only what its sources say: every amount, date, time, number, name, address and link
 * in it must occur there, however it is written, and so must what it claims was agreed, paid or given.
 * Pure, and the last word on what a model wrote. It errs towards refusing: a template or an extract
 * takes the text's place, and nobody is told a thing that nobody said.
 */
import { type Day, daysIn, daysMeant, localDay, looseDays } from "./grounded-dates.ts"
import { unknownNames, wordsOf } from "./grounded-names.ts"
import {
  allAmountsIn,
  amountWords,
  numbersIn,
  numbersInWords,
  timesIn,
} from "./grounded-numbers.ts"
import { languageOf } from "./reading-language.ts"

/** So many reasons are told. */
const reasonsMax = 12
/** A number in words below is as often a turn of speech; with a currency it counts all the same. */
const wordsFrom = 13

/** What a text may rest on. A plain text is a source without a time. */
export type Source = string | {
  readonly text: string
  /** Epoch ms: the day itself is known, and from it is seen what `by Friday` means. */
  readonly sentAt?: number
}

export interface Grounding {
  /** IANA name; default UTC. */
  readonly timeZone?: string
  /** Epoch ms at which the checked text is written: then `tomorrow` is a day, and may be a known one. */
  readonly now?: number
}

interface Claim {
  readonly says: RegExp
  readonly rests: RegExp
}
/** What binds somebody if it is said, and words that a source has where it is true. */
const claims: ReadonlyArray<Claim> = [
  {
    says:
      /\b(?:agreed|agrees|accepted|accepts|signed|approved|zugesagt|zugestimmt|angenommen|akzeptiert|unterschrieben|unterzeichnet|vereinbart)\b/i,
    rests:
      /agree|accept|sign|approv|go ahead|happy to|deal\b|we(?:'ll| will) take|einverstanden|zusag|zugesagt|zustimm|zugestimmt|annehm|nehmen|angenommen|akzept|unterschr|unterzeich|vereinbar|beauftrag|auftrag/i,
  },
  {
    says: /\b(?:paid|has been settled|bezahlt|beglichen|überwiesen)\b/i,
    rests: /\bpa(?:y|id)|charge|transfer|debit|settle|zahl|beglich|überw|abgebucht|belast/i,
  },
  {
    says:
      /\b(?:refund(?:ed|s)?|reimburse[sd]?|(?:rück)?erstatte[tn]?|(?:rück)?erstattung|gutschrift)\b/i,
    rests: /refund|reimburs|money back|erstatt|gutschrift|zurück|twice|doppelt|credit/i,
  },
  {
    says: /\b(?:cancel(?:led|ed|s)|declined|rejected|storniert|gekündigt|abgesagt|abgelehnt)\b/i,
    rests:
      /cancel|declin|reject|storn|kündig|absag|abgesagt|ableh|abgelehnt|not (?:interested|able)|can(?:no|')t|nicht/i,
  },
  {
    says:
      /\b(?:for free|free of charge|discount|at no cost|kostenlos|kostenfrei|gratis|rabatt|nachlass)\b/i,
    rests: /free|discount|no cost|kostenlos|kostenfrei|gratis|rabatt|nachlass|reduc|ermäßig/i,
  },
  { says: /\b(?:guarantee[ds]?|garantier\w{0,4}|garantie)\b/i, rests: /guarant|garant/i },
]

const contact =
  /[\p{L}\d._%+-]{1,64}@[\p{L}\d-]{1,63}(?:\.[\p{L}\d-]{1,63}){1,6}|https?:\/\/[^\s<>")\]]{1,300}|\bwww\.[^\s<>")\]]{1,300}/giu
const blank = (
  text: string,
  spans: ReadonlyArray<{ readonly start: number; readonly end: number }>,
) =>
  spans.reduce(
    (rest, { end, start }) => rest.slice(0, start) + " ".repeat(end - start) + rest.slice(end),
    text,
  )
const trimmed = (link: string) => link.replace(/[.,;:!?/]+$/, "").toLowerCase()

const fitsDay = (day: Day, known: ReadonlySet<Day>): boolean =>
  known.has(day) ||
  (day.length === 5 ? [...known].some((one) => one.endsWith(day)) : known.has(day.slice(5)))

/** Why the text says what no source says, a line each; empty where all of it is grounded. */
export const inventedIn = (
  text: string,
  sources: ReadonlyArray<Source>,
  { now, timeZone = "UTC" }: Grounding = {},
): ReadonlyArray<string> => {
  const given = sources.map((one) => typeof one === "string" ? { text: one } : one)
  const all = given.map((one) => one.text).join("\n\n")
  const reasons = new Set<string>()

  const contacts = new Set([...all.matchAll(contact)].map(([found]) => trimmed(found)))
  const linked = [...text.matchAll(contact)]
  for (const [found] of linked) {
    if (!contacts.has(trimmed(found))) {
      reasons.add(`invented the ${found.includes("@") ? "address" : "link"} ${trimmed(found)}`)
    }
  }
  const plain = blank(
    text,
    linked.map((hit) => ({ start: hit.index, end: hit.index + hit[0].length })),
  )

  const amounts = new Set(given.flatMap((one) => allAmountsIn(one.text).map(amountWords)))
  const wrong = new Set<number>()
  for (const amount of allAmountsIn(plain)) {
    if (amounts.has(amountWords(amount))) continue
    reasons.add(`invented ${amountWords(amount)}`)
    numbersIn(amountWords(amount)).forEach(({ value }) => wrong.add(value))
  }

  const days = new Set(given.flatMap((one) => daysMeant(one.text, one.sentAt, timeZone)))
  const dated = daysIn(plain, now === undefined ? undefined : localDay(now, timeZone))
  for (const { days: meant, end, start } of dated) {
    if (!meant.some((day) => fitsDay(day, days))) {
      reasons.add(`invented the date ${plain.slice(start, end).replace(/[.\s]+$/, "")}`)
    }
  }
  const undated = blank(plain, dated)
  const today = now === undefined ? undefined : localDay(now, timeZone)
  for (const { fits, says, words } of looseDays(undated)) {
    if (says.test(all) || [...days].some(fits)) continue
    const meant = daysMeant(words, now, timeZone).filter((day) => day !== today)
    if (meant.length > 0 && meant.every((day) => days.has(day))) continue
    reasons.add(`invented the date ${words}`)
  }

  const times = new Set(given.flatMap((one) => timesIn(one.text).map(({ minutes }) => minutes)))
  const timed = timesIn(undated)
  for (const { minutes, words } of timed) {
    if (!times.has(minutes)) reasons.add(`invented the time ${words.trim()}`)
  }

  const numbers = new Set([
    ...given.flatMap((one) => numbersIn(one.text).map(({ value }) => value)),
    ...given.flatMap((one) => numbersInWords(one.text).map(({ value }) => value)),
  ])
  const counted = blank(undated, timed)
  for (const { value, words } of numbersIn(counted)) {
    // `12 500` is read both ways; so is what it may rest on.
    if (numbers.has(value) || wrong.has(value)) continue
    if (/^\d{1,3}(?: \d{3})+$/.test(words)) continue
    reasons.add(`invented the number ${words}`)
  }
  for (const { isMoney, value, words } of numbersInWords(counted)) {
    if (numbers.has(value) || wrong.has(value) || (value < wordsFrom && !isMoney)) continue
    reasons.add(`invented the number ${words}`)
  }

  for (
    const name of unknownNames(plain, wordsOf(all), languageOf(text)?.startsWith("de") ?? false)
  ) {
    reasons.add(`invented the name ${name}`)
  }
  for (const { rests, says } of claims) {
    const hit = says.exec(plain)
    if (hit !== null && !rests.test(all)) {
      reasons.add(`claims ${hit[0].toLowerCase()}, which nobody wrote`)
    }
  }
  return [...reasons].slice(0, reasonsMax)
}
