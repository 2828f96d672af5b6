/** What scripts are made of: moves, and promise logic that ends when the script says so. */
import { fromPromise } from "xstate"
import type { Json } from "../../machines/agent.ts"

/** A step: an event for the root actor, time that passes, or the outcome of a task that was asked for. */
export interface Move {
  readonly type?: string
  readonly wait?: number
  /** The name of a task that succeeds with `output`, or (`fail`) that fails with `message`. */
  readonly done?: string
  readonly fail?: string
  readonly output?: Json
  readonly message?: string
  /** Which of the open tasks of that name; default the first. */
  readonly nth?: number
  readonly [field: string]: unknown
}

interface Started {
  readonly name: string
  readonly input: unknown
  settled: boolean
  readonly resolve: (output: unknown) => void
  readonly reject: (error: Error) => void
}
/** Tasks that the machine under `createActor` started, in order. */
export const started: Array<Started> = []
export const forgetTasks = () => void started.splice(0)

/** Promise logic that waits until the script says how it ends. Its name must be its name in `actors`. */
export const task = (name: string) =>
  // deno-lint-ignore no-explicit-any -- any output and input, as the machine under test wants it
  fromPromise<any, any>(({ input }) =>
    new Promise((resolve, reject) => {
      started.push({ name, input, settled: false, resolve, reject })
    })
  )
