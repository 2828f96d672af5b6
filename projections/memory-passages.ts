/**
 * A text as passages: pieces that an embedding model takes whole, cut between sentences, each with the
 * line that says what it is a piece of. Neighbours share a sentence, so nothing is lost at the cut.
 */
import { sha256Hex } from "../actors/ids.ts"
import type { MemoryItem } from "./memory-items.ts"
import type { OpenedText } from "./memory-texts.ts"
import type { Passage } from "./passage-index.ts"

/** About 200 tokens; what an embedding model reads at once is 256. */
export const passageCharsMax = 800
/** Of one item. The rest of a very long text is found by reading the log. */
const passagesMax = 64
/** A longer sentence is cut. */
const sentenceCharsMax = 500
const titleCharsMax = 160

/** Sentences and lines, in order; none is longer than `sentenceCharsMax`. */
const pieces = (text: string): ReadonlyArray<string> =>
  text.split(/\n[ \t]*\n/).flatMap((paragraph) => {
    const flat = paragraph.replace(/\s+/g, " ").trim()
    return flat === "" ? [] : flat.split(/(?<=[.!?…])\s+(?=[\p{Lu}\p{N}"“„(¿¡])/u)
  }).flatMap((sentence) =>
    Array.from(
      { length: Math.ceil(sentence.length / sentenceCharsMax) },
      (_, n) => sentence.slice(n * sentenceCharsMax, (n + 1) * sentenceCharsMax),
    )
  )

export const cut = (text: string): ReadonlyArray<string> => {
  const passages: Array<string> = []
  let current: Array<string> = []
  let length = 0
  for (const piece of pieces(text)) {
    if (length + piece.length > passageCharsMax && current.length > 0) {
      passages.push(current.join(" "))
      if (passages.length >= passagesMax) return passages
      const last = current.at(-1) ?? ""
      current = current.length > 1 && last.length <= passageCharsMax / 4 ? [last] : []
      length = current.reduce((sum, one) => sum + one.length, 0)
    }
    current.push(piece)
    length += piece.length
  }
  return current.length === 0 ? passages : [...passages, current.join(" ")]
}

/** Passages of an item; at least one, since its title alone says something. */
export const passagesOf = (
  item: MemoryItem,
  { text, title }: OpenedText,
): ReadonlyArray<Passage> => {
  const head = title.slice(0, titleCharsMax)
  const bodies = cut(text)
  return (bodies.length === 0 ? [""] : bodies).map((body, n) => {
    const whole = body === "" ? head : `${head}\n${body}`
    return {
      id: n === 0 ? item.id : `${item.id}#${n + 1}`,
      item: item.id,
      text: whole,
      kind: item.kind,
      ...(item.person === undefined ? {} : { person: item.person }),
      at: item.at,
      position: item.position,
      hash: sha256Hex(whole),
    }
  })
}

export const itemOfPassage = (id: string): string => {
  const hash = id.indexOf("#")
  return hash < 0 ? id : id.slice(0, hash)
}
