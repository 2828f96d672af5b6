/** How long a consumer takes with its messages: what the extra statistics of a group show. */

/** Measurements that are looked at, the latest. */
const measuredMax = 1_000

export interface Measurement {
  readonly key: string
  /** Whole milliseconds. */
  readonly value: number
}

export interface Timings {
  readonly began: (id: string, now: number) => void
  readonly ended: (id: string, now: number) => void
  /** Empty as long as nothing was measured. */
  readonly measurements: () => ReadonlyArray<Measurement>
}

export const makeTimings = (): Timings => {
  const begun = new Map<string, number>()
  let measured: Array<number> = []
  return {
    began: (id, now) => void begun.set(id, now),
    ended: (id, now) => {
      const since = begun.get(id)
      if (since === undefined) return
      begun.delete(id)
      measured.push(Math.max(0, Math.trunc(now - since)))
      if (measured.length >= 2 * measuredMax) measured = measured.slice(-measuredMax)
    },
    measurements: () => {
      const items = measured.slice(-measuredMax).toSorted((a, b) => a - b)
      if (items.length === 0) return []
      const at = (percent: number) =>
        items[Math.min(items.length - 1, Math.trunc((percent / 100) * items.length))]!
      const sum = items.reduce((total, item) => total + item, 0)
      return [
        { key: "Mean", value: Math.trunc(sum / items.length) },
        { key: "Median", value: at(50) },
        { key: "Fastest", value: items[0]! },
        ...[1, 2, 3, 4, 5].map((n) => ({ key: `Quintile ${n}`, value: at((n - 1) * 20) })),
        ...[90, 95, 99, 99.5, 99.9].map((percent) => ({
          key: `${percent}%`,
          value: at(percent),
        })),
        { key: "Highest", value: items.at(-1)! },
      ]
    },
  }
}
