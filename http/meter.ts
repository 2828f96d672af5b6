/** Counts requests and how long they took, for /metrics. Plain arrays: it is on every request's way. */

/** Upper bounds of the histogram, in seconds. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10] as const

interface Series {
  readonly statuses: Map<number, number>
  readonly buckets: Array<number>
  seconds: number
  count: number
}

export interface Meter {
  readonly observe: (route: string, status: number, millis: number) => void
  /** Prometheus text. */
  readonly text: () => string
}

export const makeMeter = (): Meter => {
  const all = new Map<string, Series>()
  return {
    observe: (route, status, millis) => {
      let series = all.get(route)
      if (series === undefined) {
        series = { statuses: new Map(), buckets: bounds.map(() => 0), seconds: 0, count: 0 }
        all.set(route, series)
      }
      const seconds = millis / 1000
      series.statuses.set(status, (series.statuses.get(status) ?? 0) + 1)
      series.seconds += seconds
      series.count++
      const at = bounds.findIndex((bound) => seconds <= bound)
      if (at >= 0) series.buckets[at]!++
    },
    text: () => {
      const names = [...all.keys()].toSorted()
      const requests = names.flatMap((route) =>
        [...all.get(route)!.statuses].map(([status, n]) =>
          `aios_http_requests_total{route="${route}",status="${status}"} ${n}`
        )
      )
      const latencies = names.flatMap((route) => {
        const series = all.get(route)!
        let sum = 0
        return [
          ...bounds.map((bound, i) =>
            `aios_http_request_seconds_bucket{route="${route}",le="${bound}"} ${sum += series
              .buckets[i]!}`
          ),
          `aios_http_request_seconds_bucket{route="${route}",le="+Inf"} ${series.count}`,
          `aios_http_request_seconds_sum{route="${route}"} ${series.seconds}`,
          `aios_http_request_seconds_count{route="${route}"} ${series.count}`,
        ]
      })
      return [
        "# HELP aios_http_requests_total Requests answered.",
        "# TYPE aios_http_requests_total counter",
        ...requests,
        "# HELP aios_http_request_seconds Time to the answer's head.",
        "# TYPE aios_http_request_seconds histogram",
        ...latencies,
        "",
      ].join("\n")
    },
  }
}
