/**
 * Reads amounts of money with their currency: `1,200 EUR`, `1.200 €`, `€1.2k`, `CHF 1'200.50`. A number
 * without a currency is no amount. What groups thousands and what parts cents is told by how many digits
 * follow: `1,200` and `1.200` are both twelve hundred. `1,5 Mio. €` is a million and a half.
 */

import { decimalsOf } from "./currencies.ts"

export interface AmountRead {
  /** In the smallest unit. */
  readonly minor: number
  readonly currency: string
}

/** More than this nobody writes in a mail, and sums stay exact. */
const minorMax = 1e12
const amountsMax = 10

const number = "\\d{1,3}(?:[.,'’ ]\\d{3}){1,3}(?:[.,]\\d{1,2})?|\\d{1,9}(?:[.,]\\d{1,2})?"
/** `3.500,-` and `480.–`: no cents. */
const noCents = "(?:[.,]\\s?[-–—]{1,2})?"
const scale =
  "[km](?=[\\s€$£¥.,;:!?)]|$)|thousand|tausend|tsd\\.?|millions?|millionen|mio\\.?|mn|billions?|bn|milliarden?|mrd\\.?"
const signs = "€|\\$|£|¥|zł"
const codes = "eur|usd|gbp|chf|pln|jpy|sek|nok|dkk|czk|huf|cad|aud"
const before = `${signs}|${codes}|sfr\\.?`
const after = `${signs}|${codes}|euros?|dollars?|pounds?|francs?|franken|dólares|złotych|yen`
const amount = new RegExp(
  `(?<![\\p{L}\\d.,])(?:(${before})\\s?(${number})${noCents}(?:\\s?(${scale})(?!\\p{L}))?(?![\\d])|` +
    `(${number})${noCents}\\s?(${scale})?\\s?(${after})(?!\\p{L}))`,
  "giu",
)

const currencies: Readonly<Record<string, string>> = {
  "€": "EUR",
  euro: "EUR",
  euros: "EUR",
  "$": "USD",
  dollar: "USD",
  dollars: "USD",
  dólares: "USD",
  "£": "GBP",
  pound: "GBP",
  pounds: "GBP",
  pfund: "GBP",
  sfr: "CHF",
  franc: "CHF",
  francs: "CHF",
  franken: "CHF",
  zł: "PLN",
  złotych: "PLN",
  "¥": "JPY",
  yen: "JPY",
}
/** The currency of a word or a sign. */
export const currencyOf = (words: string): string | undefined => {
  const word = words.toLowerCase().replace(/\.$/, "")
  return currencies[word] ?? (codes.split("|").includes(word) ? word.toUpperCase() : undefined)
}

const scaleOf = (words: string | undefined): number => {
  const word = words?.toLowerCase() ?? ""
  if (word === "") return 1
  if (/^(?:b|mrd|milliard)/.test(word)) return 1_000_000_000
  return word.startsWith("m") ? 1_000_000 : 1_000
}

/** In the currency's smallest unit. A separator with three digits behind it groups. */
const minorOf = (digits: string, scaled: string | undefined, currency: string): number => {
  const parts = digits.split(/[.,'’ ]/)
  const last = parts.at(-1) ?? ""
  const by = scaleOf(scaled)
  // `1.234 million` has no thousands before its millions.
  const hasCents = parts.length > 1 &&
    (last.length < 3 || (by >= 1_000_000 && parts.length === 2 && /[.,]/.test(digits)))
  const whole = (hasCents ? parts.slice(0, -1) : parts).join("")
  const cents = Number(`${whole}${hasCents ? last.padEnd(2, "0") : "00"}`) *
    (last.length === 3 && hasCents ? by / 10 : by)
  return Math.round(cents * 10 ** (decimalsOf(currency) - 2))
}

export interface AmountFound extends AmountRead {
  /** Where it stands. */
  readonly start: number
  readonly end: number
}

/** The amounts of a text with their places. */
export const amountSpansIn = (text: string): ReadonlyArray<AmountFound> =>
  [...text.matchAll(amount)].flatMap((hit) => {
    const currency = currencyOf(hit[1] ?? hit[6] ?? "")
    if (currency === undefined) return []
    const minor = minorOf(hit[2] ?? hit[4] ?? "", hit[3] ?? hit[5], currency)
    return minor > 0 && minor <= minorMax
      ? [{ minor, currency, start: hit.index, end: hit.index + hit[0].length }]
      : []
  })

/** The amounts of a text, each once, in the order they stand there, however many there are. */
export const everyAmountIn = (text: string): ReadonlyArray<AmountRead> => [
  ...new Map(
    amountSpansIn(text).map(({ currency, minor }) => [`${minor} ${currency}`, { minor, currency }]),
  ).values(),
]

/** The first of them. */
export const amountsIn = (text: string): ReadonlyArray<AmountRead> =>
  everyAmountIn(text).slice(0, amountsMax)
