/** `aios costs`: what models cost and may cost, and which model does what. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { instantOf } from "../actors/cadence.ts"
import type { Json } from "../machines/agent.ts"
import { OperationFailed } from "../projections/aios.ts"
import type { CostRow, Costs } from "../projections/aios-memory.ts"
import { objectOf, textsOf } from "../projections/fields.ts"
import { open, print } from "./access.ts"
import { count, Output, type Paint, span, table } from "./output.ts"

const datePattern = /^\d{4}-\d{2}-\d{2}$/
const microsPerUnit = 1_000_000

const wrong = (message: string) =>
  new OperationFailed({ kind: "usage", error: "InvalidValue", message })

const amount = (n: number) => n.toLocaleString("en-US")
/** In the currency's unit, as fine as it is. */
const money = (micros: number, currency: string) =>
  `${(micros / microsPerUnit).toFixed(micros > 0 && micros < 10_000 ? 6 : 2)} ${currency}`

const totalOf = (rows: ReadonlyArray<CostRow>) => {
  const sum = (of: (row: CostRow) => number) => rows.reduce((all, row) => all + of(row), 0)
  return {
    calls: sum(({ calls }) => calls),
    cached: sum(({ cached }) => cached),
    tokensIn: sum(({ tokensIn }) => tokensIn),
    tokensOut: sum(({ tokensOut }) => tokensOut),
    millis: sum(({ millis }) => millis),
    failures: sum(({ failures }) => failures),
    micros: sum(({ micros }) => micros),
  }
}

const figures = (row: Omit<CostRow, "agent" | "activity" | "model">, currency: string) => [
  amount(row.calls),
  amount(row.cached),
  amount(row.tokensIn),
  amount(row.tokensOut),
  span(row.millis),
  amount(row.failures),
  row.micros === 0 ? "–" : money(row.micros, currency),
]

const unitOf = { tokens: "tokens", millis: "of model time", micros: "" } as const

const budgetText = (one: Costs["budgets"][number], currency: string, paint: Paint): string => {
  const parts = (["tokens", "millis", "micros"] as const).flatMap((unit) => {
    const limit = one.budget[unit]
    if (limit === undefined) return []
    const said = (n: number) =>
      unit === "tokens" ? amount(n) : unit === "millis" ? span(n) : money(n, currency)
    return [`${said(one.spent[unit])} of ${said(limit)} ${unitOf[unit]}`.trimEnd()]
  })
  const line = `${one.agent}: ${parts.join(", ")} today`
  return one.state === "fine"
    ? line
    : one.state === "warning"
    ? paint.accent(`${line}: nearly spent`)
    : paint.wrong(`${line}: spent; rules do its work until tomorrow`)
}

const costsText = (
  found: Costs,
  currency: string,
  output: Output["Service"],
): string => {
  const { rows } = found
  const budgets = found.budgets.length === 0
    ? ""
    : `\n${output.paint.bold("BUDGETS")}\n${
      found.budgets.map((one) => `  ${budgetText(one, currency, output.paint)}\n`).join("")
    }`
  if (rows.length === 0) {
    return `No model was asked${
      budgets === ""
        ? ": rules and templates did all the work. aios models shows which there are"
        : ""
    }.\n${budgets}`
  }
  const total = totalOf(rows)
  return table(
    [
      ["AGENT", "ACTIVITY", "MODEL", "CALLS", "CACHED", "IN", "OUT", "TIME", "FAILED", "MONEY"],
      ...rows.map((row) => [row.agent, row.activity, row.model || "–", ...figures(row, currency)]),
      ...(rows.length === 1 ? [] : [["all", "", "", ...figures(total, currency)]]),
    ],
    output.columns,
    output.interactive,
  ) + budgets
}

const costs = Command.make(
  "costs",
  {
    since: Flag.String("since").pipe(
      Flag.withMetavar("<date>"),
      Flag.withDescription("Only from this local date on, such as 2026-11-24"),
      Flag.optional,
    ),
    agent: Flag.String("agent").pipe(
      Flag.withMetavar("<agent>"),
      Flag.withDescription("Only what this agent spent"),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ agent, since }) {
    const output = yield* Output
    const aios = yield* open("read")
    const { currency, timeZone } = yield* aios.settings
    const date = Option.getOrUndefined(since)
    if (date !== undefined && (!datePattern.test(date) || Number.isNaN(Date.parse(date)))) {
      return yield* wrong(`--since: ${date} is no date. Give it as 2026-11-24.`)
    }
    const found = yield* aios.costs({
      ...(date === undefined ? {} : { since: instantOf(date, "00:00", timeZone) }),
      ...(Option.isNone(agent) ? {} : { agent: agent.value }),
    })
    yield* print(found, () => costsText(found, currency, output))
  }, Effect.scoped),
)

// ---------------------------------------------------------------- the policy

const policyText = (policy: Json, columns: number, interactive: boolean): string => {
  const { budgets, large, prices, routeDefault, routes, small, softPart } = objectOf(policy)
  const entries = (value: Json | undefined, said: (one: Json) => string) => {
    const found = Object.entries(objectOf(value)).map(([name, one]) => `${name}: ${said(one)}`)
    return found.length === 0 ? "none" : found.join("; ")
  }
  const pairs = (one: Json) =>
    Object.entries(objectOf(one)).map(([name, value]) =>
      // As the flag takes it.
      name === "millis" ? `${amount(Number(value) / 1000)} seconds` : `${value} ${name}`
    ).join(", ")
  const route = (one: Json | undefined) => textsOf(one).join(", then ")
  return table(
    [
      ["small model", String(small || "the smallest that is installed")],
      ["large model", String(large || "the next larger one, if there is one")],
      ["route", route(routeDefault)],
      ["routes of their own", entries(routes, route)],
      ["budgets of a day", entries(budgets, pairs)],
      ["warns at", `${Math.round(Number(softPart) * 100)} % of a budget`],
      ["prices", entries(prices, pairs)],
    ],
    columns,
    interactive,
  )
}

const show = Effect.fnUntraced(function* (policy: Json) {
  const output = yield* Output
  yield* print(policy, () => policyText(policy, output.columns, output.interactive))
})

/** `draftMail=small,rules` */
const assigned = Effect.fnUntraced(function* (flag: string, written: string) {
  const at = written.lastIndexOf("=")
  if (at <= 0) return yield* wrong(`--${flag}: give it as NAME=VALUE, not ${written}.`)
  const value = written.slice(at + 1).trim()
  return [
    written.slice(0, at).trim(),
    value === "" ? [] : value.split(",").map((one) => one.trim()),
  ] as const
})

const policy = Command.make(
  "policy",
  {
    small: Flag.String("small").pipe(
      Flag.withMetavar("<model>"),
      Flag.withDescription("The model that is asked first; empty: chosen from what is installed"),
      Flag.optional,
    ),
    large: Flag.String("large").pipe(
      Flag.withMetavar("<model>"),
      Flag.withDescription("The model that is asked where the small one has no answer of use"),
      Flag.optional,
    ),
    route: Flag.String("route").pipe(
      Flag.withMetavar("<activity=steps>"),
      Flag.withDescription(
        "What an activity tries in turn: small, large, rules, operator; * for all; empty: as usual",
      ),
      Flag.atLeast(0),
    ),
    price: Flag.String("price").pipe(
      Flag.withMetavar("<model=in,out,second>"),
      Flag.withDescription(
        "In millionths of your currency: of 1,000 tokens in and out, and of a second",
      ),
      Flag.atLeast(0),
    ),
    warnAt: Flag.Int("warn-at").pipe(
      Flag.withMetavar("<percent>"),
      Flag.withDescription("Part of a budget at which it warns (80)"),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* (given) {
    const routes: Record<string, Json> = {}
    for (const written of given.route) {
      const [activity, steps] = yield* assigned("route", written)
      routes[activity] = steps
    }
    const prices: Record<string, Json> = {}
    for (const written of given.price) {
      const [model, parts] = yield* assigned("price", written)
      const [tokensIn, tokensOut, second] = [0, 1, 2].map((n) => Number(parts[n] ?? 0))
      if ([tokensIn, tokensOut, second].some((one) => !Number.isFinite(one))) {
        return yield* wrong(
          `--price: ${written} has no three numbers. Give it as ${model}=10,20,0.`,
        )
      }
      prices[model] = { in: tokensIn!, out: tokensOut!, second: second! }
    }
    const patch: Record<string, Json> = {
      ...(Option.isNone(given.small) ? {} : { small: given.small.value }),
      ...(Option.isNone(given.large) ? {} : { large: given.large.value }),
      ...(given.route.length === 0 ? {} : { routes }),
      ...(given.price.length === 0 ? {} : { prices }),
      ...(Option.isNone(given.warnAt) ? {} : { softPart: given.warnAt.value / 100 }),
    }
    const aios = yield* open(Object.keys(patch).length === 0 ? "read" : "work")
    yield* show(yield* aios.modelPolicy(Object.keys(patch).length === 0 ? null : patch))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show which model does what, or change it. Each change is an event and counts from the next " +
      "question on. What was answered before is always used first.",
  ),
  Command.withShortDescription("Which model does what, in which order, and what it is worth"),
  Command.withExamples([
    { command: "aios costs policy" },
    { command: "aios costs policy --small gemma3:1b --route draftMail=small,rules" },
    { command: "aios costs policy --route draftMail=", description: "the usual way again" },
  ]),
)

const limit = (name: string, metavar: string, description: string) =>
  Flag.Finite(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.optional,
  )

const budget = Command.make(
  "budget",
  {
    agent: Argument.String("agent").pipe(
      Argument.withDescription("An agent, or * for all that have none of their own"),
    ),
    tokens: limit("tokens", "<n>", "Tokens, in and out together"),
    seconds: limit("seconds", "<n>", "Seconds of model time"),
    money: limit("money", "<amount>", "In your currency, by the prices of the policy"),
    none: Flag.Boolean("none").pipe(
      Flag.withDescription("No budget any more"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ agent, money, none, seconds, tokens }) {
    const given: Record<string, Json> = {
      ...(Option.isNone(tokens) ? {} : { tokens: Math.round(tokens.value) }),
      ...(Option.isNone(seconds) ? {} : { millis: Math.round(seconds.value * 1000) }),
      ...(Option.isNone(money) ? {} : { micros: Math.round(money.value * microsPerUnit) }),
    }
    const limits = Object.keys(given).length
    if (limits === 0 && !none) {
      return yield* wrong("Say what it may cost a day: --tokens, --seconds, --money, or --none.")
    }
    if (limits > 0 && none) return yield* wrong("Either --none, or what it may cost.")
    const output = yield* Output
    const aios = yield* open("work")
    const policy = yield* aios.modelPolicy({ budgets: { [agent]: given } })
    yield* show(policy)
    yield* output.log(
      none
        ? `${agent} has no budget any more.`
        : `${agent} stops asking models for the day once ${
          count(limits, "this limit is", "any of these limits is")
            .replace(/^\d+ /, "")
        } reached; rules do its work then.`,
    )
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Say what an agent may spend on models in a day. Nearly there it warns; there it stops, and rules " +
      "and templates do the work until the next day. A budget replaces the agent's former one.",
  ),
  Command.withShortDescription("What an agent may spend on models in a day"),
  Command.withExamples([
    { command: "aios costs budget memory --tokens 200000" },
    { command: "aios costs budget '*' --seconds 3600" },
    { command: "aios costs budget memory --none" },
  ]),
)

const all = costs.pipe(
  Command.withDescription(
    "Show what models cost: by agent, activity and model the calls, answers that were there already, " +
      "tokens, time, failures and money, and how far today's budgets are spent.",
  ),
  Command.withShortDescription("What models cost and may cost; which model does what"),
  Command.withExamples([
    { command: "aios costs" },
    { command: "aios costs --since 2026-11-24 --agent memory" },
  ]),
  Command.withSubcommands([policy, budget]),
)

export const costsCommands = [all] as const
