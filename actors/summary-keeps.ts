/**
 * Whether a text has a fact: an answer, in whatever form (`says`); a summary, word for word, of whoever said it
 * and in the order it was said (`keeps`, `isInOrder`).
 */
import { daysSaid, looseDays } from "./grounded-dates.ts"
import { wordsOf } from "./grounded-names.ts"
import { allAmountsIn, numbersIn, timesIn } from "./grounded-numbers.ts"
import { allSentencesOf, spaced } from "./reading-text.ts"
import { contentWords, type Fact, isSaid } from "./summary-facts.ts"
import { isNegated, saysNumber } from "./summary-net.ts"

/** An answer tells a promise that has so much of its words: who tells it in words of their own changes some. */
const promiseWordsMin = 0.5
/** So short a part of a name is in many words. */
const namePartCharsMin = 3

const hasName = (value: string, text: string): boolean => {
  const words = wordsOf(text)
  if (value.includes("@")) return text.toLowerCase().includes(value)
  const lower = text.toLowerCase()
  // A part with a digit in it is no word there.
  const has = (part: string) =>
    words.has(part) || words.has(`${part}s`) || (/[^\p{L}]/u.test(part) && lower.includes(part))
  const parts = value.split(/[\s,()]+/).filter((part) => part.length >= namePartCharsMin)
  return parts.length === 0 ? text.toLowerCase().includes(value) : parts.some(has)
}

/** Whether somebody is named in a text; the founder is `you`. */
export const namesPerson = (text: string, name: string): boolean =>
  name === "you"
    ? /(?<!\p{L})(?:you|your|sie|ihnen|ihre?|du|dir|deine?)(?!\p{L})/iu.test(text)
    : name !== "" && hasName(name.toLowerCase(), text)

export const saysDay = (text: string, { at, days }: Fact, timeZone: string): boolean => {
  const said = new Set(daysSaid(text, at, timeZone))
  return days.some((day) => said.has(day) || said.has(day.slice(5)))
}

/** The sentences that tell the promise, in words that are enough its own. */
const tellingIn = (text: string, { sentence, told = [] }: Fact): ReadonlyArray<string> =>
  told.length === 0 ? [] : allSentencesOf(text.replace(/\n/g, "\n\n")).filter((one) => {
    const words = new Set(contentWords(one))
    return isNegated(one) === isNegated(sentence) &&
      told.filter((word) => words.has(word)).length / told.length >= promiseWordsMin
  })

/** Whether one sentence says it of all of them: by their names, or how many they are. */
const isOfAll = (sentence: string, givers: ReadonlyArray<string>): boolean =>
  saysNumber(sentence, String(givers.length)) ||
  (new Set(givers).size === givers.length &&
    givers.every((name) => hasName(name.toLowerCase(), sentence)))

/** Whether it is said, as often as there are people who said it. */
const isTold = (text: string, fact: Fact): boolean => {
  const { givers = [], sentence } = fact
  const verbatim = spaced(text).split(spaced(sentence)).length - 1
  if (verbatim >= Math.max(1, givers.length)) return true
  if (fact.kind === "sentence" && givers.length < 2) return false
  const telling = fact.kind === "sentence"
    ? allSentencesOf(text).filter((one) => spaced(one).includes(spaced(sentence)))
    : tellingIn(text, fact)
  return telling.length >= Math.max(1, givers.length) ||
    telling.some((one) => isOfAll(one, givers))
}

/** Whether a text says the fact, in whatever form. */
export const says = (text: string, fact: Fact, timeZone: string): boolean => {
  // Word for word is the surest way.
  if (fact.givers === undefined && fact.sentence !== "" && text.includes(fact.sentence)) return true
  switch (fact.kind) {
    case "amount":
      return allAmountsIn(text).some((one) => `${one.minor} ${one.currency}` === fact.value)
    case "date": {
      if (fact.days.length > 0) return saysDay(text, fact, timeZone)
      const [loose] = looseDays(fact.words)
      if (loose === undefined) {
        return timesIn(text).some(({ minutes }) =>
          `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}` === fact.value
        )
      }
      return loose.says.test(text) || daysSaid(text, fact.at, timeZone).some(loose.fits)
    }
    case "promise":
      // Days that are only meant are told word for word as well.
      return isTold(text, fact) && (fact.days.length === 0 || text.includes(fact.sentence) ||
        saysDay(text, fact, timeZone))
    case "sentence":
      return isTold(text, fact)
    case "number":
      return saysNumber(text, fact.value)
    case "name": {
      const number = /^invoice (.+)$/.exec(fact.value)?.[1]
      if (number === undefined) return hasName(fact.value, text)
      return wordsOf(text).has(number) || text.toLowerCase().includes(number) ||
        numbersIn(text).some(({ value }) => String(value) === number)
    }
  }
}

/**
 * Whether a summary keeps the fact: a name in whatever form, all else in the sentence that says it, word for
 * word. In words of its own it may mix up whose something is, whether it is meant, or what it is for, and no
 * rule would see that.
 */
export const keeps = (text: string, fact: Fact, timeZone: string): boolean => {
  const { givers = [], kind, sentence } = fact
  if (kind === "name" || sentence === "") return says(text, fact, timeZone)
  if (givers.length === 0 && text.includes(sentence)) return true
  const verbatim = spaced(text).split(spaced(sentence)).length - 1
  return verbatim >= Math.max(1, givers.length) ||
    (verbatim > 0 &&
      allSentencesOf(text).some((one) =>
        spaced(one).includes(spaced(sentence)) && isOfAll(one, givers)
      ))
}

/** Whether what each person said is told in the order it was said: what takes something back comes after it. */
export const isInOrder = (text: string, facts: ReadonlyArray<Fact>): boolean => {
  // A title stands in the head.
  const whole = facts.filter((fact) => isSaid(fact) && /[.!?…]["”’)]{0,2}$/.test(fact.sentence))
  const said = whole.map((fact) => ({
    ...{ who: `${fact.person ?? ""} ${fact.by}`, at: fact.at },
    ...{ first: text.indexOf(fact.sentence), last: text.lastIndexOf(fact.sentence) },
  })).filter(({ first }) => first >= 0)
  return said.every((one) =>
    said.every((earlier) =>
      earlier.who !== one.who || earlier.at >= one.at || earlier.first <= one.last
    )
  )
}

/** `lost the amount 1,200 EUR`, `lost the promise for 27 Nov 2026 (Ada Weiss)`. */
export const lossOf = ({ by, days, givers = [], kind, words }: Fact): string =>
  kind === "promise" || kind === "sentence"
    ? `lost the ${kind} ${days.length > 0 ? "for " : ""}${words} (${by}${
      givers.length > 1 ? `, one of ${givers.length} who said so` : ""
    })`
    : `lost the ${kind} ${words}`
