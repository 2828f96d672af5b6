/**
 * Embedder without a model, for tests: words and their letter groups hashed into a vector. Texts that share
 * words are near each other, the same text always gives the same vector; it knows nothing of meaning.
 */
import { Effect, Layer } from "effect"
import { Embedder } from "../actors/embedder.ts"
import { unit } from "../actors/vectors.ts"

/** As many as MiniLM has, so that stores made for one take the other. */
const dimensions = 384
const groupChars = 3
/** A whole word says more than one of its letter groups. */
const wordWeight = 2

/** FNV-1a, 32 bits. */
const hash = (text: string) => {
  let at = 0x811c9dc5
  for (let i = 0; i < text.length; i++) at = Math.imul(at ^ text.charCodeAt(i), 0x01000193)
  return at >>> 0
}

export const hashed = (text: string): Float32Array => {
  const vector = new Float32Array(dimensions)
  const add = (feature: string, weight: number) => {
    const at = hash(feature)
    const place = at % dimensions
    // The sign is hashed too: what collides by chance then cancels out on average.
    vector[place] = (vector[place] ?? 0) + ((at >>> 16) % 2 === 0 ? weight : -weight)
  }
  for (const word of text.normalize("NFKC").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    add(word, wordWeight)
    const padded = ` ${word} `
    for (let i = 0; i + groupChars <= padded.length; i++) add(padded.slice(i, i + groupChars), 1)
  }
  return unit(vector)
}

export const layer: Layer.Layer<Embedder> = Layer.succeed(
  Embedder,
  Embedder.of({
    model: "hashing",
    embed: (texts) => Effect.sync(() => texts.map(hashed)),
  }),
)
