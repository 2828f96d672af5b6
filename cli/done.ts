/** `aios done`: the founder dealt with a conversation otherwise. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { open, print } from "./access.ts"
import { finish } from "./finish.ts"
import { plain } from "./output.ts"

const done = Command.make(
  "done",
  {
    person: Argument.String("person").pipe(
      Argument.withDescription("A name, an address, a key, or the beginning of one"),
      Argument.atLeast(1),
    ),
  },
  Effect.fnUntraced(function* ({ person }) {
    const aios = yield* open("work")
    const result = yield* aios.done(person.join(" "))
    yield* print(result, () => `${plain(result.outcome)}\n`)
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Say that you dealt with a conversation otherwise: you called, met, or wrote from elsewhere. No " +
      "answer and no promise is open there any more, until the person writes again. Saying the same " +
      "twice is the same.",
  ),
  Command.withShortDescription("Say that a conversation was dealt with otherwise"),
  Command.withExamples([
    { command: "aios done tomas@reyes.example" },
    { command: "aios done Tomas Reyes" },
  ]),
)

export const doneCommands = [done] as const
