/** The rules of an outreach: answered by an executor, followed up once, and ended by whatever happens. */
import { describe, it } from "vitest"
import { outreach } from "../../machines/outreach.ts"
import { after, day, epoch, givenActor } from "../given.ts"

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
const withdrawn = { type: "OutreachWithdrawn", person, because: "LeadAnswered" }
const retried = { type: "OutreachRetried" }
const first = `executor-${person}~o1~1`
const second = `executor-${person}~o1~2`
const of = (work: string, answers = epoch) => ({ work, kind: "mail", answers })
const sent = (work = first, answers = epoch) => ({ type: "WorkCarriedOut", ...of(work, answers) })
const rejected = (work = first) => ({ type: "WorkRejected", ...of(work) })
const failed = (work = first) => ({ type: "WorkFailed", ...of(work), problem: "Skipped" })
const takenBack = { type: "WorkTakenBack", ...of(first) }
const lead = `lead-${person}`
const result = { person, outreach: `outreach-${person}~1`, answers: epoch }
const givenOutreach = (...steps: Parameters<typeof givenActor>[2][]) =>
  givenActor(outreach, `${person}~1`, ...steps)

describe("answering", () => {
  it("is the work of an executor of its own", () =>
    void givenOutreach().when(requested()).is("answering").tells(first, {
      type: "MailRequested",
      requester: `outreach-${person}~1`,
      purpose: "answer",
      answers: epoch,
      quotes: envelope("quotes"),
    }))
  it("is drafted in the language the person wrote in", () =>
    void givenOutreach().when({ ...requested(), language: "de" })
      .tells(first, { type: "MailRequested", language: "de" }))
  it("once sent, the lead knows", () =>
    void givenOutreach(requested()).when(sent()).is("contacted")
      .tells(lead, { type: "LeadContacted", ...result }))
  it("a rejection ends it, and the lead knows", () =>
    void givenOutreach(requested()).when(rejected()).is("rejected")
      .tells(lead, { type: "LeadOutreachRejected", ...result }))
  it("a failure ends it, and the lead knows", () =>
    void givenOutreach(requested()).when(failed()).is("failed")
      .tells(lead, { type: "LeadOutreachFailed", ...result, problem: "Skipped" }))
  it("what failed can be tried again, by another executor", () =>
    void givenOutreach(requested(), failed()).when(retried).is("answering")
      .tells(second, { type: "MailRequested" }))
  it("what was rejected and then approved after all was sent", () =>
    void givenOutreach(requested(), rejected()).when(sent()).is("contacted"))
})

describe("following up", () => {
  const contacted = [requested(), sent()]
  it("after five days of silence, once, by an executor of its own", () => {
    givenOutreach(...contacted, after(5 * day - 1)).is("contacted").when(after(1))
      .is("followingUp").tells(second, { type: "MailRequested", purpose: "followUp" })
    givenOutreach(...contacted, after(5 * day)).when(sent(second)).is("concluded").tellsNobody()
      .when(after(100 * day)).is("concluded")
  })
  it("not where the person or the founder wrote meanwhile", () =>
    void givenOutreach(...contacted).when(withdrawn).is("concluded")
      .when(after(10 * day)).is("concluded").tellsNobody())
  it("one that waits for approval is withdrawn then", () =>
    void givenOutreach(...contacted, after(5 * day)).when(withdrawn).is("concluded")
      .tells(second, { type: "WorkWithdrawn", because: "LeadAnswered" }))
  it("not where our mail asked nothing, or the person said yes", () => {
    givenOutreach(requested()).when({ ...sent(), asks: false }).is("answered")
      .tells(lead, { type: "LeadContacted", ...result })
      .when(after(100 * day)).is("answered").tellsNobody()
      .when(requested(epoch + day)).is("answering")
    givenOutreach({ ...requested(), intents: ["accepts"] }, sent()).is("answered")
    givenOutreach(requested(), rejected(), { ...sent(), asks: false }).is("answered")
    givenOutreach(requested(), { ...sent(), asks: false }, takenBack).is("rejected")
  })
  it("a mail that asks is followed up, and the lead hears how it is known again", () =>
    void givenOutreach(requested()).when({ ...sent(), asks: true, messageId: "<1@a>" })
      .is("contacted").tells(lead, { type: "LeadContacted", messageId: "<1@a>" }))
  it("a rejected one ends it as well", () =>
    void givenOutreach(...contacted, after(5 * day)).when(rejected(second)).is("concluded"))
  it("not after an answer that was taken back", () =>
    void givenOutreach(...contacted).when(takenBack).is("rejected"))
  it("a newer mail is answered instead", () =>
    void givenOutreach(...contacted, after(5 * day)).when(requested(epoch + 5 * day))
      .is("answering").tellsAll(
        [second, { type: "WorkWithdrawn" }],
        [`executor-${person}~o1~3`, { type: "MailRequested", purpose: "answer" }],
      ))
})

describe("when the world moves on", () => {
  it("a newer mail goes to the executor under way: never two at once", () =>
    void givenOutreach(requested()).when(requested(epoch + day)).is("answering")
      .tells(first, { type: "MailRequested", answers: epoch + day }))
  it("an older mail changes nothing", () =>
    void givenOutreach(requested()).when(requested(epoch - day)).is("answering").tellsNobody())
  it("a newer mail after the answer begins it again", () =>
    void givenOutreach(requested(), sent()).when(requested(epoch + day)).is("answering")
      .tells(second, { type: "MailRequested" }))
  it("a newer mail that came while the answer to the one before went out gets its own", () =>
    void givenOutreach(requested(), requested(epoch + day)).when(sent()).is("answering").tellsAll(
      [lead, { type: "LeadContacted", answers: epoch }],
      [second, { type: "MailRequested", answers: epoch + day }],
    ))
  it("withdrawn, its work is withdrawn", () =>
    void givenOutreach(requested()).when(withdrawn).is("withdrawn")
      .tells(first, { type: "WorkWithdrawn", because: "LeadAnswered" }))
  it("what came of other work changes nothing", () =>
    void givenOutreach(requested()).when(sent("executor-9")).is("answering").tellsNobody())
})
