/**
 * Numbers, times of day and amounts of a text in one form, however they are written: `1.200 EUR`, `€1,200.00`,
 * `1.2k €` and `twelve hundred euros` are the same, `3 pm` is `15:00`.
 */
import { type AmountRead, currencyOf, everyAmountIn } from "./reading-amounts.ts"
import { decimalsOf } from "./currencies.ts"

/** Text beyond is not read. */
const charsMax = 60_000
const numbersMax = 2_000

const number =
  /(?<![\d.,])(\d{1,3}(?:[.,'’]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?)(?:\s?(k|m)(?![\p{L}\d]))?/giu

const valueOf = (digits: string, scale: string | undefined): number => {
  const parts = digits.split(/[.,'’]/)
  const last = parts.at(-1) ?? ""
  const hasDecimals = parts.length > 1 && last.length !== 3
  const whole = (hasDecimals ? parts.slice(0, -1) : parts).join("")
  const value = Number(hasDecimals ? `${whole}.${last}` : whole)
  const by = scale?.toLowerCase()
  return by === "k" ? value * 1_000 : by === "m" ? value * 1_000_000 : value
}

export interface NumberFound {
  readonly value: number
  readonly words: string
}

/** Numbers in digits. `#1042` and `INV-1042` are 1042; `12 500` is three numbers: 12, 500 and 12500. */
export const numbersIn = (text: string): ReadonlyArray<NumberFound> => {
  const found: Array<NumberFound> = []
  const plain = text.slice(0, charsMax)
  for (const hit of plain.matchAll(number)) {
    found.push({ value: valueOf(hit[1]!, hit[2]), words: hit[0].trim() })
    if (found.length >= numbersMax) return found
  }
  for (const hit of plain.matchAll(/(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)/g)) {
    found.push({ value: Number(hit[0].replaceAll(" ", "")), words: hit[0] })
  }
  return found
}

const english: Readonly<Record<string, number>> = Object.fromEntries(
  ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen " +
    "sixteen seventeen eighteen nineteen").split(" ").map((name, n) => [name, n]).concat(
      "twenty thirty forty fifty sixty seventy eighty ninety".split(" ").map((
        name,
        n,
      ) => [name, 20 + 10 * n]),
    ),
)
const scales: Readonly<Record<string, number>> = {
  hundred: 100,
  thousand: 1_000,
  million: 1_000_000,
}
const small = Object.keys(english).join("|")
const inEnglish = new RegExp(
  `(?<![\\p{L}\\d])(?:${small})(?:(?:[ -]|,? and )(?:${small}|hundred|thousand|million)){0,8}(?!\\p{L})`,
  "giu",
)
const germanSmall: Readonly<Record<string, number>> = {
  ein: 1,
  eins: 1,
  zwei: 2,
  drei: 3,
  vier: 4,
  fünf: 5,
  sechs: 6,
  sieben: 7,
  acht: 8,
  neun: 9,
  zehn: 10,
  elf: 11,
  zwölf: 12,
  dreizehn: 13,
  vierzehn: 14,
  fünfzehn: 15,
  sechzehn: 16,
  siebzehn: 17,
  achtzehn: 18,
  neunzehn: 19,
  zwanzig: 20,
  dreißig: 30,
  vierzig: 40,
  fünfzig: 50,
  sechzig: 60,
  siebzig: 70,
  achtzig: 80,
  neunzig: 90,
}
const germanPart = Object.keys(germanSmall).sort((a, b) => b.length - a.length).join("|")
const moneyWords = "euros?|dollars?|pounds?|francs?|franken|pfund|eur|usd|gbp|chf|pln|yen"
const unitBehind = new RegExp(`^[ -]?(${moneyWords})(?!\\p{L})`, "iu")
const inGerman = new RegExp(
  `(?<![\\p{L}\\d])(?:(?:${germanPart})|und|hundert|tausend){2,12}(?![\\p{L}])|` +
    `(?<![\\p{L}\\d])(?:${germanPart}|hundert|tausend)(?=\\s(?:${moneyWords})(?!\\p{L}))`,
  "giu",
)

const englishValue = (words: string): number => {
  let total = 0
  let current = 0
  for (const word of words.toLowerCase().split(/[ ,-]+/)) {
    if (word === "and" || word === "") continue
    const scale = scales[word]
    if (scale === undefined) current += english[word] ?? 0
    else if (scale === 100) current = (current || 1) * 100
    else {
      total += (current || 1) * scale
      current = 0
    }
  }
  return total + current
}
const germanBelow1000 = (word: string): number => {
  const at = word.indexOf("hundert")
  const hundreds = at < 0 ? 0 : 100 * (germanSmall[word.slice(0, at)] ?? 1)
  const rest = (at < 0 ? word : word.slice(at + 7)).replace(/^und/, "")
  const known = germanSmall[rest]
  if (known !== undefined) return hundreds + known
  const [ones = "", tens = ""] = rest.split("und")
  return hundreds + (germanSmall[ones] ?? 0) + (germanSmall[tens] ?? 0)
}
const germanValue = (words: string): number => {
  const word = words.toLowerCase()
  const at = word.indexOf("tausend")
  if (at < 0) return germanBelow1000(word)
  return 1_000 * (at === 0 ? 1 : germanBelow1000(word.slice(0, at))) +
    germanBelow1000(word.slice(at + 7).replace(/^und/, ""))
}

export interface WordsFound extends NumberFound {
  readonly start: number
  /** Behind the number, without its unit. */
  readonly end: number
  readonly isMoney: boolean
  /** Of money, with the word for it. */
  readonly unit: string
}

/** Numbers in words, with the unit right after them: `five thousand euros`, `fünftausend Euro`. */
export const numbersInWords = (text: string): ReadonlyArray<WordsFound> => {
  const plain = text.slice(0, charsMax)
  const read = (pattern: RegExp, value: (words: string) => number) =>
    [...plain.matchAll(pattern)].slice(0, numbersMax).map((hit) => {
      const [start, end] = [hit.index, hit.index + hit[0].length]
      const unit = unitBehind.exec(plain.slice(end, end + 12))?.[0] ?? ""
      return { value: value(hit[0]), words: hit[0], start, end, unit, isMoney: unit !== "" }
    }).filter(({ value }) => value > 0)
  return [...read(inEnglish, englishValue), ...read(inGerman, germanValue)]
}

/** More than this nobody says in words, and sums stay exact. */
const inWordsMax = 1e10
/** `twenty-five thousand dollars`, `zweitausend CHF`: the amounts whose number is in words. */
export const amountsInWords = (
  text: string,
): ReadonlyArray<AmountRead & { readonly start: number; readonly end: number }> =>
  numbersInWords(text).flatMap(({ end, start, unit, value }) => {
    const currency = currencyOf(unit.replace(/^[ -]/, ""))
    if (currency === undefined || value > inWordsMax) return []
    const minor = value * 10 ** decimalsOf(currency)
    return [{ minor, currency, start, end: end + unit.length }]
  })

const time =
  /(?<![\d.,:])(?:(\d{1,2})(?:[:.](\d{2}))?\s?(am|pm|a\.m\.|p\.m\.|uhr|o'clock)(?![\p{L}\d])|(\d{1,2}):(\d{2})(?![\d:]))/giu

/** Times of day as minutes since midnight. */
export const timesIn = (
  text: string,
): ReadonlyArray<
  { readonly start: number; readonly end: number; readonly minutes: number; readonly words: string }
> =>
  [...text.slice(0, charsMax).matchAll(time)].flatMap((hit) => {
    const half = hit[3]?.toLowerCase()
    const hour = Number(hit[1] ?? hit[4])
    const hours = half?.startsWith("p") && hour < 12
      ? hour + 12
      : half?.startsWith("a") && hour === 12
      ? 0
      : hour
    const minutes = hours * 60 + Number(hit[2] ?? hit[5] ?? 0)
    return hours > 24
      ? []
      : [{ start: hit.index, end: hit.index + hit[0].length, minutes, words: hit[0] }]
  })

const currency = "€|\\$|£|eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?|franken"
/** `1,000 to 1,500 EUR`: the currency stands once and means both. */
const range = new RegExp(
  `(\\d[\\d.,'’]{0,12})\\s?(?:-|–|—|to|bis|and|und|or|oder)\\s?(\\d[\\d.,'’]{0,12}(?:\\s?k)?)\\s?(${currency})(?!\\p{L})`,
  "giu",
)

/**
 * All amounts of a text, each once, however many there are. A line's end may stand in the middle of an
 * amount, or between two numbers: both ways to read it count.
 */
export const allAmountsIn = (text: string): ReadonlyArray<AmountRead> => {
  const found = new Map<string, AmountRead>()
  const spread = text.slice(0, charsMax).replace(range, "$1 $3, $2 $3")
  for (const paragraph of spread.split(/\n[ \t]*\n/)) {
    for (const way of new Set([paragraph.replace(/\s+/g, " "), paragraph])) {
      const inWords = amountsInWords(way).map(({ currency, minor }) => ({ minor, currency }))
      for (const one of [...everyAmountIn(way), ...inWords]) {
        found.set(`${one.minor} ${one.currency}`, one)
      }
    }
  }
  return [...found.values()]
}

const grouped = (whole: number) => String(whole).replace(/\B(?=(\d{3})+$)/g, ",")
/** `1,200 EUR`, `89.50 USD`. */
export const amountWords = ({ currency, minor }: AmountRead): string => {
  const unit = 10 ** decimalsOf(currency)
  const cents = minor % unit
  const decimals = cents === 0 ? "" : `.${String(cents).padStart(decimalsOf(currency), "0")}`
  return `${grouped(Math.floor(minor / unit))}${decimals} ${currency}`
}
