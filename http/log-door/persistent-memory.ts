/**
 * How much of the messages of groups is in memory: all that was read and is not done, with consumers or
 * waiting for one. A group that has its share reads on when some of it is done; one that has nothing may
 * always begin, so that all of them go on.
 */

/** Of one group. */
const groupBytesMax = 64 * 1024 * 1024
/** Of all groups together. */
const allBytesMax = 256 * 1024 * 1024

/** What one group holds. */
export interface Share {
  readonly hold: (bytes: number) => void
  readonly free: (bytes: number) => void
  /** It may read more. */
  readonly hasRoom: () => boolean
  readonly close: () => void
}

export interface Memory {
  readonly share: () => Share
}

export const makeMemory = (): Memory => {
  let all = 0
  return {
    share: () => {
      let own = 0
      const hold = (bytes: number) => {
        own += bytes
        all += bytes
      }
      return {
        hold,
        free: (bytes) => hold(-bytes),
        hasRoom: () => own <= 0 || (own < groupBytesMax && all < allBytesMax),
        close: () => hold(-own),
      }
    },
  }
}
