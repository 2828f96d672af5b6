/** The rules of the coordinator: slots count once and forwards, adapters degrade and recover. */
import { describe, it } from "vitest"
import { coordinator } from "../../machines/coordinator.ts"
import { given } from "../given.ts"

const reached = (slot: string, date: string, missed = 0) => ({
  type: "SlotReached",
  slot,
  date,
  missed,
})
const degraded = (adapter: string) => ({ type: "AdapterDegraded", adapter, reason: "timeout" })
const recovered = (adapter: string) => ({ type: "AdapterRecovered", adapter })

describe("cadence", () => {
  it("the daily slot prepares the brief of its day", () =>
    void given(coordinator).when(reached("daily", "2026-11-24"))
      .is({ brief: "prepared", adapters: "normal" }).knows({ reached: { daily: "2026-11-24" } }))
  it("the night ends the day", () =>
    void given(coordinator, reached("daily", "2026-11-24")).when(reached("nightly", "2026-11-25"))
      .is({ brief: "unprepared", adapters: "normal" }))
  it("a slot counts once", () =>
    void given(coordinator, reached("daily", "2026-11-24")).when(reached("daily", "2026-11-24"))
      .isRefused())
  it("a slot never goes backwards", () =>
    void given(coordinator, reached("weekly", "2026-11-23")).when(reached("weekly", "2026-11-16"))
      .isRefused())
  it("slots of different kinds do not mind each other", () =>
    void given(coordinator, reached("monthly", "2026-11-01"), reached("quarterly", "2026-10-01"))
      .when(reached("weekly", "2026-10-26")).knows({
        reached: { monthly: "2026-11-01", quarterly: "2026-10-01", weekly: "2026-10-26" },
      }))
})

describe("adapters", () => {
  it("one that is down degrades", () =>
    void given(coordinator).when(degraded("mailer"))
      .is({ brief: "unprepared", adapters: "degraded" }).knows({ degraded: ["mailer"] }))
  it("normal again only when all are back", () =>
    void given(coordinator, degraded("mailer"), degraded("model")).when(recovered("mailer"))
      .is({ brief: "unprepared", adapters: "degraded" }).when(recovered("model"))
      .is({ brief: "unprepared", adapters: "normal" }))
  it("one that was not down cannot recover", () => {
    given(coordinator, degraded("mailer")).when(recovered("model")).isRefused()
    given(coordinator, degraded("mailer"), recovered("mailer")).when(recovered("mailer"))
      .isRefused()
  })
  it("the same one down twice is down once", () =>
    void given(coordinator, degraded("mailer"), degraded("mailer")).when(recovered("mailer"))
      .is({ brief: "unprepared", adapters: "normal" }))
})
