/**
 * Which model does what and what it may cost, as the founder chose last: a fold of stream `policy-models`
 * over the defaults. It is read from the log each time, so that a hard stop stops from the next call on.
 */
import { Effect, Schema, Stream } from "effect"
import {
  type Budget,
  ModelPolicyChosen,
  policyStream,
  type RouteStep,
} from "../machines/model-policy.ts"
import { EventLog, eventOf, isOurs, type LogUnavailable } from "./event-log.ts"
import type { InstalledModel } from "./inference.ts"
import type { Spent } from "./model-ledger.ts"

export interface Price {
  /** Millionths of the currency's unit per 1,000 tokens in and out, and per second. */
  readonly in: number
  readonly out: number
  readonly second: number
}

/** The policy as it is now. */
export interface ModelPolicy {
  /** Empty: chosen from what is installed. */
  readonly small: string
  readonly large: string
  /** By activity; `*` for those not named. */
  readonly routes: { readonly [activity: string]: ReadonlyArray<RouteStep> }
  /** By agent; `*` for those not named. */
  readonly budgets: { readonly [agent: string]: Budget }
  /** By model; what is not named costs nothing. */
  readonly prices: { readonly [model: string]: Price }
  readonly softPart: number
}

export const routeDefault: ReadonlyArray<RouteStep> = ["small", "large", "rules"]

/** No budget: one's own machine costs nothing but time. */
export const policyDefault: ModelPolicy = {
  small: "",
  large: "",
  routes: {},
  budgets: {},
  prices: {},
  softPart: 0.8,
}

const decode = Schema.decodeUnknownOption(ModelPolicyChosen)

/** What was chosen is laid over what was: by name within routes, budgets and prices. */
export const chosen = (
  before: ModelPolicy,
  choice: Partial<Omit<typeof ModelPolicyChosen.Type, "type">>,
): ModelPolicy => ({
  small: choice.small ?? before.small,
  large: choice.large ?? before.large,
  routes: withoutEmpty({ ...before.routes, ...choice.routes }),
  budgets: withoutEmpty({ ...before.budgets, ...choice.budgets }),
  prices: { ...before.prices, ...choice.prices },
  softPart: choice.softPart ?? before.softPart,
})

/** A route or a budget that is chosen empty is none: the default again. */
const withoutEmpty = <A extends object>(entries: { readonly [name: string]: A }) =>
  Object.fromEntries(Object.entries(entries).filter(([, one]) => Object.keys(one).length > 0))

/** The policy as of now. */
export const currentModelPolicy: Effect.Effect<ModelPolicy, LogUnavailable, EventLog> = Effect
  .gen(function* () {
    const log = yield* EventLog
    return yield* log.read(policyStream).pipe(
      Stream.filter(isOurs),
      Stream.runFold((): ModelPolicy => policyDefault, (before, event) => {
        const choice = decode(eventOf(event))
        return choice._tag === "Some" ? chosen(before, choice.value) : before
      }),
    )
  })

export const routeOf = (policy: ModelPolicy, activity: string): ReadonlyArray<RouteStep> =>
  policy.routes[activity] ?? policy.routes["*"] ?? routeDefault

export const budgetOf = (policy: ModelPolicy, agent: string): Budget | undefined =>
  policy.budgets[agent] ?? policy.budgets["*"]

export const microsOf = (
  policy: ModelPolicy,
  model: string,
  used: { readonly tokensIn: number; readonly tokensOut: number; readonly millis: number },
): number => {
  const price = policy.prices[model] ?? policy.prices["*"]
  return price === undefined ? 0 : Math.round(
    price.in * used.tokensIn / 1000 + price.out * used.tokensOut / 1000 +
      price.second * used.millis / 1000,
  )
}

/** How much of a budget is spent, 1 and more: all of it. The dearest part counts. */
export const partSpent = (budget: Budget, spent: Spent): number => {
  const part = (limit: number | undefined, used: number) =>
    limit === undefined ? 0 : limit <= 0 ? 1 : used / limit
  return Math.max(
    part(budget.tokens, spent.tokens),
    part(budget.millis, spent.millis),
    part(budget.micros, spent.micros),
  )
}

/** Models that make vectors, by their usual names: they cannot answer. */
const embeds = /embed|minilm|(^|[/-])(bge|e5|gte|paraphrase)\b/i
export const generates = ({ name }: InstalledModel): boolean => !embeds.test(name)

/** Ollama's `gemma3` is `gemma3:latest`. */
const tagged = (name: string) => name.includes(":") ? name : `${name}:latest`
export const sameModel = (one: string, other: string): boolean => tagged(one) === tagged(other)

export interface ChosenModels {
  readonly small: string | undefined
  readonly large: string | undefined
}

/**
 * The founder's word, else the setting's (`preferred`, the small one), else what is installed: the smallest
 * that can answer, and the next larger one, since the largest may not fit the machine.
 */
export const chooseModels = (
  policy: ModelPolicy,
  preferred: string | undefined,
  installed: ReadonlyArray<InstalledModel>,
): ChosenModels => {
  const able = installed.filter(generates).toSorted((one, other) => one.bytes - other.bytes)
  const wanted = policy.small || preferred || able[0]?.name
  const bytes = able.find(({ name }) => wanted !== undefined && sameModel(name, wanted))?.bytes
  const larger = able.find((one) =>
    wanted !== undefined && !sameModel(one.name, wanted) && one.bytes > (bytes ?? -1)
  )
  return {
    small: wanted,
    large: policy.large || (bytes === undefined ? undefined : larger?.name),
  }
}
