/** The rules of the gate: what must be decided, what a decision binds to, and what follows. */
import { describe, it } from "vitest"
import { gatekeeper } from "../../machines/gatekeeper.ts"
import { after, day, epoch, givenActor, minute } from "../given.ts"

const requested = (risk = "outward") => ({
  type: "ApprovalRequested",
  ask: "outreach-1/3.0",
  stream: "outreach-1",
  activity: "sendMail",
  risk,
  hash: "aa",
  reasons: ["asks for a price"],
  content: { $sealed: ["1", "k", "n", "t"] },
  events: [],
})
const granted = (hash = "aa") => ({ type: "ApprovalGranted", hash, by: "operator" })
const rejected = { type: "ApprovalRejected", reason: "Too early", by: "operator" }
const superseded = { type: "ApprovalSuperseded", by: "another" }
const carriedOut = { type: "ApprovalCarriedOut", outcome: "succeeded" }
const givenApproval = (...steps: Parameters<typeof givenActor>[2][]) =>
  givenActor(gatekeeper, "8f", ...steps)

describe("policy", () => {
  it("what leaves the house waits for the founder", () =>
    void givenApproval().when(requested("outward")).is("awaitingApproval"))
  it("money waits for the founder", () =>
    void givenApproval().when(requested("money")).is("awaitingApproval"))
  it("what stays in the house is approved by the policy", () =>
    void givenApproval().when(requested("none")).is("approved")
      .knows({ decision: { by: "policy" } }))
})

describe("decision", () => {
  it("nothing can be decided before it was asked", () => {
    givenApproval().when(granted()).isRefused()
    givenApproval().when(rejected).isRefused()
  })
  it("an approval names the content's hash", () =>
    void givenApproval(requested()).when(granted()).is("approved")
      .knows({ decision: { by: "operator" } }))
  it("an approval of other content is refused", () =>
    void givenApproval(requested()).when(granted("bb")).isRefused())
  it("a rejection keeps its reason", () =>
    void givenApproval(requested()).when(rejected).is("rejected")
      .knows({ decision: { by: "operator", reason: "Too early" } }))
  it("a request that was superseded cannot be approved", () =>
    void givenApproval(requested(), superseded).is("superseded").when(granted()).isRefused())
  it("a decision is not taken back by another decision", () => {
    givenApproval(requested(), rejected).when(granted()).isRefused()
    givenApproval(requested(), granted()).when(rejected).isRefused()
  })
  it("what nobody decides in 30 days is not done", () =>
    void givenApproval(requested(), after(30 * day - minute)).is("awaitingApproval")
      .when(after(minute)).is("expired").when(granted()).isRefused())
})

describe("afterwards", () => {
  it("what became of it is recorded", () =>
    void givenApproval(requested(), granted()).when(carriedOut).is("carriedOut")
      .knows({ outcome: "succeeded", decision: { by: "operator" } }))
  it("what nobody waits for any more is not done, though it was approved", () =>
    void givenApproval(requested(), granted()).when(superseded).is("superseded"))
  it("nothing was carried out that was not approved", () =>
    void givenApproval(requested()).when(carriedOut).isRefused())
})

describe("not now", () => {
  const until = epoch + 3 * day
  const postponed = { type: "ApprovalPostponed", until, by: "operator" }
  it("it comes back at the time the founder said", () =>
    void givenApproval(requested()).when(postponed).is("postponed").knows({ postponements: 1 })
      .when(after(3 * day)).is("awaitingApproval").knows({ until: null }))
  it("and can be decided before", () => {
    givenApproval(requested(), postponed).when(granted()).is("approved")
    givenApproval(requested(), postponed).when(granted("bb")).isRefused()
    givenApproval(requested(), postponed).when(rejected).is("rejected")
    givenApproval(requested(), postponed).when(superseded).is("superseded")
    givenApproval(requested(), postponed).when({ type: "ApprovalWithdrawn", by: "operator" })
      .is("awaitingApproval")
  })
  it("or put off again", () =>
    void givenApproval(requested(), postponed).when({ ...postponed, until: until + day })
      .is("postponed").when(after(3 * day)).is("postponed").knows({ postponements: 2 }))
  it("but not to yesterday", () =>
    void givenApproval(requested()).when({ ...postponed, until: epoch - day }).isRefused())
})

describe("a decision taken back", () => {
  const withdrawn = { type: "ApprovalWithdrawn", by: "operator" }
  it("before anything happened, it waits again", () =>
    void givenApproval(requested(), granted()).when(withdrawn).is("awaitingApproval")
      .knows({ decision: null, decidedAt: null, withdrawals: 1 }).when(granted()).is("approved"))
  it("not where it was never given", () =>
    void givenApproval(requested()).when(withdrawn).isRefused())
  it("too late for what was under way: what happened is recorded all the same", () =>
    void givenApproval(requested(), granted(), withdrawn).when(carriedOut).is("carriedOut"))
  it("after it happened, it is regretted", () =>
    void givenApproval(requested(), granted(), carriedOut)
      .when({ type: "ApprovalRegretted", by: "operator" }).is("regretted")
      .knows({ regretted: true, outcome: "succeeded" }))
})

describe("the record of the gate", () => {
  it("says how risky it was found, by which rule, when it was asked and decided, and by whom", () =>
    void givenApproval({ ...requested(), grade: "low", rule: "a reminder", edits: "1f" })
      .when(granted()).knows({
        grade: "low",
        rule: "a reminder",
        edits: "1f",
        requestedAt: epoch,
        decidedAt: epoch + minute,
        decision: { by: "operator" },
        postponements: 0,
      }))
})
