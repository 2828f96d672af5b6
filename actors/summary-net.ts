/**
 * The net below the facts that a summary is held to: the numbers and shares that are no amounts and no days, what
 * binds somebody or takes it back however it is said, and the signs that something is meant which no rule
 * can read. A sentence with such a sign is a fact itself, word for word: what nobody understands is not
 * lost in silence.
 */
import { daysIn, localDay } from "./grounded-dates.ts"
import { amountsInWords, numbersIn, numbersInWords, timesIn } from "./grounded-numbers.ts"
import { amountSpansIn } from "./reading-amounts.ts"
import { isPromise } from "./reading-commitments.ts"
import { invoiceNamed } from "./reading-rules.ts"

const words = (pattern: string) => new RegExp(`(?<![\\p{L}\\d])(?:${pattern})(?![\\p{L}\\d])`, "iu")

/** A promise of whoever it is, or something that binds. */
const binds = words(
  "will|shall|won['’]t|(?:\\p{L}{1,20}['’])ll|" +
    "(?:said|says|told|agreed|confirmed|assured|hoped?) .{0,60}(?:would|could)|" +
    "(?:is|are|am|['’]re|['’]m) (?:to|going to) \\p{Ll}{2,20}|let me|" +
    "accept(?:s|ed|ance)?|agree[ds]?|deal|done deal|confirm(?:s|ed)?|approve[ds]?|refuse[sd]?|decline[sd]?|reject(?:s|ed)?|" +
    "einverstanden|angenommen|nehm(?:e|en) .{0,60}an|zugestimmt|stimm(?:e|en|t) .{0,40}zu|bestätig\\p{L}{1,4}|lehn(?:e|en|t) .{0,60}ab|abgelehnt|mach(?:e|en|t) (?:wir|ich) .{0,40}gern|" +
    "promis(?:e[sd]?|ing)|commit(?:s|ted|ment)?|pledge[sd]?|guarantee[sd]?|assure[sd]?|vow(?:s|ed)?|sw(?:ear|ore)|" +
    "undert(?:ake[sn]?|ook)|(?:my|our|his|her|their) word|count on|rely on|depend on|consider it done|be with you|" +
    "wird|werde[nt]?|zugesagt|zugesichert|zusage[n]?|zusicherung|sag(?:e|t|en|te) .{0,60}zu|sichern? .{0,60}zu|" +
    "versprochen|verspr(?:ech|ich|ach)\\p{L}{0,4}|garantier\\p{L}{1,4}|garantie|verpflicht\\p{L}{1,6}|" +
    "kümmer[nte]{1,3}|übern(?:ehm|imm|ahm)\\p{L}{0,3}|verlass\\p{L}{0,3}|ehrenwort|" +
    "(?:sie|du|ihr) (?:bekomm|erhalt|erhält)\\p{L}{1,3}|(?:bekomm|erhalt|erhält)\\p{L}{1,3} (?:sie|du|ihr)",
)
const asks = /\?["”’)]{0,2}$/
/** Whether somebody is bound by a sentence, in whatever words. */
export const isBinding = (sentence: string): boolean =>
  isPromise(sentence) || (binds.test(sentence) && !asks.test(sentence))

/** What was said before is not so any more. */
const takesBack = words(
  "(?:tak(?:e[ns]?|ing)|took) (?:\\p{L}{1,20} ){0,5}back|scratch that|forget (?:it|that|about|what)|(?:never ?|don['’]t )mind|" +
    "retract(?:s|ed|ing)?|with(?:draw[ns]?|drew|drawing)|revoke[sd]?|call(?:s|ed|ing)? (?:\\p{L}{1,20} ){0,3}off|(?:is|are|was|it['’]s) off|no longer|(?:not|cannot|\\p{L}{2,7}n['’]t) (?:\\p{L}{1,20} ){0,6}any ?more|" +
    "not .{0,80}after all|changed (?:my|our|his|her|their) minds?|disregard|cancel(?:s|led|ed|ling|lation)?|null and void|" +
    "zurück(?:ge|zu)?(?:nehm|nomm|zieh|zog|tret)\\p{L}{0,4}|(?:nehm|nimm|zieh|tret|tritt|nahm|zog)\\p{L}{0,3} .{0,80}zurück|" +
    "widerruf\\p{L}{0,4}|doch (?:nicht|kein\\p{L}{0,3})|nicht mehr|kein\\p{L}{0,3} .{0,30}mehr|hinfällig|stornier\\p{L}{0,4}|storno|gilt nicht|" +
    "(?:row(?:s|ed|ing)?|back(?:s|ed|ing)?|pull(?:s|ed|ing)?|step(?:s|ped|ping)?|drop(?:s|ped|ping)?) (?:\\p{L}{1,20} ){0,3}(?:back|out|down)|fall(?:en|s|ing)? through|fell through|ignore|too soon|is dead|unable to|rückzieher|geplatzt|platzt|" +
    "(?:ge|auf)?kündig\\p{L}{1,5}|absag(?:e|en|t)|abgesagt|sag(?:e|en|t) .{0,60}ab|rückgängig|vergiss|vergessen sie",
)
export const isRetraction = (sentence: string): boolean => takesBack.test(sentence)

const negation = words(
  "not|cannot|never|no|nobody|none|nothing|neither|nor|unable|without|\\p{L}{2,7}n['’]t|nicht|nie|niemals|niemand|nichts|keine?[nrms]?|weder|ohne",
)
/** `will not send` is no promise to send. */
export const isNegated = (sentence: string): boolean => negation.test(sentence)

const percent = "%|percent|per ?cent|pct|prozent"
const percents = new RegExp(`(\\d[\\d.,]{0,12})\\s?(?:${percent})(?!\\p{L})`, "giu")
const percentBehind = new RegExp(`^[ -]?(?:${percent})(?!\\p{L})`, "iu")
/** The usual number words that `numbersInWords` needs a unit for. `ein` and `one` are as often no numbers. */
const germanAlone = "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig"
  .split(" ")
const germanValues = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 30]
/** `half` and `twice` in both languages are numbers too. */
const halves = /(?<![\p{L}\d])(?:half|halbe[rsnm]?|hälfte)(?!\p{L})/giu
const doubles = /(?<![\p{L}\d])(?:twice|double[sd]?|doppelt(?:e[rsnm]?)?|zweimal)(?!\p{L})/giu
const inGermanAlone = new RegExp(`(?<![\\p{L}\\d])(?:${germanAlone.join("|")})(?!\\p{L})`, "giu")
const spacedNumber = /(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d])/g
const linked = /[\p{L}\d._%+-]{1,64}@[\p{L}\d.-]{1,120}|(?:https?:\/\/|www\.)[^\s<>")\]]{1,300}/giu
/** That a number or money is meant which no rule above has read. */
const unread = new RegExp(
  `[\\p{Sc}%‰]|(?<![\\p{L}])(?:${percent}|bucks?|quid|grand|kr|sfr|rs|cents?|ct|pence|euros?|eur|dollars?|pounds?|francs?|` +
    "franken|rappen|pfund|kron(?:er|or|en|a|e)|crowns?|z[łl]ot(?:y|ys|ych|e)|złoty|rupees?|yen|yuan|usd|gbp|chf|pln|sek|nok|dkk|czk|jpy|" +
    "hundreds?|thousands?|millions?|billions?|\\p{L}{0,20}hundert|\\p{L}{0,20}tausende?|million(?:en)?|milliarden?|mio|mrd|tsd|dozens?|" +
    "dutzend|halb|anderthalb\\p{L}{0,10}|fortnights?|(?:an? )?couple of|" +
    "thirds?|quarters?|drittel\\p{L}{0,2}|viertel|free of charge|for free|kostenlos|kostenfrei|gratis|at least|at most|up to|no more than|mindestens|höchstens|" +
    "(?:per|pro) (?:hour|day|week|month|quarter|year|stunde|tag|woche|monat|quartal|jahr)|vat|mwst|ust|deposit|" +
    "(?:end|middle|beginning|start) of (?:the |this |next |last )?(?:week|month|quarter|year|spring|summer|autumn|fall|winter)|" +
    "(?:jahres|monats|quartals|wochen)(?:ende|anfang)|ende (?:des|der|dieses|dieser|nächsten) \\p{L}{3,20}|" +
    "spring|summer|autumn|winter|frühjahr|frühling|sommer|herbst|advent|easter|christmas|ostern|weihnachten|new year|neujahr|silvester|übermorgen)(?!\\p{L})",
  "iu",
)
/** A number with a word behind it, as no address and no telephone has. */
const counts = /\d \p{Ll}/u

interface Span {
  readonly start: number
  readonly end: number
}
const blank = (text: string, spans: ReadonlyArray<Span>) =>
  spans.reduce(
    (rest, { end, start }) => rest.slice(0, start) + " ".repeat(end - start) + rest.slice(end),
    text,
  )
const spansOf = (text: string, pattern: RegExp): ReadonlyArray<Span> =>
  [...text.matchAll(pattern)].map((hit) => ({ start: hit.index, end: hit.index + hit[0].length }))

const plainNumber = (digits: string): string | undefined => {
  const [one] = numbersIn(digits)
  return one === undefined ? undefined : String(one.value)
}

export interface NumberMeant {
  /** `19 %`, `48`. */
  readonly value: string
  readonly words: string
}

/** Shares, in digits or in words, with their places. */
const sharesIn = (text: string): ReadonlyArray<NumberMeant & Span> => [
  ...[...text.matchAll(percents)].flatMap((hit) => {
    const value = plainNumber(hit[1] ?? "")
    const span = { start: hit.index, end: hit.index + hit[0].length }
    return value === undefined ? [] : [{ value: `${value} %`, words: hit[0], ...span }]
  }),
  ...numberWordsIn(text).flatMap(({ end, start, value, words }) => {
    const unit = percentBehind.exec(text.slice(end, end + 12))?.[0]
    return unit === undefined
      ? []
      : [{ value: `${value} %`, words: `${words}${unit}`, start, end: end + unit.length }]
  }),
]

/** Number words of both languages. */
const numberWordsIn = (text: string) => {
  const read = numbersInWords(text)
  const alone = [...text.matchAll(inGermanAlone)].map((hit) => ({
    value: germanValues[germanAlone.indexOf(hit[0].toLowerCase())] ?? 0,
    words: hit[0],
    start: hit.index,
    end: hit.index + hit[0].length,
  }))
  const said = (pattern: RegExp, value: number) =>
    [...text.matchAll(pattern)].map((hit) => ({
      value,
      words: hit[0],
      start: hit.index,
      end: hit.index + hit[0].length,
    }))
  return [
    ...read,
    ...said(halves, 0.5),
    ...said(doubles, 2),
    ...alone.filter((one) => !read.some(({ end, start }) => one.start < end && start < one.end)),
  ]
}

export interface Net {
  readonly numbers: ReadonlyArray<NumberMeant>
  /** Something is meant that was not read: the sentence has to stand as it is. */
  readonly isUnread: boolean
}

/** What the facts of a sentence leave over. `covered` are the places that facts of other kinds have. */
export const netOf = (sentence: string, written: string, covered: ReadonlyArray<Span>): Net => {
  const rest = blank(sentence, [
    ...covered,
    ...spansOf(sentence, linked),
    ...spansOf(sentence, invoiceNamed),
    ...daysIn(sentence, written),
    ...timesIn(sentence),
    ...amountSpansIn(sentence),
    ...amountsInWords(sentence),
  ])
  const shares = sharesIn(rest)
  const unshared = blank(rest, shares)
  const grouped = [...unshared.matchAll(spacedNumber)].map((hit) => ({
    value: hit[0].replaceAll(" ", ""),
    words: hit[0],
    start: hit.index,
    end: hit.index + hit[0].length,
  }))
  const ungrouped = blank(unshared, grouped)
  const inWords = numberWordsIn(ungrouped).filter(({ value }) => value !== 1)
  const digits = numbersIn(ungrouped).map(({ value, words }) => ({ value: String(value), words }))
  const numbers = [
    ...shares,
    ...grouped,
    ...digits,
    ...inWords.map(({ value, words }) => ({ value: String(value), words })),
  ].map(({ value, words }) => ({ value, words }))
  return { numbers, isUnread: unread.test(blank(ungrouped, inWords)) }
}

/** Whether a short sentence, or one that looks like a signature, says something all the same. */
export const hasSigns = (sentence: string): boolean => {
  const { isUnread, numbers } = netOf(sentence, localDay(0, "UTC"), [])
  return isUnread || counts.test(sentence) ||
    numbers.some(({ value, words }) => value.endsWith("%") || !/\d/.test(words))
}

/** Whether a text has a number, in digits or in words. */
export const saysNumber = (text: string, value: string): boolean =>
  value.endsWith("%")
    ? sharesIn(text).some((one) => one.value === value)
    : numbersIn(text).some((one) => String(one.value) === value) ||
      numberWordsIn(text).some((one) => String(one.value) === value)
