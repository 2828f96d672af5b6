/**
 * Which actor to wake next. Only wake-ups up to a horizon are kept here; those beyond it wait in the
 * index of open asks and are fetched when the horizon moves. It may wake an actor in vain, never too late.
 */

interface Wake {
  readonly due: number
  readonly stream: string
}

/** A binary heap by due instant. */
export class TimerQueue {
  readonly #heap: Array<Wake> = []
  /** Wake-ups later than this are not kept. Epoch ms. */
  horizon = -Infinity

  get size(): number {
    return this.#heap.length
  }
  /** Due instant of the first, undefined where there is none. */
  get next(): number | undefined {
    return this.#heap[0]?.due
  }

  add(due: number, stream: string): void {
    if (due > this.horizon) return
    const heap = this.#heap
    let n = heap.length
    const wake = { due, stream }
    heap.push(wake)
    while (n > 0) {
      const above = (n - 1) >> 1
      if (heap[above]!.due <= due) break
      heap[n] = heap[above]!
      n = above
    }
    heap[n] = wake
  }

  /** Takes the first one that is due at `now`: its actor's stream. */
  take(now: number): string | undefined {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.due > now) return undefined
    const last = heap.pop()!
    if (heap.length > 0) {
      let n = 0
      for (;;) {
        let below = 2 * n + 1
        if (below >= heap.length) break
        if (below + 1 < heap.length && heap[below + 1]!.due < heap[below]!.due) below++
        if (heap[below]!.due >= last.due) break
        heap[n] = heap[below]!
        n = below
      }
      heap[n] = last
    }
    return first.stream
  }
}
