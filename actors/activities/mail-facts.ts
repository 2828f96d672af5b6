/** What a drafted mail is made from, and how money, dates and quotes are said in the mail's language. */
import { DateTime, Option } from "effect"
import type { InvoiceFacts, Purpose } from "../../machines/executor.ts"
import type { Language, Money } from "../../machines/record.ts"
import { decimalsOf } from "../currencies.ts"

/** Longer quotes are cut at a word; at most so many questions are quoted. */
const quoteCharsMax = 160
const questionsMax = 2

/** What a draft is made from, opened. */
export interface Facts {
  readonly language: Language
  readonly purpose: Purpose
  readonly firstName: string
  /** As it is signed; empty where it is not a person's. */
  readonly fullName: string
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
  /** In words: the dates and times that are named, the invoice's, that of the next meeting. */
  readonly dates: ReadonlyArray<string>
  readonly times: ReadonlyArray<string>
  /** The words something was asked for by a date with. */
  readonly wanted?: string
  readonly invoiceDue?: string
  readonly nextMeeting?: string
  readonly signature: string
}

export type Line = string | undefined
export const lines = (...all: ReadonlyArray<Line>) =>
  all.flatMap((one) => one === undefined || one === "" ? [] : [one])

/** The words of one language. */
export interface Voice {
  readonly greeting: (facts: Facts) => string
  readonly subject: (facts: Facts) => string
  readonly bodies: { readonly [purpose in Purpose]: (facts: Facts) => ReadonlyArray<Line> }
}

const isGerman = (language: Language) => language !== "en"

const names = {
  en: {
    weekdays: "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" "),
    months: "January February March April May June July August September October November December"
      .split(" "),
  },
  de: {
    weekdays: "Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag".split(" "),
    months: "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
      .split(" "),
  },
}

const partsOf = (timeZone: string) => {
  const zone = Option.getOrElse(
    DateTime.zoneFromString(timeZone),
    () => DateTime.zoneMakeOffset(0),
  )
  return (millis: number) => DateTime.toParts(DateTime.makeZonedUnsafe(millis, { timeZone: zone }))
}

/** `Tuesday 24 November`, `Dienstag, 24. November`; the year where it is another than that of `now`. */
export const dateWords = (
  at: number,
  timeZone: string,
  now: number,
  language: Language = "en",
): string => {
  const parts = partsOf(timeZone)
  const { day, month, weekDay, year } = parts(at)
  const { months, weekdays } = names[isGerman(language) ? "de" : "en"]
  const [weekday, named] = [weekdays[weekDay % 7], months[month - 1]]
  const said = isGerman(language) ? `${weekday}, ${day}. ${named}` : `${weekday} ${day} ${named}`
  return year === parts(now).year ? said : `${said} ${year}`
}

/** `Wednesday 25 November at 10:00`, `Mittwoch, 25. November um 10:00 Uhr`. */
export const timeWords = (at: number, timeZone: string, now: number, language: Language) => {
  const { hour, minute } = partsOf(timeZone)(at)
  const clock = `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`
  const day = dateWords(at, timeZone, now, language)
  return isGerman(language) ? `${day} um ${clock} Uhr` : `${day} at ${clock}`
}

/** `1,200 EUR`, `89.50 EUR`, `5,000 JPY`; in German `1.200 EUR`, `89,50 EUR`. */
export const moneyWords = ({ currency, minor }: Money, language: Language = "en"): string => {
  const [thousands, comma] = isGerman(language) ? [".", ","] : [",", "."]
  const decimals = decimalsOf(currency)
  const digits = String(Math.abs(minor)).padStart(decimals + 1, "0")
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, thousands)
  const part = digits.slice(digits.length - decimals)
  const sign = minor < 0 ? "-" : ""
  return `${sign}${whole}${/[1-9]/.test(part) ? `${comma}${part}` : ""} ${currency}`
}

export const oneLine = (text: string) => text.replace(/[\p{Cc}\s]+/gu, " ").trim()

export const cut = (text: string, charsMax: number) => {
  const chars = [...text]
  if (chars.length <= charsMax) return text
  const kept = chars.slice(0, charsMax - 1).join("")
  const space = kept.lastIndexOf(" ")
  return `${(space > charsMax / 2 ? kept.slice(0, space) : kept).trimEnd()}…`
}

/** The sum where all are of one currency. */
export const sum = (amounts: ReadonlyArray<Money>): Money | undefined => {
  const [first] = amounts
  return first === undefined || amounts.some(({ currency }) => currency !== first.currency)
    ? undefined
    : { minor: amounts.reduce((all, { minor }) => all + minor, 0), currency: first.currency }
}

/** Words by which one sees what a quote is about. */
const speaksOf: { readonly [intent: string]: RegExp } = {
  accepts: /\b(?:accept|agree|go ahead|happy to|einverstanden|beauftrag|nehmen)/i,
  asksMeeting: /\b(?:meet|call|talk|speak|chat|available|free|termin|treffen|telefon|sprech)/i,
  asksPrice: /\b(?:cost|price|pricing|rate|fee|quote|offer|kost|preis|angebot)/i,
  namesBudget: /\d/,
  complains: /\b(?:charged|twice|unacceptable|angry|wrong|abgebucht|doppelt|beschwer)/i,
}

/** What is answered, and whether that are questions. */
export interface Quoted {
  readonly asks: boolean
  readonly words: ReadonlyArray<string>
}

/**
 * The words that are answered: the questions, where what is answered are questions; else those about
 * what is answered; else the first.
 */
export const quoted = (
  { quotes }: Facts,
  intents: ReadonlyArray<string> = ["complains"],
): Quoted => {
  const all = quotes.map(oneLine).filter((one) => one !== "")
  const questions = all.filter((one) => one.endsWith("?")).slice(0, questionsMax)
  if (questions.length > 0 && intents[0] !== "accepts" && intents[0] !== "complains") {
    return { asks: true, words: questions.map((one) => cut(one, quoteCharsMax)) }
  }
  const about = intents.flatMap((intent) => speaksOf[intent] ?? [])
  const quote = about.map((words) => all.find((one) => words.test(one)))
    .find((one) => one !== undefined) ?? all[0]
  return { asks: false, words: quote === undefined ? [] : [cut(quote, quoteCharsMax)] }
}

/** What came in of an invoice that is paid in part. */
export const paidOf = ({ owed, total }: InvoiceFacts): Money | undefined =>
  owed === undefined || owed.currency !== total.currency
    ? undefined
    : { minor: total.minor - owed.minor, currency: total.currency }
