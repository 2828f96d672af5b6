/**
 * Pauses and retries that end with the log: when it closes, nothing of it waits any more, so that the
 * process can end. By the machine's clock, since a server keeps to no other.
 */
import { StoreFailure } from "./event-log-eventstoredb-seam.ts"

/** A call that fails because the server is away is tried again for so long. */
const patienceMillis = 5_000
const pauseMillisMin = 25
const pauseMillisMax = 500

export interface Patience {
  readonly millisMax?: number
  readonly onRetry?: () => void
}

export interface Waits {
  readonly closed: boolean
  /** Ends early when closed. */
  sleep(millis: number): Promise<void>
  /** Called once, when closed; the answer takes it back. */
  onClose(then: () => void): () => void
  /** Tries again, with pauses, as long as the server is away and patience lasts. */
  patiently<A>(call: () => Promise<A>, more?: Patience): Promise<A>
  close(): void
}

export const waits = (): Waits => {
  let closed = false
  const onClose = new Set<() => void>()
  const sleep = (millis: number) =>
    new Promise<void>((resolve) => {
      if (closed) return resolve()
      const done = () => {
        clearTimeout(timer)
        onClose.delete(done)
        resolve()
      }
      const timer = setTimeout(done, millis)
      onClose.add(done)
    })
  return {
    get closed() {
      return closed
    },
    sleep,
    onClose: (then) => {
      onClose.add(then)
      return () => onClose.delete(then)
    },
    patiently: async (call, { millisMax = patienceMillis, onRetry = () => {} } = {}) => {
      let until: number | undefined
      let pause = pauseMillisMin
      while (true) {
        try {
          return await call()
        } catch (cause) {
          // From the first failure on: a call may have waited long for its turn.
          until ??= Date.now() + millisMax
          const again = cause instanceof StoreFailure && cause.trouble === "away" && !closed &&
            Date.now() + pause < until
          if (!again) throw cause
          onRetry()
          await sleep(pause)
          pause = Math.min(pause * 2, pauseMillisMax)
        }
      }
    },
    close: () => {
      closed = true
      for (const then of [...onClose]) then()
      onClose.clear()
    },
  }
}
