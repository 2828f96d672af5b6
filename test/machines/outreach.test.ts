/** The rules of an outreach: drafted, approved, sent; or blocked, rejected, stale, failed, withdrawn. */
import { describe, it } from "vitest"
import { outreach } from "../../machines/outreach.ts"
import { after, day, done, epoch, failed, givenActor } from "../given.ts"

const person = "0123456789abcdef0123456789abcdef"
const envelope = (text: string) => ({ $sealed: [person, "k1", "n", text] })
const requested = (answers = epoch) => ({
  type: "OutreachRequested",
  person,
  answers,
  intents: ["asksPrice"],
  records: ["record-1"],
  contact: envelope("contact"),
  subject: envelope("subject"),
  messageId: envelope(`id ${answers}`),
  quotes: envelope("quotes"),
})
const withdrawn = { type: "OutreachWithdrawn", person, because: "LeadUnsubscribed" }
const retried = { type: "OutreachRetried" }
const draft = {
  person,
  from: envelope("from"),
  to: envelope("to"),
  subject: envelope("re"),
  text: envelope("text"),
  made: "template-1",
}
const drafted = done("draft", draft)
const sent = done("send", { messageId: "<1@x.example>", where: "outbox/1.eml" })
const stream = `outreach-${person}~1`
const result = { person, outreach: stream, answers: epoch }
const givenOutreach = (...steps: Parameters<typeof givenActor>[2][]) =>
  givenActor(outreach, `${person}~1`, ...steps)

describe("the way of a draft", () => {
  it("a request is drafted", () =>
    void givenOutreach().when(requested()).is("drafting").asks("draftOutreach"))
  it("a draft waits for approval: sending is asked for, and held at the gate", () =>
    void givenOutreach(requested()).when(drafted).is("awaitingApproval").asks("sendMail"))
  it("once sent, the lead knows", () =>
    void givenOutreach(requested(), drafted).when(sent).is("sent")
      .tells(`lead-${person}`, { type: "LeadContacted", ...result }))
  it("a rejection ends it, and the lead knows", () =>
    void givenOutreach(requested(), drafted).when(failed("send", "Rejected", "Not her")).is(
      "rejected",
    )
      .tells(`lead-${person}`, { type: "LeadOutreachRejected", ...result }))
  it("what could not be sent failed, and the lead knows", () =>
    void givenOutreach(requested(), drafted).when(failed("send", "NotPermitted")).is("failed")
      .tells(`lead-${person}`, { type: "LeadOutreachFailed", ...result, problem: "NotPermitted" }))
  it("what failed can be tried again, with a new draft", () =>
    void givenOutreach(requested(), drafted, failed("send", "MailerUnavailable")).when(retried)
      .is("drafting").asks("draftOutreach"))
  it("history is neither drafted nor sent", () => {
    givenOutreach(requested()).when(failed("draft", "Skipped")).is("stale")
      .tells(`lead-${person}`, { type: "LeadOutreachFailed", problem: "Skipped" })
    givenOutreach(requested(), drafted).when(failed("send", "Skipped")).is("stale")
  })
})

describe("a draft with a gap", () => {
  const blocked = failed("draft", "MissingSettings", "Not known yet: name")
  it("is blocked and says which fact is missing", () =>
    void givenOutreach(requested()).when(blocked).is("blocked").tellsNobody()
      .knows({ problem: { name: "MissingSettings", message: "Not known yet: name" } }))
  it("is tried again after a day", () =>
    void givenOutreach(requested(), blocked).when(after(day)).is("drafting").asks("draftOutreach"))
  it("is tried again at once when asked", () =>
    void givenOutreach(requested(), blocked).when(retried).is("drafting").asks("draftOutreach"))
})

describe("when the world moves on", () => {
  it("a newer mail is drafted anew, and the approval of the old draft is taken back", () =>
    void givenOutreach(requested(), drafted).when(requested(epoch + day)).is("drafting")
      .stops("send").asks("draftOutreach").knows({ draft: null }))
  it("an older mail changes nothing", () =>
    void givenOutreach(requested(), drafted).when(requested(epoch - day)).is("awaitingApproval")
      .asks().stops())
  it("a newer mail while the answer went out begins it again", () =>
    void givenOutreach(requested(), drafted, sent).when(requested(epoch + day)).is("drafting"))
  it("a withdrawn outreach stops whatever it was doing", () => {
    givenOutreach(requested()).when(withdrawn).is("withdrawn").stops("draft")
    givenOutreach(requested(), drafted).when(withdrawn).is("withdrawn").stops("send")
  })
  it("what was sent stays sent", () =>
    void givenOutreach(requested(), drafted, sent).when(withdrawn).is("sent"))
  it("what was rejected or came too late stays so", () => {
    givenOutreach(requested(), drafted, failed("send", "Rejected")).when(withdrawn).is("rejected")
    givenOutreach(requested(), failed("draft", "Skipped")).when(withdrawn).is("stale")
    givenOutreach(requested(), withdrawn).when(withdrawn).is("withdrawn")
  })
  it("there is nothing to retry while it is under way", () =>
    void givenOutreach(requested()).when(retried).isRefused())
})
