/**
 * Reads amounts of money with their currency: `1,200 EUR`, `1.200 €`, `€1.2k`, `CHF 1'200.50`. A number
 * without a currency is no amount. What groups thousands and what parts cents is told by how many digits
 * follow: `1,200` and `1.200` are both twelve hundred.
 */

export interface AmountRead {
  /** In the smallest unit. */
  readonly minor: number
  readonly currency: string
}

/** More than this nobody writes in a mail, and sums stay exact. */
const minorMax = 1e12
const amountsMax = 10

const number = "\\d{1,3}(?:[.,'’ ]\\d{3}){1,3}(?:[.,]\\d{1,2})?|\\d{1,9}(?:[.,]\\d{1,2})?"
const before = "€|\\$|£|eur|usd|gbp|chf"
const after = "€|\\$|£|eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?|franken|dólares"
const amount = new RegExp(
  `(?<![\\p{L}\\d.,])(?:(${before})\\s?(${number})\\s?([km](?!\\p{L}))?(?![\\d])|` +
    `(${number})\\s?([km](?=[\\s€$£]))?\\s?(${after})(?!\\p{L}))`,
  "giu",
)

const currencies: Readonly<Record<string, string>> = {
  "€": "EUR",
  eur: "EUR",
  euro: "EUR",
  euros: "EUR",
  "$": "USD",
  usd: "USD",
  dollar: "USD",
  dollars: "USD",
  dólares: "USD",
  "£": "GBP",
  gbp: "GBP",
  pound: "GBP",
  pounds: "GBP",
  chf: "CHF",
  franc: "CHF",
  francs: "CHF",
  franken: "CHF",
}
const scales: Readonly<Record<string, number>> = { k: 1_000, m: 1_000_000 }

/** Cents. A separator with three digits behind it groups. */
const minorOf = (digits: string, scale: string | undefined): number => {
  const parts = digits.split(/[.,'’ ]/)
  const last = parts.at(-1) ?? ""
  const hasCents = parts.length > 1 && last.length < 3
  const whole = (hasCents ? parts.slice(0, -1) : parts).join("")
  const cents = hasCents ? last.padEnd(2, "0") : "00"
  return Number(whole + cents) * (scales[scale?.toLowerCase() ?? ""] ?? 1)
}

/** The amounts of a text, each once, in the order they stand there, however many there are. */
export const everyAmountIn = (text: string): ReadonlyArray<AmountRead> => {
  const found = new Map<string, AmountRead>()
  for (const hit of text.matchAll(amount)) {
    const currency = currencies[(hit[1] ?? hit[6] ?? "").toLowerCase()]
    const minor = minorOf(hit[2] ?? hit[4] ?? "", hit[3] ?? hit[5])
    if (currency === undefined || !(minor > 0 && minor <= minorMax)) continue
    found.set(`${minor} ${currency}`, { minor, currency })
  }
  return [...found.values()]
}

/** The first of them. */
export const amountsIn = (text: string): ReadonlyArray<AmountRead> =>
  everyAmountIn(text).slice(0, amountsMax)
