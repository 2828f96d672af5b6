/**
 * Questions made from the facts of a subject, for the recall test: each is answered by one fact, and whether
 * an answer names that fact is told by rules.
 */
import { daysIn, dayWords, localDay } from "./grounded-dates.ts"
import { allAmountsIn, numbersIn } from "./grounded-numbers.ts"
import { datesIn } from "./reading-dates.ts"
import { dayEndsAt, type Fact } from "./summary-facts.ts"
import { says, saysDay } from "./summary-keeps.ts"

const cut = "___"
const money =
  /(?:€|\$|£|(?<!\p{L})(?:eur|usd|gbp|chf))\s?\d[\d.,'’]*(?:\s?k)?|\d[\d.,'’]*(?: \d{3})*(?:\s?k)?\s?(?:€|\$|£|(?:eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?|franken)(?!\p{L}))/giu

const questionCharsMax = 160
const shortened = (sentence: string) => {
  if (sentence.length <= questionCharsMax) return sentence
  const at = Math.max(0, sentence.indexOf(cut) - questionCharsMax / 2)
  return `…${sentence.slice(at, at + questionCharsMax).trim()}…`
}

/** A question that the fact answers; undefined where its sentence would leave it open which is meant. */
export const questionOf = (fact: Fact, timeZone: string): string | undefined => {
  const { at, by, kind, sentence } = fact
  const who = `${by === "you" ? "the founder" : by || "a customer"}, ${
    dayWords(localDay(at, timeZone))
  }`
  if (kind === "name" || (kind !== "amount" && fact.days.length !== 1)) return undefined
  if (kind === "amount") {
    const hits = sentence.match(money) ?? []
    if (hits.length !== 1) return undefined
    return `How much is ${cut} in "${shortened(sentence.replace(money, cut))}" (${who})?`
  }
  const spans = [
    ...daysIn(sentence, localDay(at, timeZone)),
    ...datesIn(sentence, { sentAt: at, timeZone, dayEndsAt }),
  ]
  const first = spans[0]
  if (
    first === undefined || spans.some((one) => one.end <= first.start || one.start >= first.end)
  ) {
    return undefined
  }
  const masked = sentence.slice(0, first.start) + cut + sentence.slice(first.end)
  return `Which date is ${cut} in "${shortened(masked)}" (${who})?`
}

/** Whether an answer names the fact, and no other of its kind beside it. */
export const answers = (answer: string, fact: Fact, timeZone: string): boolean => {
  if (fact.kind === "amount") {
    const amounts = allAmountsIn(answer)
    if (amounts.length > 0) return amounts.length === 1 && says(answer, fact, timeZone)
    const numbers = numbersIn(answer).map(({ value }) => value)
    const [minor] = fact.value.split(" ")
    return numbers.length === 1 && Math.round(numbers[0]! * 100) === Number(minor)
  }
  return fact.days.length > 0 ? saysDay(answer, fact, timeZone) : says(answer, fact, timeZone)
}
