/** The supervised processes as `aios doctor` tells of them. */
import { Effect, Layer } from "effect"
import type { Check } from "../projections/aios.ts"
import { ProcessesBeside } from "../projections/processes-beside.ts"
import { Helpers, type HelperState, type HelperUnavailable } from "./helpers.ts"

export interface Options {
  /** By another way than its process, which is none of ours: not probed here. */
  readonly embedder: boolean
}

const howLong = (since: number, now: number) => {
  const count = Math.max(0, Math.round((now - since) / 60_000))
  return count === 0 ? "since just now" : count === 1 ? "for a minute" : `for ${count} minutes`
}

/** Whether the service can be had at all is another check: this one is about its process. */
export const checkOf = (helper: HelperState, now: number): Check => {
  const { lastError, log, pid, restarts, since, state, url } = helper
  const name = `process ${helper.name}`
  const fine = (detail: string): Check => ({ name, ok: true, detail, fix: "" })
  const again = restarts === 0
    ? ""
    : `, started again ${restarts === 1 ? "once" : `${restarts} times`}`
  switch (state) {
    case "up":
      return fine(
        `${url ?? "answers over its pipe"}, process ${pid ?? "?"}, up ${
          howLong(since, now)
        }${again}`,
      )
    case "outside":
      return fine(`${url ?? "another"}: not started by AIOS, which leaves it alone`)
    case "waiting":
      return {
        name,
        ok: false,
        detail: `down: ${lastError ?? "it ended"}${again}; AIOS tries again by itself`,
        fix: `See ${log}`,
      }
    case "off":
      return fine("not running; AIOS starts it when it is needed")
    default:
      return fine(state === "starting" ? "is just starting" : "is just ending")
  }
}

/** Whoever answers at its address, or would if it answered, is not ours to start. */
export const unavailableCheck = (
  name: string,
  { message, reason }: Pick<HelperUnavailable, "message" | "reason">,
): Check => ({
  name: `process ${name}`,
  ok: true,
  // It is optional: what would help is advice, not a fault to be mended.
  detail: `${
    reason === "timedOut"
      ? "something is at its address, and does not answer"
      : reason === "failed"
      ? "cannot be used as it is"
      : "not running, and cannot be started"
  }: ${message}`,
  fix: "",
})

export const layer = (options: Options): Layer.Layer<ProcessesBeside, never, Helpers> =>
  Layer.effect(
    ProcessesBeside,
    Effect.gen(function* () {
      const helpers = yield* Helpers
      return ProcessesBeside.of({
        checks: Effect.gen(function* () {
          const states = yield* helpers.states
          const ours = states.filter(({ name }) => options.embedder || name !== "embedder")
          return yield* Effect.forEach(
            ours,
            (state) =>
              state.state !== "off"
                ? Effect.succeed(checkOf(state, Date.now()))
                : helpers.check(state.name).pipe(Effect.match({
                  onSuccess: (found) => checkOf(found, Date.now()),
                  onFailure: (failure) => unavailableCheck(state.name, failure),
                })),
            { concurrency: "unbounded" },
          )
        }).pipe(
          Effect.catch(({ message }) =>
            Effect.succeed([{
              name: "processes",
              ok: true,
              detail:
                `none can be started beside AIOS: recall is by words, drafts are by rules: ${message}`,
              fix: "",
            }])
          ),
        ),
      })
    }),
  )
