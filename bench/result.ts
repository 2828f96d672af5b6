/** What a bench reports: our number beside the physical limit, measured in the same run. */

export interface Result {
  readonly name: string
  readonly unit: string
  readonly ours: number
  readonly limit: number
  /** What the limit is. */
  readonly limitName: string
  /** Ours as a part of the limit: 1 is the limit itself, for rates and for times alike. */
  readonly ratio: number
}

const result =
  (ratioOf: (ours: number, limit: number) => number) =>
  (name: string, unit: string, ours: number, limit: number, limitName: string): Result => ({
    name,
    unit,
    ours: rounded(ours),
    limit: rounded(limit),
    limitName,
    ratio: rounded(ratioOf(ours, limit)),
  })
/** More is better. */
export const rate = result((ours, limit) => ours / limit)
/** Less is better. */
export const cost = result((ours, limit) => limit / ours)

const rounded = (n: number) => n >= 1000 ? Math.round(n) : Number(n.toPrecision(3))

export const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5)
export const quantile = (values: ReadonlyArray<number>, part: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}
