/** Dice whose seed is printed: `SEED=1234` repeats a run. */
export interface Dice {
  readonly seed: number
  /** An integer from 0 to `n` - 1. */
  below(n: number): number
  chance(): boolean
  pick<A>(from: ReadonlyArray<A>): A
  /** A short text of letters, signs and characters of all planes. */
  text(): string
}

const letters = [..."abcxyz-_%'\"/~ äß€", "\u{ff5e}", "\u{1f600}", "\u{10000}"]

export const seeded = (
  seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31)),
): Dice => {
  console.info(`seed ${seed}`)
  let state = seed >>> 0
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  const pick = <A>(from: ReadonlyArray<A>): A => {
    const one = from[below(from.length)]
    if (one === undefined) throw new Error("Nothing to pick from")
    return one
  }
  return {
    seed,
    below,
    chance: () => next() < 0.5,
    pick,
    text: () => Array.from({ length: 1 + below(6) }, () => pick(letters)).join(""),
  }
}
