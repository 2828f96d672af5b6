/** The rules of an article: from notes to a draft, a review, a day and a file. */
import { describe, it } from "vitest"
import {
  article,
  dueSoonMillis,
  notesMin,
  patienceMillis,
  restMillis,
  secondThoughtMillis,
} from "../../machines/article.ts"
import { after, day, done, epoch, failed, givenActor } from "../given.ts"

const key = "00112233445566778899aabbccddeeff"
const envelope = { $sealed: ["founder", "k1", "n", "t"] } as const
const base = (at: number) => ({ topic: "newsletter-47", record: `record-${at}`, at: epoch + at })
const due = (days: number | undefined) => days === undefined ? {} : { dueAt: epoch + days * day }

const note = (at: number, days?: number, name = `note-${at}`) => ({
  type: "NoteCollected",
  ...base(at),
  title: envelope,
  tags: envelope,
  note: name,
  ...due(days),
})
const draft = (at: number, days?: number) => ({
  type: "DraftWritten",
  ...base(at),
  title: envelope,
  text: envelope,
  covers: ["record-1"],
  ...due(days),
})
const finished = (at: number, days?: number) => ({
  type: "ArticleFinished",
  ...base(at),
  title: envelope,
  text: envelope,
  ...due(days),
})
const passed = { type: "ReviewPassed", by: "operator" }
const rejected = { type: "ReviewFailed", by: "operator", reason: envelope }
const drafted = done("draft", {
  title: envelope,
  text: envelope,
  covers: ["record-1"],
  made: "template-1",
})
const work = `executor-${key}~1`
const ended = (type: string) => ({
  type,
  work,
  kind: "publication",
  answers: 0,
  ...(type === "WorkFailed" ? { problem: "Skipped" } : {}),
})
const given = (...steps: Parameters<typeof givenActor>[2][]) => givenActor(article, key, ...steps)
const is = (text: unknown, deadline: string) => ({ text, deadline }) as never

describe("notes", () => {
  it("are collected; three of them are enough where no day is named", () => {
    const [one, two, three] = [note(1), note(2), note(3)]
    given(one, two).is(is({ collecting: "few" }, "none")).when(three).is(
      is({ collecting: "enough" }, "none"),
    )
    void notesMin
  })
  it("become a draft when the day is near, or when they have rested", () => {
    given(note(1, 10)).when(after(10 * day - dueSoonMillis)).asks("draftArticle").is(
      is("drafting", "dueSoon"),
    )
    given(note(1), note(2), note(3)).when(after(restMillis)).asks("draftArticle")
  })
  it("in a newer version replace the older one", () =>
    void given(note(1, 10, "pricing.md"), note(2, 10, "voice.md"), note(3, 10, "pricing.md")).knows(
      {
        notes: [{ record: "record-2" }, { record: "record-3" }],
      },
    ))
  it("of long ago lead to nothing", () => {
    given(note(1, -40)).is(is("shelved", "over")).asks()
    given(note(1, 1), after(day)).when(failed("draft", "Skipped")).is(is("shelved", "late"))
  })
  it("that come while a draft is made are in it", () =>
    void given(note(1, 3), after(day)).when(note(2, 3)).stops("draft").asks("draftArticle"))
  it("are drafted again where it did not work", () =>
    void given(note(1, 3), after(1)).when(failed("draft", "LogUnavailable")).is(
      is("undrafted", "dueSoon"),
    ).when(after(day)).asks("draftArticle"))
})

describe("a draft", () => {
  it("made from notes is reviewed", () =>
    void given(note(1, 3), after(1), drafted).is(is("inReview", "dueSoon")).knows({
      draft: { made: "template-1", record: null },
    }))
  it("of the founder's replaces it, and is the founder's to finish", () =>
    void given(note(1, 3), after(1), drafted, draft(9)).is(is("writing", "dueSoon")).knows({
      draft: { made: "founder", covers: ["record-1"] },
    }))
  it("of the founder's ends drafting", () =>
    void given(note(1, 3), after(1)).when(draft(9)).stops("draft").is(is("writing", "dueSoon")))
  it("that is older than the founder's changes nothing", () =>
    void given(draft(9, 10), draft(5)).knows({ draft: { record: "record-9" } }))
  it("that is finished goes to review at once", () =>
    void given(draft(1, 10)).when(finished(2)).is(is("inReview", "ahead")).knows({
      draft: { covers: ["record-1"] },
    }))
  it("that nobody reviews is shelved", () =>
    void given(finished(1), after(patienceMillis)).is(is("shelved", "none")))
  it("that fails its review is written again", () =>
    void given(finished(1, 10)).when(rejected).is(is("writing", "ahead")))
})

describe("an approved article", () => {
  it("waits for its day, and is then published", () =>
    void given(finished(1, 10), passed).is(is("scheduled", "ahead")).when(after(10 * day)).tells(
      work,
      {
        type: "PublicationRequested",
        requester: `article-${key}`,
        topic: "newsletter-47",
        publishAt: epoch + 10 * day,
      },
    ).is(is("publishing", "late")))
  it("is published at once where its day has come", () =>
    void given(finished(1, 1), after(2 * day), passed).is(is("publishing", "late")))
  it("without a day leaves an hour to take it back", () =>
    void given(finished(1), passed).is(is("approved", "none")).when(rejected).is(
      is("writing", "none"),
    )
      .when(finished(2)).when(passed).when(after(secondThoughtMillis)).is(is("publishing", "none")))
  it("that is changed goes to review again, and its publication is withdrawn", () =>
    void given(finished(1, 1), after(2 * day), passed).when(finished(5)).tells(work, {
      type: "WorkWithdrawn",
      because: "ArticleFinished",
    }).is(is("inReview", "late")))
  it("is published once it was carried out, and has met its day", () =>
    void given(finished(1, 1), after(2 * day), passed, ended("WorkCarriedOut")).is(
      is("published", "met"),
    ).tellsNobody().when(draft(9, 20)).is(is("published", "met")))
  it("is withdrawn where the founder rejects it, and may be approved again", () =>
    void given(finished(1), passed, after(secondThoughtMillis), ended("WorkRejected")).is(
      is("withdrawn", "none"),
    ).when(passed).is(is("publishing", "none")))
  it("that was taken back is withdrawn, late again, and may be published once more", () => {
    given(draft(1, 20), finished(2, 20), passed, after(20 * day), ended("WorkCarriedOut")).when(
      ended("WorkTakenBack"),
    ).is(is("withdrawn", "ahead")).when(after(10)).is(is("withdrawn", "late")).when(passed).tells(
      `executor-${key}~2`,
      { type: "PublicationRequested" },
    )
    given(finished(2), passed, after(day), ended("WorkCarriedOut")).when(ended("WorkTakenBack"))
      .is(is("withdrawn", "none"))
  })
  it("that could not be published is looked at again", () =>
    void given(finished(1), passed, after(secondThoughtMillis), ended("WorkFailed")).is(
      is("inReview", "none"),
    ).knows({ problem: "Skipped" }))
})

describe("the deadline", () => {
  it("comes near, passes, and is over a month later", () =>
    void given(draft(1, 10)).is(is("writing", "ahead")).when(after(10 * day - dueSoonMillis)).is(
      is("writing", "dueSoon"),
    ).when(after(dueSoonMillis)).is(is("writing", "late")).when(after(patienceMillis)).is(
      is("writing", "over"),
    ))
  it("moves with the day that is named last", () =>
    void given(draft(1, 10), after(8 * day)).is(is("writing", "dueSoon")).when(draft(9, 30)).is(
      is("writing", "ahead"),
    ))
})
