/**
 * What the person wrote now: a mail's text without what it quotes and without its signature, and the
 * sentences it is made of. Bounded, so no text can make it slow.
 */

/** Text beyond is not read. */
export const textCharsMax = 20_000
const sentencesMax = 200
export const sentenceCharsMax = 400
const quoteWordsMax = 12

const quoteStart =
  /^\s{0,4}(?:-{2,} ?(?:original message|forwarded message|ursprüngliche nachricht|weitergeleitete nachricht|message d'origine)|_{10,}$|begin forwarded message|on .{4,120} wrote:$|am .{4,120} schrieb.{0,120}:$|le .{4,120} a écrit ?:$|el .{4,120} escribió:$)/i
const headerBlock = /^\s{0,4}\*?(?:from|von|de):\*? .{1,200}$/i
const headerBlockNext =
  /^\s{0,4}\*?(?:sent|date|gesendet|datum|to|an|envoyé|enviado|subject|betreff):\*? /i
const signature =
  /^(?:--\s?$|sent from my |von meinem \w{1,20} gesendet|get outlook for |envoyé de mon |gesendet von )/i

/** What the person wrote now: without what is quoted and without the signature. */
export const newText = (text: string): string => {
  const kept: Array<string> = []
  const lines = text.slice(0, textCharsMax).replace(/\r\n?/g, "\n").split("\n")
  for (const [index, full] of lines.entries()) {
    const line = full.slice(0, 2 * sentenceCharsMax)
    if (/^\s{0,4}>/.test(line)) continue
    const twoLines = `${line} ${(lines[index + 1] ?? "").slice(0, 120)}`.trimEnd()
    const opens = /^\s{0,4}(?:on|am|le|el) /i.test(line)
    if (quoteStart.test(line) || (opens && quoteStart.test(twoLines))) break
    if (headerBlock.test(line) && headerBlockNext.test(lines[index + 1] ?? "")) break
    if (signature.test(line)) break
    kept.push(full)
  }
  return kept.join("\n").trim()
}

interface SentenceLimits {
  readonly charsMax: number
  readonly sentencesMax: number
}
/** For what must find everything: of a text of `textCharsMax` nothing is left out. */
const everything: SentenceLimits = { charsMax: 2_000, sentencesMax: textCharsMax }

/** A sentence may end in quotes: `He said “no.” Then he left.` */
const closes = /^["”’»)\]]{0,2}(?: |$)/

/** A dot behind these ends no sentence; behind those in `mayEnd` it does before a capital. */
const abbreviated = new RegExp(
  "(?<![\\p{L}\\d])(?:zzgl|inkl|exkl|ca|bzw|mio|mrd|tsd|nr|dr|mr|mrs|ms|prof|hrn|hr|frl|fr|st|str|vgl|evtl|ggf|bspw|sog|" +
    "approx|incl|excl|vs|rs|sfr|abs|z\\. ?b|d\\. ?h|u\\. ?a|i\\. ?d\\. ?r|e\\.g|i\\.e|z|d)$",
  "iu",
)
const mayEnd = /(?<![\p{L}\d])(?:usw|etc|no|max|min|tel|p\.a|a\.m|p\.m|co|inc|ltd)$/iu
const abbreviationCharsMax = 12
/** A year, an amount or a time is no ordinal as `3. November` has: a sentence may end with it. */
const noOrdinal = /(?:(?<!\d)\d{4}|[,:-]\d{2,3}|\.\d{3})$/
/** Whether a dot ends nothing, by what stands before it, and what after it. */
const goesOn = (before: string, after: string): boolean =>
  /\d$/.test(before)
    ? !(noOrdinal.test(before) && /^ \p{Lu}/u.test(after))
    : abbreviated.test(before) || (mayEnd.test(before) && /^ [\p{Ll}\d]/u.test(after))

/** Where a sentence that is too long is parted: at a space, so that no amount and no name is cut. */
const partedAt = (flat: string, start: number, at: number): number => {
  const space = flat.lastIndexOf(" ", at)
  return space > start ? space : at
}

const partsOf = (
  text: string,
  { charsMax, sentencesMax }: SentenceLimits,
): ReadonlyArray<string> => {
  const sentences: Array<string> = []
  for (const paragraph of text.split(/\n[ \t]*\n/)) {
    const flat = paragraph.replace(/\s+/g, " ").trim()
    let start = 0
    for (let at = 0; at <= flat.length; at++) {
      const mark = flat[at]
      if (at < flat.length && at - start >= charsMax) at = partedAt(flat, start, at)
      else {
        const isMark = mark === "." || mark === "!" || mark === "?"
        const after = isMark ? closes.exec(flat.slice(at + 1, at + 4)) : null
        const ends = at === flat.length ||
          (after !== null && !(mark === "." && goesOn(
            flat.slice(Math.max(start, at - abbreviationCharsMax), at),
            flat.slice(at + 1, at + 3),
          )))
        if (!ends) continue
        at += after === null ? 0 : after[0].trimEnd().length
      }
      const sentence = flat.slice(start, at + 1).trim()
      if (sentence !== "") sentences.push(sentence)
      if (sentences.length >= sentencesMax) return sentences
      start = at + 1
    }
  }
  return sentences
}

/** Sentences: mail is wrapped, so a line's end is none, an empty line is. */
export const sentencesOf = (text: string): ReadonlyArray<string> =>
  partsOf(text, { charsMax: sentenceCharsMax, sentencesMax })
/** All of them, however many and however long. */
export const allSentencesOf = (text: string): ReadonlyArray<string> => partsOf(text, everything)

/** A subject on one line, without the marks of answers and forwards. */
export const bareSubject = (subject: string): string =>
  subject.replace(/[\p{Cc}\s]+/gu, " ").trim()
    .replace(/^(?:(?:re|aw|antw|sv|fwd?|wg)\s?(?:\[\d{1,4}\])?\s?:\s?)+/i, "").trim()

const askingWord =
  /(?<!\p{L})(?:could|can|would|will|do|does|did|are|is|may|shall|should|how|what|when|where|which|who|why|könnten|könntest|kannst|können|kann|hätten|hättest|haben|würden|wäre|darf|dürfen|wie|was|wann|wo|womit|welche[nrs]?|wer|warum)(?!\p{L})/iu

/** A question in at most 12 words, from where it begins to ask; one that was cut still ends as one. */
export const questionOf = (sentence: string): string => {
  const count = sentence.split(" ").length
  if (count <= quoteWordsMax) return quoteOf(sentence, 0)
  const at = sentence.search(askingWord)
  const words = sentence.slice(Math.max(0, at)).split(" ")
  const said = words.slice(0, quoteWordsMax).join(" ").slice(0, 200)
  const cut = words.length > quoteWordsMax
  return `${at > 0 ? "…" : ""}${cut ? `${said.replace(/[\s,;:.]+$/, "")}…?` : said}`
}

/** Words without regard to how they are spaced. */
export const spaced = (text: string): string => text.replace(/\s+/g, " ").trim()

/** At most 12 words around what was found. */
export const quoteOf = (sentence: string, at: number): string => {
  const words = sentence.split(" ")
  let seen = 0
  const hit = Math.max(0, words.findIndex((word) => (seen += word.length + 1) > at))
  const start = Math.max(0, Math.min(hit - 3, words.length - quoteWordsMax))
  const end = start + quoteWordsMax
  const quote = words.slice(start, end).join(" ").slice(0, 200)
  return `${start > 0 ? "…" : ""}${quote}${end < words.length ? "…" : ""}`
}
