/** The rules of the coordinator: slots, adapters, documents, and who may write to whom. */
import { describe, expect, it } from "vitest"
import { coordinator } from "../../machines/coordinator.ts"
import { after, day, done, epoch, failed, given, hour } from "../given.ts"

/** The regions that a test is about; the others stay as they began. */
const at = (regions: object) => ({
  brief: "unprepared",
  adapters: "normal",
  floor: "free",
  reports: "idle",
  ...regions,
})
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
      .is(at({ brief: "prepared" })).knows({ reached: { daily: "2026-11-24" } }))
  it("the night ends the day", () =>
    void given(coordinator, reached("daily", "2026-11-24")).when(reached("nightly", "2026-11-25"))
      .is(at({})))
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
      .is(at({ adapters: "degraded" })).knows({ degraded: ["mailer"] }))
  it("normal again only when all are back", () =>
    void given(coordinator, degraded("mailer"), degraded("model")).when(recovered("mailer"))
      .is(at({ adapters: "degraded" })).when(recovered("model"))
      .is(at({})))
  it("one that was not down cannot recover", () => {
    given(coordinator, degraded("mailer")).when(recovered("model")).isRefused()
    given(coordinator, degraded("mailer"), recovered("mailer")).when(recovered("mailer"))
      .isRefused()
  })
  it("the same one down twice is down once", () =>
    void given(coordinator, degraded("mailer"), degraded("mailer")).when(recovered("mailer"))
      .is(at({})))
})

describe("memory", () => {
  const memory = "memory-main"
  it("is told of the night, once, and of no other slot", () => {
    given(coordinator).when(reached("nightly", "2026-11-25"))
      .tells(memory, { type: "NightReached", date: "2026-11-25" })
      .when(reached("weekly", "2026-11-23")).tellsNobody()
    given(coordinator, reached("nightly", "2026-11-25")).when(reached("nightly", "2026-11-25"))
      .isRefused()
  })
  it("is told of the night also where it wants a document", () =>
    void given(coordinator).when({ ...reached("nightly", "2026-11-25"), document: true })
      .asks("composeReport").tells(memory, { type: "NightReached" }))
  it("is told what it leans on is down, and that it is back", () => {
    for (const service of ["ollama", "chroma", "embedder"]) {
      given(coordinator, degraded("mailer")).when(degraded(service))
        .tells(memory, { type: "ServiceDegraded", service, reason: "timeout" })
        .when(recovered(service)).tells(memory, { type: "ServiceRecovered", service })
      given(coordinator, degraded(service)).when(recovered(service))
        .tells(memory, { type: "ServiceRecovered", service })
    }
  })
  it("is not told of what it does not need", () =>
    void given(coordinator).when(degraded("mailer")).tellsNobody().when(recovered("mailer"))
      .tellsNobody())
})

describe("the floor", () => {
  const ada = "a".repeat(32)
  const bob = "b".repeat(32)
  const one = "executor-1"
  const two = "executor-2"
  const wants = (work: string, purpose: string, more: object = {}) => ({
    type: "FloorRequested",
    person: ada,
    work,
    purpose,
    ...more,
  })
  const releases = (work: string, sent: boolean) => ({
    type: "FloorReleased",
    person: ada,
    work,
    sent,
  })
  const granted = { type: "FloorGranted", person: ada }
  it("is granted to who asks first", () =>
    void given(coordinator).when(wants(one, "answer")).is(at({ floor: "taken" }))
      .tells(one, granted))
  it("is denied to the same and to a lower rank, with who has it and when to ask again", () => {
    const taken = given(coordinator, wants(one, "answer"))
    for (const purpose of ["answer", "reminder", "followUp"]) {
      taken.when(wants(two, purpose)).tells(two, {
        type: "FloorDenied",
        person: ada,
        holder: one,
        purpose: "answer",
      })
    }
    const [{ event } = { event: {} }] = taken.when(wants(two, "answer")).told
    expect((event as { until: number }).until).toBeGreaterThan(epoch + 12 * hour)
  })
  it("is taken from a lower rank that has not written yet", () =>
    void given(coordinator, wants(one, "followUp")).when(wants(two, "complaint")).tellsAll(
      [one, { type: "FloorRevoked", person: ada, holder: two, purpose: "complaint" }],
      [two, granted],
    ))
  it("of one person is none of another", () =>
    void given(coordinator, wants(one, "answer")).when({ ...wants(two, "followUp"), person: bob })
      .tells(two, { type: "FloorGranted", person: bob }))
  it("given back unsent, it is free", () =>
    void given(coordinator, wants(one, "answer")).when(releases(one, false)).is(at({}))
      .when(wants(two, "followUp")).tells(two, granted))
  it("is nobody else's to give back", () =>
    void given(coordinator, wants(one, "answer"), releases(two, false)).is(at({ floor: "taken" }))
      .when(wants(two, "answer")).tells(two, { type: "FloorDenied" }))
  it("after a mail the person is left in peace for three days, by lower and equal reasons", () => {
    const sent = given(coordinator, wants(one, "answer"), releases(one, true))
    sent.when(wants(two, "reminder")).tells(two, { type: "FloorDenied", holder: one })
    sent.when(wants(two, "answer")).tells(two, { type: "FloorDenied" })
    sent.when(wants(two, "complaint")).tells(two, granted)
    sent.when(wants(one, "answer")).tells(one, granted)
    sent.when(after(3 * day)).when(wants(two, "reminder")).tells(two, granted)
  })
  it("who writes again after that is answered", () => {
    const answers = epoch + hour
    given(coordinator, wants(one, "answer"), releases(one, true), after(2 * hour))
      .when(wants(two, "answer", { answers })).tells(two, granted)
    given(coordinator, wants(one, "answer"), releases(one, true), after(2 * hour))
      .when(wants(two, "reminder", { answers })).tells(two, { type: "FloorDenied" })
  })
  it("is free by itself once the last one has expired", () => {
    const sent = given(
      coordinator,
      wants(one, "answer"),
      releases(one, true),
      after(day),
      { ...wants(two, "answer"), person: bob },
      { ...releases(two, true), person: bob },
    )
    sent.when(after(2 * day)).is(at({ floor: "taken" })).lacks("floors", ada)
      .knows({ floors: { [bob]: { work: two } } })
      .when(after(day)).is(at({})).lacks("floors", bob)
  })
  it("that expired is forgotten", () =>
    void given(coordinator, wants(one, "answer"), releases(one, true), after(4 * day))
      .when({ ...wants(two, "answer"), person: bob }).is(at({ floor: "taken" }))
      .knows({ floors: { [bob]: { work: two } } })
      .lacks("floors", ada))
})

describe("documents", () => {
  const wanted = (slot: string, date: string) => ({ ...reached(slot, date), document: true })
  const report = (slot: string, date: string) =>
    done("compose", { slot, date, title: "T", text: "X", figures: {} })
  it("are made for the slots that want one", () => {
    given(coordinator).when(wanted("weekly", "2026-11-23")).is(at({ reports: "composing" }))
      .asks("composeReport").knows({ reached: { weekly: "2026-11-23" } })
    given(coordinator).when(reached("weekly", "2026-11-23")).is(at({})).asks()
  })
  it("one by one, in order", () =>
    void given(coordinator, wanted("nightly", "2026-11-24")).when(wanted("daily", "2026-11-24"))
      .asks().when(report("nightly", "2026-11-24"))
      .is(at({ brief: "prepared", reports: "composing" })).asks("composeReport")
      .when(report("daily", "2026-11-24")).is(at({ brief: "prepared" })).knows({ reports: [] }))
  it("one that cannot be made does not keep the next from being made", () =>
    void given(coordinator, wanted("weekly", "2026-11-23")).when(failed("compose", "Unavailable"))
      .is(at({})).knows({
        reports: [],
        failed: [{ slot: "weekly", date: "2026-11-23", problem: "Unavailable" }],
      }))
  it("one that could not be made is tried again at the next slot, whichever it is", () =>
    void given(
      coordinator,
      wanted("weekly", "2026-11-23"),
      failed("compose", "Unavailable"),
    ).when(reached("nightly", "2026-11-24")).is(at({ reports: "composing" }))
      .asks("composeReport").knows({ failed: [], reached: { nightly: "2026-11-24" } })
      .when(report("weekly", "2026-11-23")).is(at({})).knows({ reports: [], failed: [] }))
})
