/** Words for times, amounts and mails as a founder types them. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { mailOf } from "../../cli/decisions.ts"
import { minorOf } from "../../cli/paid.ts"
import { dayOfWords, instantOfWords } from "../../cli/until.ts"
import { gapIn } from "../../projections/aios-edits.ts"
import { changedLines } from "../../projections/aios-words.ts"

/** Tuesday, 08:00 in Berlin. */
const now = Date.UTC(2026, 10, 24, 7)
const moment = { now, timeZone: "Europe/Berlin", dayAt: "06:00" }
const at = (written: string) =>
  Effect.runSync(
    instantOfWords("until", written, moment).pipe(
      Effect.map((found) => new Date(found).toISOString().slice(0, 16)),
      Effect.catch((failure) => Effect.succeed(failure.error)),
    ),
  )

describe("--until", () => {
  it.each([
    ["tomorrow", "2026-11-25T05:00"],
    ["Tomorrow 17:00", "2026-11-25T16:00"],
    ["friday", "2026-11-27T05:00"],
    ["fri 9:00", "2026-11-27T08:00"],
    ["next monday", "2026-11-30T05:00"],
    // On a Tuesday, tuesday is in a week.
    ["tuesday", "2026-12-01T05:00"],
    ["3d", "2026-11-27T05:00"],
    ["2 weeks", "2026-12-08T05:00"],
    ["90m", "2026-11-24T08:30"],
    ["2h", "2026-11-24T09:00"],
    ["17:00", "2026-11-24T16:00"],
    ["2026-12-01", "2026-12-01T05:00"],
    ["2026-12-01T17:00", "2026-12-01T16:00"],
    ["2026-12-01 17:00", "2026-12-01T16:00"],
    ["2026-12-01T17:00:00Z", "2026-12-01T17:00"],
    ["2026-12-01T17:00+02:00", "2026-12-01T15:00"],
    // After daylight saving has begun.
    ["2027-03-29", "2027-03-29T04:00"],
  ])("%s is %s", (written, expected) => expect(at(written)).toBe(expected))

  it.each([
    "",
    "soon",
    "25:00",
    "9:75",
    "2026-02-30",
    "friday 99:00",
    "fr",
    "-3d",
    "friday 9:00 am x",
  ])(
    "%s is no time",
    (written) => expect(at(written)).toBe("InvalidValue"),
  )

  it("a day of a payment has come", () => {
    const day = (written: string) =>
      Effect.runSync(
        dayOfWords("on", written, moment).pipe(
          Effect.map((found) => new Date(found).toISOString().slice(0, 16)),
          Effect.catch((failure) => Effect.succeed(failure.error)),
        ),
      )
    expect(day("2026-11-20")).toBe("2026-11-20T11:00")
    expect(day("yesterday")).toBe("2026-11-23T11:00")
    expect(day("today")).toBe("2026-11-24T07:00")
    expect(day("2026-11-25")).toBe("InvalidValue")
    expect(day("2026-02-30")).toBe("InvalidValue")
    expect(day("tomorrow")).toBe("InvalidValue")
  })
})

describe("amounts", () => {
  it.each<[string, number, number | undefined]>([
    ["1200.50", 2, 120_050],
    ["1,200.50", 2, 120_050],
    ["1200", 2, 120_000],
    ["0.1", 2, 10],
    ["19.99", 2, 1_999],
    ["500", 0, 500],
    ["1.5", 0, undefined],
    ["1.005", 2, undefined],
    ["12,00", 2, undefined],
    ["-5", 2, undefined],
    ["1e3", 2, undefined],
    ["", 2, undefined],
  ])(
    "%s with %i digits is %s",
    (written, digits, expected) => expect(minorOf(written, digits)).toBe(expected),
  )
})

describe("mails as typed", () => {
  it("a first line may be the subject", () => {
    expect(mailOf("Subject: Your offer\n\nDear Ada,\n\nyes.\n"))
      .toEqual({ subject: "Your offer", text: "Dear Ada,\n\nyes." })
    // As aios approvals shows it, copied.
    expect(mailOf("To: Ada <a@x.example>\r\nSubject: Re: Offer\r\n\r\nYes.\r\n"))
      .toEqual({ subject: "Re: Offer", text: "Yes." })
    expect(mailOf("\ufeffDear Ada,\nSubject: stays")).toEqual({ text: "Dear Ada,\nSubject: stays" })
    expect(mailOf("Subject: only this")).toEqual({ subject: "only this", text: "" })
  })

  it.each([
    "Dear [name],",
    "I offer {{price}}.",
    "TODO: dates",
    "It costs XXX EUR",
    "[Your company]",
  ])(
    "%s has a gap",
    (text) => expect(gapIn(text)).not.toBeUndefined(),
  )
  it.each([
    "See [the page](https://x.example).",
    "As in [1].",
    "todo lists",
    "Size XXL",
    "a {b} c",
  ])(
    "%s has none",
    (text) => expect(gapIn(text)).toBeUndefined(),
  )

  it("what changed is told in order", () => {
    const was = { subject: "Re: Offer", text: "Dear Ada,\n\nno.\n\nMara" }
    const is = { subject: "Re: Offer", text: "Dear Ada,\n\nyes.\nGladly.\n\nMara" }
    expect(changedLines(was, is)).toBe("- no.\n+ yes.\n+ Gladly.\n")
    expect(changedLines(was, { ...was, subject: "Yes" })).toBe(
      "- Subject: Re: Offer\n+ Subject: Yes\n",
    )
  })
})
