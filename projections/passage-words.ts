/**
 * Words as they are looked up: folded, so that Müller, Mueller and Muller are one, without what English
 * and German put at a word's end, and without the words that say nothing. Texts and questions go the same
 * way, so a rule here may be coarse; it must never depend on the other side.
 */

/** Of a question; further words add nothing. */
const termsMax = 24
/** A word that is only begun is looked for from so many letters on. */
const beginningCharsMin = 4
/** Longer ones are no words. */
const termCharsMax = 40

const listed = (words: string) => new Set(words.split(/\s+/))

/** As `folded` gives them. */
const stopWords = listed(
  `a about after all also am an and any are as at be been before but by can could did do does for from
  had has have he her his how i if in into is it its me my no not of on or our she should so than that
  the their them then there these they this to too us was we were what when where which who whom whose
  why will with would you your
  aber alle als am an auch auf aus bei bin bis bist da damit dann das dass dem den der des die dies
  diese diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er es etwas euch fur
  hab habe haben hat hatte hatten ich ihm ihn ihr ihre ihren im in ins ist ja kann kein keine konn
  konnen mein meine mich mir mit nach nein nicht noch nur ob oder ohne sehr sein seine sich sie sind
  soll um und uns unser unsere vom von vor wann war waren warum was wegen wei wem wen wenn wer werd
  werden wie wir wird wo wurd wurde wurden zu zum zur`,
)

/** What a question asks with, rather than for: left out where other words remain. */
const askingWords = listed(
  `ask asked asks say said says tell told write wrote written mail email message anyone anybody someone
  somebody ever know known much many want wanted give gave get got last
  fragte gefragt fragt frage sagte gesagt sagt schrieb geschrieben schreibt nachricht jemand wollte will
  viel viele wieviel welche welcher welches welchen`,
)

/** Case, accents and umlauts do not count, however they are written. */
const folded = (text: string): string =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ß", "ss")

/** `ae`, `oe` and `ue` may stand for an umlaut; where they do not, both sides lose the same letter. */
const unspelled = (word: string) =>
  word.replace(/(?<=[^aeq])([aou])e/g, "$1").replace(/^([aou])e/, "$1")

const endings = [
  "ungen",
  "ings",
  "ing",
  "ern",
  "est",
  "eds",
  "ed",
  "en",
  "er",
  "em",
  "es",
  "et",
  "e",
  "s",
]
const stemCharsMin = 4

const stemmed = (word: string): string => {
  if (/\d/.test(word)) return word
  let stem = word.endsWith("ies") && word.length > 5 ? `${word.slice(0, -3)}y` : word
  // Twice: `meetings`, `Angebotes`.
  for (let round = 0; round < 2; round++) {
    const ending = endings.find((one) =>
      stem.endsWith(one) &&
      stem.length - one.length >= stemCharsMin - (one === "s" || one === "e" ? 1 : 0)
    )
    if (ending === undefined) break
    stem = stem.slice(0, -ending.length) + (ending === "ungen" ? "ung" : "")
    if (ending === "ungen") break
  }
  return stem
}

export interface Word {
  readonly term: string
  /** Where it stands in the text. */
  readonly from: number
  readonly to: number
}

const wordPattern = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu

/** Each word that says something, with its place. Numbers with points or commas are one: `9.000`. */
export const wordsIn = (text: string): ReadonlyArray<Word> => {
  const words: Array<Word> = []
  const joined = text.replace(/(?<=\d)[.,](?=\d{3}(?!\d))/g, "\u2060")
  for (const match of joined.matchAll(/[\p{L}\p{N}][\p{L}\p{M}\p{N}\u2060]*/gu)) {
    const plain = folded(match[0].replaceAll("\u2060", ""))
    if (stopWords.has(plain) || plain.length > termCharsMax || plain === "") continue
    const term = stemmed(unspelled(plain))
    words.push({ term, from: match.index, to: match.index + match[0].length })
  }
  return words
}

export const termsIn = (text: string): ReadonlyArray<string> =>
  wordsIn(text).map(({ term }) => term)

const rawWords = (text: string) => [...text.matchAll(wordPattern)].map((match) => match[0])

/** The last word of a question as it was begun, where it may not be whole yet; undefined: it says nothing. */
export const beginningIn = (question: string): string | undefined => {
  const last = /[\p{L}\p{M}]+$/u.exec(question)?.[0]
  const word = last === undefined ? "" : folded(last)
  return word.length < beginningCharsMin || stopWords.has(word) || askingWords.has(word)
    ? undefined
    : unspelled(word)
}

/** What a question is looked up by: each term once. */
export const termsOfQuestion = (question: string): ReadonlyArray<string> => {
  const telling = rawWords(question).filter((word) => !askingWords.has(folded(word)))
  // Numbers are joined over the whole question, so it is read whole, and what only asks is left out.
  const kept = new Set(termsIn(telling.join(" ")))
  const all = [...new Set(termsIn(question))]
  const terms = all.filter((term) => kept.has(term) || /\d/.test(term))
  return (terms.length > 0 ? terms : all).slice(0, termsMax)
}
