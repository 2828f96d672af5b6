/** The rules of the gate: what must be decided, what a decision binds to, and what follows. */
import { describe, it } from "vitest"
import { gatekeeper } from "../../machines/gatekeeper.ts"
import { after, day, givenActor, minute } from "../given.ts"

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
