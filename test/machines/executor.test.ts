/** The rules of an executor: drafted, allowed to speak, approved, carried out, and taken back. */
import { describe, expect, it } from "vitest"
import { executor } from "../../machines/executor-chart.ts"
import { after, day, done, epoch, failed, givenActor } from "../given.ts"

const person = "0123456789abcdef0123456789abcdef"
const envelope = (text: string) => ({ $sealed: [person, "k1", "n", text] })
const amount = { minor: 8_900, currency: "EUR" }
const invoice = { invoice: "b".repeat(32), number: "1042", total: amount }
const outreach = `outreach-${person}~1`
const mail = (answers = epoch, more: object = {}) => ({
  type: "MailRequested",
  requester: outreach,
  person,
  records: ["record-1"],
  purpose: "answer",
  answers,
  intents: ["asksPrice"],
  contact: envelope("contact"),
  subject: envelope("subject"),
  messageId: envelope(`id ${answers}`),
  quotes: envelope("quotes"),
  ...more,
})
const reminder = mail(epoch, { purpose: "reminder", invoice, requester: "invoice-1" })
const refund = {
  type: "RefundRequested",
  requester: `analyst-${person}`,
  person,
  records: ["record-1"],
  invoice,
  payment: "ch_2",
  amount,
  reason: "charged twice",
  contact: envelope("contact"),
}
const publication = {
  type: "PublicationRequested",
  requester: "article-1",
  topic: "newsletter-47",
  title: envelope("title"),
  text: envelope("text"),
  publishAt: epoch,
}
const draft = {
  person,
  from: envelope("from"),
  to: envelope("to"),
  subject: envelope("re"),
  text: envelope("text"),
  made: "template-2",
}
const drafted = done("draft", draft)
const granted = { type: "FloorGranted", person }
const other = { person, holder: "executor-2", purpose: "complaint", until: epoch + 5 * day }
const denied = { type: "FloorDenied", ...other }
const revoked = { type: "FloorRevoked", ...other }
const sent = done("send", { messageId: "<1@x.example>", where: "outbox/1.eml" })
const noted = done("noteContact", { where: "crm" })
const withdrawn = { type: "WorkWithdrawn", because: "LeadAnswered" }
const retried = { type: "WorkRetried" }
const undone = { type: "WorkUndone", by: "operator" }
const reopened = { type: "WorkReopened", by: "operator" }
const edited = { type: "DraftEdited", person, text: envelope("mine") }
const work = "executor-1"
const coordinator = "coordinator-main"
const conversation = `analyst-${person}`
const released = (sent: boolean) =>
  [coordinator, { type: "FloorReleased", person, work, sent }] as const
const asksForTheFloor = [
  coordinator,
  { type: "FloorRequested", person, work, purpose: "answer", answers: epoch },
] as const

type Steps = Parameters<typeof givenActor>[2][]
const givenWork = (...steps: Steps) => givenActor(executor, "1", ...steps)
const givenMail = (...steps: Steps) => givenWork(mail(), drafted, granted, ...steps)

describe("a mail", () => {
  it("is drafted, and then asks for the floor", () =>
    void givenWork().when(mail()).is("drafting").asks("draftMail")
      .when(drafted).is("claiming").asks().tells(...asksForTheFloor))
  it("is drafted in the language it was asked for in", () => {
    const { inputs } = givenWork().when(mail(epoch, { language: "de" })).is("drafting")
    expect(inputs).toMatchObject([{ purpose: "answer", language: "de" }])
  })
  it("waits for approval once it has the floor: sending is asked for, and held at the gate", () =>
    void givenWork(mail(), drafted).when(granted).is({ awaitingApproval: "mail" })
      .asks("sendMail"))
  it("once sent, gives the floor back, tells who wanted it, and is noted in the CRM", () =>
    void givenMail().when(sent).is({ carriedOut: "notingContact" }).asks("noteContact")
      .tellsAll(released(true), [conversation, {
        type: "AnswerHandedOver",
        work,
        answers: epoch,
      }], [outreach, { type: "WorkCarriedOut", work, kind: "mail" }])
      .when(noted).is({ carriedOut: "noted" }))
  it("is carried out, whether that could be noted or not", () =>
    void givenMail(sent).when(failed("noteContact", "CrmUnavailable")).is({ carriedOut: "noted" }))
  it("a reminder is noted with its invoice too", () =>
    void givenWork(reminder, drafted, granted).when(sent).asks("noteReminder")
      .when(failed("noteReminder", "PaymentRefused")).is({ carriedOut: "notingContact" }))
  it("who does not listen is not told", () =>
    void givenWork(mail(epoch, { requester: `lead-${person}` }), drafted, granted).when(sent)
      .tellsAll(released(true), [conversation, { type: "AnswerHandedOver" }]))
  it("a rejection ends it, gives the floor back and is told", () =>
    void givenMail().when(failed("send", "Rejected")).is("rejected")
      .tellsAll(released(false), [outreach, { type: "WorkRejected", work }]))
  it("what could not be sent failed, and is told", () =>
    void givenMail().when(failed("send", "NotPermitted")).is("failed")
      .tellsAll(released(false), [outreach, { type: "WorkFailed", problem: "NotPermitted" }]))
  it("history never asks for the floor", () =>
    void givenWork(mail()).when(failed("draft", "Skipped")).is("stale")
      .tellsAll([outreach, { type: "WorkFailed", problem: "Skipped" }]))
})

describe("a draft with a gap", () => {
  const blocked = failed("draft", "MissingSettings", "Not known yet: name")
  it("is blocked and says which fact is missing", () =>
    void givenWork(mail()).when(blocked).is("blocked").tellsNobody()
      .knows({ problem: { name: "MissingSettings", message: "Not known yet: name" } }))
  it("is tried again after a day, or at once when asked", () => {
    givenWork(mail(), blocked).when(after(day)).is("drafting").asks("draftMail")
    givenWork(mail(), blocked).when(retried).is("drafting").asks("draftMail")
  })
})

describe("the floor", () => {
  it("denied, it waits and says for whom", () =>
    void givenWork(mail(), drafted).when(denied).is("waitingForFloor")
      .knows({ yields: { holder: "executor-2", purpose: "complaint" } }))
  it("it asks again at the time it was told", () =>
    void givenWork(mail(), drafted, denied).when(after(4 * day)).is("waitingForFloor")
      .when(after(day)).is("claiming").tells(...asksForTheFloor))
  it("revoked, the approval that waited is taken back", () =>
    void givenMail().when(revoked).is("waitingForFloor").stops("send"))
  it("granted after all, it waits for approval anew", () =>
    void givenMail(revoked, after(5 * day)).when(granted).is({ awaitingApproval: "mail" })
      .asks("sendMail").knows({ yields: null }))
  it("granted to somebody who does not need it any more, it is given back", () =>
    void givenWork(mail(), drafted, withdrawn).when(granted).is("withdrawn").tellsNobody())
  it("a withdrawn mail gives it back", () =>
    void givenMail().when(withdrawn).is("withdrawn").stops("send").tells(...released(false)))
  it("what is no mail needs none", () =>
    void givenWork().when(refund).is({ awaitingApproval: "refund" }).asks("refundPayment")
      .tellsNobody())
})

describe("the founder's words", () => {
  it("take the draft's place: other content, so it is asked for anew", () => {
    const then = givenMail().when(edited).is({ awaitingApproval: "mail" }).stops("send")
      .asks("sendMail")
    expect(then.state.snapshot.context.draft).toEqual({
      ...draft,
      text: envelope("mine"),
      made: "founder",
    })
  })
  it("are kept while the floor is somebody else's", () =>
    void givenWork(mail(), drafted, denied, edited).is("waitingForFloor")
      .knows({ draft: { made: "founder" } }))
  it("have nothing to replace before there is a draft", () =>
    void givenWork(mail()).when(edited).isRefused())
  it("come too late for what was sent", () => void givenMail(sent).when(edited).isRefused())
})

describe("taking back", () => {
  const compensation = /^compensate:/
  const child = (then: ReturnType<typeof givenWork>) =>
    Object.keys(then.state.children).find((id) => compensation.test(id)) ?? ""
  const undoing = givenMail(sent, noted).when(undone)
  it("asks for the compensation, with what was done", () =>
    void undoing.is("undoing").asks("recallMail"))
  it("when it is done, the floor is free and there is nothing to follow up", () =>
    void undoing.when(done(child(undoing), { where: "outbox" })).is("undone")
      .tellsAll(released(false), [conversation, { type: "AnswerTakenBack", work }], [
        outreach,
        { type: "WorkTakenBack" },
      ]))
  it("too late, it stays as it is and says why", () =>
    void undoing.when(failed(child(undoing), "TooLate", "It was sent")).is("cannotUndo")
      .knows({ problem: { name: "TooLate", message: "It was sent" } }))
  it("a refund is taken back as a refund", () => {
    const then = givenWork(refund, done("refund", { refund: "re_1", where: "book" })).when(undone)
    then.asks("cancelRefund").when(done(child(then), { where: "book" })).is("undone").tellsNobody()
    const published = givenWork(publication, done("publish", { where: "out" })).when(undone)
    published.when(done(child(published), { where: "out" })).is("undone")
      .tells("article-1", { type: "WorkTakenBack", kind: "publication" })
  })
  it("what was taken back can be decided once more", () => {
    undoing.when(done(child(undoing), { where: "outbox" })).when(reopened).is("claiming")
      .tells(...asksForTheFloor)
    const then = givenWork(refund, done("refund", { refund: "re_1", where: "book" })).when(undone)
    then.when(done(child(then), { where: "book" })).when(reopened)
      .is({ awaitingApproval: "refund" }).asks("refundPayment")
  })
  it("what came too late is written anew for who wants it all the same", () =>
    void givenMail(failed("send", "Skipped")).is("stale").when(reopened).is("drafting")
      .asks("draftMail"))
  it("nothing is taken back that was not done", () => void givenMail().when(undone).isRefused())
  it("what was rejected can be decided once more", () => {
    givenMail(failed("send", "Rejected")).when(reopened).is("claiming").tells(...asksForTheFloor)
    givenWork(refund, failed("refund", "Rejected")).when(reopened)
      .is({ awaitingApproval: "refund" }).asks("refundPayment")
    givenWork(publication, failed("publish", "Rejected")).when(reopened)
      .is({ awaitingApproval: "publication" }).asks("publishArticle")
  })
})

describe("what was under way when it was stopped", () => {
  const happened = (inReplyTo: unknown, activity = "sendMail") => ({
    type: "WorkHappened",
    activity,
    input: { person, inReplyTo },
  })
  const this1 = happened(mail().messageId)
  const told = [outreach, { type: "WorkCarriedOut", work, kind: "mail", answers: epoch }] as const
  it.each([
    ["the floor was revoked", [revoked]],
    ["it asks for the floor again", [revoked, after(5 * day)]],
    ["it was withdrawn", [withdrawn]],
  ])("went out after all: %s, and no second mail is offered", (_, steps) => {
    const { told: all } = givenMail(...steps).when(this1).is({ carriedOut: "afterAll" }).asks()
    expect(all).toContainEqual({ to: told[0], event: expect.objectContaining(told[1]) })
  })
  it("an edited mail that went out as it was is not asked for in the founder's words", () =>
    void givenMail(edited).when(this1).is({ carriedOut: "afterAll" }).stops("send")
      .tellsAll(released(true), [`analyst-${person}`, { type: "AnswerHandedOver", work }], told))
  it("the answer to an older mail leaves the newer one to be answered", () =>
    void givenMail(mail(epoch + day)).when(this1).is("drafting").tellsNobody())
  it("a refund that was given is not asked for again", () => {
    const given = { type: "WorkHappened", activity: "refundPayment", input: { payment: "ch_2" } }
    givenWork(refund, refund).when(given).is({ carriedOut: "afterAll" }).stops("refund")
    givenWork(refund, { ...refund, payment: "ch_3" }).when(given)
      .is({ awaitingApproval: "refund" }).stops()
  })
  it("an article that went out with its old text is still published with the new one", () =>
    void givenWork(publication, { ...publication, text: envelope("new") })
      .when({ type: "WorkHappened", activity: "publishArticle", input: publication })
      .is({ awaitingApproval: "publication" }).stops())
  it("cannot be taken back from here, and says why", () =>
    void givenMail(revoked, this1).when(undone).is("cannotUndo")
      .knows({ problem: { name: "TooLate" } }))
})

describe("when the world moves on", () => {
  it("a newer mail is drafted anew, and the approval of the old draft is taken back", () =>
    void givenMail().when(mail(epoch + day)).is("drafting").stops("send").asks("draftMail"))
  it("an older mail changes nothing", () =>
    void givenMail().when(mail(epoch - day)).is({ awaitingApproval: "mail" }).asks().stops())
  it("what was carried out is not begun again: that is other work", () =>
    void givenMail(sent).when(mail(epoch + day)).isRefused())
  it("an article that was changed asks anew", () =>
    void givenWork(publication).when(publication).stops("publish").asks("publishArticle"))
  it("work does not change its kind", () => void givenWork(refund).when(mail()).isRefused())
  it("what was sent stays sent", () =>
    void givenMail(sent).when(withdrawn).is({ carriedOut: "notingContact" }))
})
