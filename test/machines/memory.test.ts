/** The rules of memory: what makes it look at its tiers, and how a night goes, pauses and ends. */
import { describe, expect, it } from "vitest"
import {
  failuresMax,
  memory,
  pauseMillisMin,
  subjectsPerRoundMax,
} from "../../machines/memory-chart.ts"
import { memoryPolicyDefault, type Subject } from "../../machines/memory.ts"
import { after, done, failed, given, minute } from "../given.ts"

/** The regions that a test is about; the others stay as they began. */
const at = (regions: object) => ({
  tiers: "settled",
  night: "idle",
  services: "healthy",
  ...regions,
})
const night = (date = "2026-11-24") => ({ type: "NightReached", date })
const asked = { type: "SummariesRequested", by: "operator" }
const down = (service = "ollama") => ({
  type: "ServiceDegraded",
  service,
  reason: "nobody answers",
})
const back = (service = "ollama") => ({ type: "ServiceRecovered", service })
const chosen = (version: number, policy: object = {}) => ({
  type: "MemoryPolicyChosen",
  policy: { ...memoryPolicyDefault, ...policy, version },
})
const planned = (more = false) =>
  done("plan", {
    evict: ["a"],
    recall: [],
    because: { age: 1 },
    kept: 3,
    spared: 0,
    more,
    policy: 1,
  })
const subject = (key: string, of: Subject["of"] = "thread"): Subject => ({
  ...{ of, key, upTo: 7 },
  events: ["e1", "e2"],
})
const gathered = (subjects: ReadonlyArray<Subject>, left = 0) =>
  done("gather", { subjects: [...subjects], left } as never)
const summarised = (key: string, accepted = true, tokens = 100) =>
  done("summarise", {
    ...{ of: "thread", key, upTo: 7, events: ["e1"], accepted, text: "Ada asked for a price." },
    made: "extract-1",
    facts: { found: 2, kept: accepted ? 2 : 1 },
    questions: { asked: 0, answered: 0 },
    refused: accepted ? [] : ["lost the amount 1,200 EUR"],
    tokens,
  })
const unavailable = failed("summarise", "ModelUnavailable", "The model does not answer")
const two = [subject("one"), subject("two")]
const of = (subject: Subject) => [{ policy: memoryPolicyDefault, subject }]

describe("tiers", () => {
  it("are looked at when the index finds too many", () =>
    void given(memory).when({ type: "EvictionRequested", by: "indexer" })
      .is(at({ tiers: "planning" })).asks("planEviction"))
  it("again, while items are left that should leave", () =>
    void given(memory, { type: "EvictionRequested", by: "indexer" }).when(planned(true))
      .is(at({ tiers: "planning" })).asks("planEviction").when(planned())
      .is(at({})).asks().knows({ lastPlan: { evicted: 1, kept: 3 } }))
  it("a policy takes effect at once", () =>
    void given(memory).when(chosen(2)).is(at({ tiers: "planning" }))
      .knows({ policy: { version: 2 } }).asks("planEviction"))
  it("what is being planned under the old policy does not count any more", () =>
    void given(memory, { type: "EvictionRequested", by: "indexer" }).when(chosen(2))
      .stops("plan").asks("planEviction"))
  it("a policy that is not newer is refused: somebody else chose meanwhile", () =>
    void given(memory, chosen(2)).when(chosen(2)).isRefused())
  it("what asks for a look while it looks is not lost", () =>
    void given(memory, { type: "EvictionRequested", by: "indexer" }, {
      type: "EvictionRequested",
      by: "operator",
    }).when(planned()).is(at({ tiers: "planning" })))
  it("a plan that fails waits for the next reason", () =>
    void given(memory, { type: "EvictionRequested", by: "indexer" })
      .when(failed("plan", "TiersUnavailable", "The read model is behind"))
      .is(at({})).knows({ lastPlan: { problem: "The read model is behind" } })
      .when(night()).asks("gatherSubjects", "planEviction"))
  it("what was kept and is released is looked at again", () =>
    void given(memory, { type: "ItemsRecalled", items: ["a"] }).is(at({}))
      .when({ type: "ItemsReleased", items: ["a"] }).asks("planEviction"))
  it("a summary that is withdrawn gives back what it stood for", () =>
    void given(memory).when({
      type: "SummaryWithdrawn",
      ...{ summary: "s", events: ["e1"], reason: "wrong" },
    }).asks("planEviction"))
})

describe("a night", () => {
  it("gathers, then summarises one subject after the other", () =>
    void given(memory, night(), planned()).when(gathered(two))
      .is(at({ night: "summarising" })).asks("summarise")
      .when(summarised("one")).is(at({ night: "summarising" })).asks("summarise")
      .when(summarised("two", false)).is(at({ tiers: "planning" }))
      .knows({ night: { accepted: 1, refused: 1, tokens: 200 }, queue: [] }))
  it("never asks again for what is done", () => {
    const story = given(memory, night(), planned(), gathered(two)).when(summarised("one"))
    expect(story.inputs).toEqual(of(subject("two")))
  })
  it("takes subjects of a kind together: the model is told the same thing first", () =>
    void given(memory, night(), planned())
      .when(gathered([subject("d", "day"), subject("a"), subject("p", "person"), subject("b")]))
      .knows({
        queue: [{ key: "a" }, { key: "b" }, { key: "p" }, { key: "d" }],
      }))
  it("looks at the tiers at its end: what is summarised may leave", () =>
    void given(memory, night(), planned(), gathered([subject("one")])).when(summarised("one"))
      .asks("planEviction"))
  it("with nothing to do ends at once", () =>
    void given(memory, night(), planned()).when(gathered([]))
      .is(at({ tiers: "planning" })).knows({ night: { accepted: 0, left: 0 } }))
  it("counts once, and never backwards", () => {
    given(memory, night(), planned(), gathered([])).when(night()).isRefused()
    given(memory, night("2026-11-24")).when(night("2026-11-23")).isRefused()
  })
  it("is had at any time by asking for it", () =>
    void given(memory, night(), planned(), gathered([]), planned()).when(asked)
      .is(at({ night: "gathering" })).knows({ night: { by: "operator", accepted: 0 } }))
  it("gathers again while some are left, each time with less room", () => {
    const story = given(
      memory,
      chosen(2, { summaries: { ...memoryPolicyDefault.summaries, perNightMax: 3 } }),
      planned(),
      night(),
      planned(),
      gathered(two, 5),
      summarised("one"),
    ).when(summarised("two"))
    story.is(at({ night: "gathering" }))
    expect(story.inputs).toMatchObject([{ limit: 1 }])
    story.when(gathered([subject("three"), subject("four")], 4)).knows({
      queue: [{ key: "three" }],
    }).when(summarised("three")).knows({ night: { accepted: 3, left: 5 } })
      .is(at({ tiers: "planning" }))
  })
  it("keeps no more than a round in mind", () => {
    const many = Array.from({ length: 3 * subjectsPerRoundMax }, (_, n) => subject(`s${n}`))
    const { state } = given(memory, night(), planned()).when(gathered(many))
    expect(state.snapshot.context.queue).toHaveLength(subjectsPerRoundMax)
  })
  it("ends when its tokens are spent; the rest is the next night's", () =>
    void given(memory, night(), planned(), gathered(two, 3))
      .when(summarised("one", true, memoryPolicyDefault.summaries.tokensMax))
      .is(at({ night: "outOfBudget", tiers: "planning" })).knows({ night: { left: 4 }, queue: [] })
      .when(night("2026-11-25")).is(at({ night: "gathering", tiers: "planning" }))
      .knows({ night: { tokens: 0 } }))
  it("that cannot be gathered ends with the reason", () =>
    void given(memory, night(), planned())
      .when(failed("gather", "RecallUnavailable", "Nothing is remembered here"))
      .is(at({ tiers: "planning" })).knows({ night: { problem: "Nothing is remembered here" } }))
})

describe("a model that fails", () => {
  it("skips a subject with its reason and goes on", () =>
    void given(memory, night(), planned(), gathered(two)).when(unavailable)
      .is(at({ night: "summarising" })).when(summarised("two")).knows({
        night: { accepted: 1, skips: [{ key: "one", reason: "The model does not answer" }] },
      }))
  it("again and again pauses the night, and nothing is skipped", () => {
    const subjects = Array.from({ length: failuresMax + 2 }, (_, n) => subject(`s${n}`))
    const failures = Array.from({ length: failuresMax }, () => unavailable)
    given(memory, night(), planned(), gathered(subjects), ...failures)
      .is(at({ night: "paused" }))
      .knows({ queue: subjects.map(({ key }) => ({ key })), failing: [], night: { skipped: 0 } })
      .when(after(pauseMillisMin - minute)).is(at({ night: "paused" }))
      .when(after(minute)).is(at({ night: "summarising" }))
  })
  it("pauses longer each time", () => {
    const failures = Array.from({ length: failuresMax }, () => unavailable)
    const subjects = Array.from({ length: failuresMax }, (_, n) => subject(`s${n}`))
    given(memory, night(), planned(), gathered(subjects), ...failures, after(pauseMillisMin))
      .is(at({ night: "summarising" }))
      .when(unavailable).when(unavailable).when(unavailable).is(at({ night: "paused" }))
      .when(after(pauseMillisMin)).is(at({ night: "paused" }))
      .when(after(pauseMillisMin)).is(at({ night: "summarising" }))
  })
  it("down in the middle of a summary: it waits, and goes on with the same subject", () => {
    const story = given(memory, night(), planned(), gathered(two), summarised("one")).when(down())
    story.is(at({ night: "paused", services: "degraded" })).stops("summarise")
      .knows({ night: { problem: "nobody answers" } })
    const again = story.when(back())
    again.is(at({ night: "summarising" })).asks("summarise").knows({ night: { problem: "" } })
    expect(again.inputs).toEqual(of(subject("two")))
  })
  it("down when the night comes: what there is to do is gathered, and waits", () =>
    void given(memory, down(), night(), planned()).when(gathered(two))
      .is(at({ night: "paused", services: "degraded" })).asks()
      .when(back()).asks("summarise"))
  it("down when somebody asks is not waited for: rules do it", () => {
    given(memory, down(), asked).when(gathered(two))
      .is(at({ night: "summarising", services: "degraded" })).asks("summarise")
      .when(summarised("one")).is(at({ night: "summarising", services: "degraded" }))
      .when(summarised("two")).knows({ night: { by: "operator", accepted: 2 } })
  })
  it("down and waited for is not waited for any more when somebody asks", () =>
    void given(memory, down(), night(), planned(), gathered(two)).when(asked)
      .is(at({ night: "gathering", services: "degraded" })).when(gathered(two))
      .is(at({ night: "summarising", services: "degraded" })).asks("summarise"))
  it("asked for while it is being gathered, a night does not wait either", () =>
    void given(memory, down(), night(), planned(), asked).when(gathered(two))
      .is(at({ night: "summarising", services: "degraded" })))
  it("down for a second night is not waited for, nor for a third", () => {
    given(memory, down(), night(), planned(), gathered(two))
      .is(at({ night: "paused", services: "degraded" }))
      .when(night("2026-11-25")).when(planned()).when(gathered([subject("one")]))
      .is(at({ night: "summarising", services: "degraded" }))
      .when(summarised("one")).when(planned()).is(at({ services: "degraded" }))
      .when(night("2026-11-26")).when(planned()).when(gathered(two))
      .is(at({ night: "summarising", services: "degraded" }))
  })
  it("down, and what rules do fails again and again: it is tried again after a pause", () => {
    const subjects = Array.from({ length: failuresMax }, (_, n) => subject(`s${n}`))
    const failures = Array.from({ length: failuresMax }, () => unavailable)
    given(memory, down(), asked, gathered(subjects), ...failures)
      .is(at({ night: "paused", services: "degraded" }))
      .when(after(pauseMillisMin)).is(at({ night: "summarising", services: "degraded" }))
  })
  it("down again after it was back is waited for again", () =>
    void given(memory, down(), asked, gathered(two), back(), summarised("one")).when(down())
      .is(at({ night: "paused", services: "degraded" })))
  it("down for longer than a pause is waited for", () =>
    void given(memory, down(), night(), planned(), gathered(two))
      .when(after(10 * pauseMillisMin)).is(at({ night: "paused", services: "degraded" })))
})

describe("services", () => {
  it("other than the model keep nobody from summarising", () =>
    void given(memory, night(), planned(), gathered(two)).when(down("chroma"))
      .is(at({ night: "summarising", services: "degraded" })))
  it("are healthy when all are back", () =>
    void given(memory, down("chroma"), down("ollama")).when(back("chroma"))
      .is(at({ services: "degraded" })).when(back("ollama")).is(at({})).knows({ degraded: [] }))
  it("that were never down may be told to be back", () =>
    void given(memory, down("chroma")).when(back("embedder")).is(at({ services: "degraded" })))
})
