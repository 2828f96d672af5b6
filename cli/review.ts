/** `aios review`: the founder's word on a draft, after it was read. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { OperationFailed, type Review } from "../projections/aios.ts"
import { momentText } from "../projections/aios-words.ts"
import { open, print } from "./access.ts"
import { finish } from "./finish.ts"
import { oneLine, Output, type Paint, plain } from "./output.ts"

const wrong = (message: string) =>
  new OperationFailed({ kind: "usage", error: "InvalidValue", message })

const madeBy = (made: string): string =>
  made === "" ? "no draft" : made === "founder" ? "written by you" : `made of your notes (${made})`

const draftText = (review: Review, timeZone: string, paint: Paint): string =>
  [
    paint.bold(oneLine(review.title)),
    [
      oneLine(review.topic),
      review.state,
      madeBy(review.made),
      ...(review.dueAt === undefined ? [] : [`due ${momentText(review.dueAt, timeZone)}`]),
    ].join(" · "),
    "",
    ...(review.text === "" ? [] : [plain(review.text.trimEnd()), ""]),
    plain(review.outcome),
  ].join("\n") + "\n"

const review = Command.make(
  "review",
  {
    topic: Argument.String("topic").pipe(
      Argument.withDescription("Its topic, such as newsletter-47, or article/KEY"),
      Argument.atLeast(1),
    ),
    pass: Flag.Boolean("pass").pipe(
      Flag.withDescription("It may be published on its day"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    reject: Flag.String("reject").pipe(
      Flag.withMetavar("<reason>"),
      Flag.withDescription("Send it back, with a reason"),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ pass, reject, topic }) {
    const output = yield* Output
    const reason = Option.getOrUndefined(reject)
    if (pass && reason !== undefined) {
      return yield* wrong("Say either --pass or --reject, not both.")
    }
    if (reason?.trim() === "") {
      return yield* wrong("--reject: say why it is sent back, in a few words.")
    }
    const decides = pass || reason !== undefined
    const aios = yield* open(decides ? "work" : "read")
    const written = topic.join(" ")
    const result = yield* reason !== undefined
      ? aios.review(written, { passed: false, reason })
      : pass
      ? aios.review(written, { passed: true })
      : aios.review(written)
    const { timeZone } = yield* aios.settings
    yield* print(
      result,
      () =>
        decides
          ? `${oneLine(result.title)}: ${plain(result.outcome)}\n`
          : draftText(result, timeZone, output.paint),
    )
    if (decides) yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show a draft, and say whether it passes. What passed waits for its day; then its publication asks " +
      "for your approval like any other work. What was sent back is written again.",
  ),
  Command.withShortDescription("Show a draft, and say whether it passes"),
  Command.withExamples([
    { command: "aios review newsletter-47" },
    { command: "aios review newsletter-47 --pass" },
    { command: 'aios review newsletter-47 --reject "card fees are missing"' },
  ]),
)

export const reviewCommands = [review] as const
