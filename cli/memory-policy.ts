/** `aios memory policy`: the policy of memory shown, what another would do, and choosing it. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import type { Json } from "../machines/agent.ts"
import { OperationFailed } from "../projections/aios.ts"
import type { PolicyEffect } from "../projections/aios-memory.ts"
import { open, print } from "./access.ts"
import { finish } from "./finish.ts"
import { count, Output, table } from "./output.ts"

const wrong = (message: string) =>
  new OperationFailed({ kind: "usage", error: "InvalidValue", message })

const number = (n: number) => n.toLocaleString("en-US")

const policyFields = ({ policy }: PolicyEffect): ReadonlyArray<readonly [string, number]> => {
  const { archive, hot, summaries } = policy
  return [
    ["hot.itemsMax", hot.itemsMax],
    ["hot.daysMax", hot.daysMax],
    ["hot.importanceMin", hot.importanceMin],
    ["summaries.perNightMax", summaries.perNightMax],
    ["summaries.tokensMax", summaries.tokensMax],
    ["summaries.quietDaysMin", summaries.quietDaysMin],
    ["archive.daysMin", archive.daysMin],
  ]
}

const reasons: { readonly [reason: string]: string } = {
  age: "too old",
  count: "too many",
  importance: "of too little importance",
  summarised: "too many, and a summary stands for them",
}

/** `This would evict 4,120 items, keep 380.` */
const effectText = (effect: PolicyEffect): string => {
  const { applied, because, evict, keep, recall, spared } = effect
  const because_ = Object.entries(because).map(([reason, n]) =>
    `${number(n)} ${reasons[reason] ?? reason}`
  )
  return [
    applied
      ? `Evicted ${count(evict, "item")}, kept ${number(keep)}.`
      : `This would evict ${count(evict, "item")}, keep ${number(keep)}.`,
    ...(because_.length === 0 ? [] : [`  ${because_.join("; ")}`]),
    ...(recall === 0
      ? []
      : [`  ${count(recall, "item")} that left before ${recall === 1 ? "fits" : "fit"} again`]),
    ...(spared === 0
      ? []
      : [`  ${number(spared)} of those kept stay only until a summary stands for them`]),
    "Nothing is lost: evicted items stay in the log and are found by their words.",
  ].join("\n") + "\n"
}

/** `hot.itemsMax=5000`, as many as are said. */
const patchOf = Effect.fnUntraced(function* (given: ReadonlyArray<string>) {
  const patch: { [name: string]: Json } = {}
  for (const one of given) {
    const [, name, value] = /^\s*([\w.]+)\s*=\s*(.*?)\s*$/.exec(one) ?? []
    if (name === undefined || value === undefined) {
      return yield* wrong(`--set: give a name and a number, such as hot.itemsMax=5000, not ${one}.`)
    }
    const n = Number(value.replaceAll(/[,_](?=\d{3})/g, ""))
    patch[name] = value !== "" && Number.isFinite(n) ? n : value
  }
  return patch
})

export const policy = Command.make(
  "policy",
  {
    set: Flag.String("set").pipe(
      Flag.withMetavar("<name=number>"),
      Flag.withDescription("A number of the policy, such as hot.itemsMax=5000; once for each"),
      Flag.atLeast(0),
    ),
    apply: Flag.Boolean("apply").pipe(
      Flag.withDescription("Do it; without it you are only told what it would do"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ apply, set }) {
    const output = yield* Output
    const patch = yield* patchOf(set)
    const aios = yield* open(apply ? "work" : "read")
    const effect = yield* aios.memoryPolicy(patch, apply)
    yield* print(effect, () =>
      table(
        [
          ["policy", `version ${effect.policy.version}`],
          ...policyFields(effect).map(([name, n]) => [`  ${name}`, number(n)]),
        ],
        output.columns,
        false,
      ) + (set.length === 0 && !apply && effect.evict === 0 && effect.recall === 0
        ? ""
        : effectText(effect)) +
      (set.length > 0 && !apply ? "Say it again with --apply to do it.\n" : ""))
    if (apply) yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show the policy of memory, say what another would do, or with --apply choose it. An item leaves " +
      "the hot tier when it matters too little, is too old, or there are too many; what no summary " +
      "stands for is spared as long as that is possible. A looser policy brings back what fits.",
  ),
  Command.withShortDescription("Show, simulate or change what stays at hand"),
  Command.withExamples([
    { command: "aios memory policy" },
    { command: "aios memory policy --set hot.itemsMax=5000" },
    { command: "aios memory policy --set hot.itemsMax=5000 --set hot.daysMax=180 --apply" },
  ]),
)
