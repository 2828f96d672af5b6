/** Routing in the background while the log comes and goes: it goes on, and each outage is told once. */
import { Effect, Fiber, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { expect, it } from "vitest"
import { EventLog, LogUnavailable } from "../../actors/event-log.ts"
import { Router } from "../../actors/router.ts"
import { routing } from "../../actors/routing.ts"
import * as memoryLog from "../../adapters/event-log-memory.ts"
import { anEvent } from "../contract/histories-of-appends.ts"

const away = new LogUnavailable({ reason: "failed", message: "It is away.", retryable: true })

it("tells an outage of the log once, and routes what came when it is over", () => {
  const told: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void told.push(String(message)))
  let isAway = false
  let routed = 0
  const router = Router.of({
    routeUpTo: () => Effect.sync(() => ({ routed: ++routed }) as never),
    run: Effect.never,
  })
  return Effect.runPromise(
    Effect.gen(function* () {
      const log = yield* EventLog
      const faulty = {
        ...log,
        head: Effect.suspend(() => isAway ? Effect.fail(away) : log.head),
      }
      const fiber = yield* routing.pipe(
        Effect.provideService(EventLog, faulty),
        Effect.provideService(Router, router),
        Effect.forkChild,
      )
      const come = (n: number) => log.append(`mail-${n}`, -1, [anEvent({ data: { n } })])
      yield* come(1)
      yield* TestClock.adjust("20 seconds")
      expect(routed).toBe(1)
      for (const n of [2, 3]) {
        isAway = true
        yield* come(n)
        yield* TestClock.adjust("2 minutes")
        expect([routed, told.length]).toEqual([n - 1, n - 1])
        isAway = false
        yield* TestClock.adjust("20 seconds")
        expect(routed).toBe(n)
      }
      expect(told).toEqual([
        "Routing waits: It is away.",
        "Routing waits: It is away.",
      ])
      yield* Fiber.interrupt(fiber)
    }).pipe(
      Effect.provide(Layer.mergeAll(memoryLog.layer, TestClock.layer(), Logger.layer([logger]))),
    ),
  )
})
