/** What models cost and may cost: the operations `costs` and `modelPolicy`, and transcripts for `why`. */
import { Clock, Effect, Schema } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { BlobStore } from "../actors/blob-store.ts"
import { EventLog, type RecordedEvent } from "../actors/event-log.ts"
import { readTranscript } from "../actors/model-answers.ts"
import {
  budgetOf,
  chosen,
  currentModelPolicy,
  type ModelPolicy,
  partSpent,
  routeDefault,
} from "../actors/model-routes.ts"
import { dayStart } from "../actors/model-spending.ts"
import { currentSettings } from "../actors/settings.ts"
import { activityOf, type Json } from "../machines/agent.ts"
import { agents } from "../machines/mod.ts"
import { ModelPolicyChosen, policyStream } from "../machines/model-policy.ts"
import { door, refuse } from "./aios-failures.ts"
import type { CostRow, Costs, ModelUse, TranscriptRow } from "./aios-memory.ts"
import { costEntryOf, costs as costRows, costsFrom } from "./costs.ts"
import { listOf, numberOf, objectOf, textOf } from "./fields.ts"
import { ReadStore } from "./read-store.ts"
import { Projections, tableOf } from "./runner.ts"

/** For all, in budgets and routes. */
const everybody = "*"

const agentNames = agents.map(({ name }) => name)
/** Every activity that an agent may ask for. */
const activityNames = [
  ...new Set(
    agents.flatMap(({ machine }) =>
      Object.values(machine.implementations.actors).flatMap((logic) => {
        const declared = activityOf(logic)
        return declared === undefined ? [] : [declared.name]
      })
    ),
  ),
].toSorted()

const knownAgent = (agent: string) =>
  agentNames.includes(agent) ? Effect.void : refuse(
    "usage",
    "UnknownAgent",
    `There is no agent ${agent}. There are ${agentNames.join(", ")}.`,
  )

const summed = (rows: ReadonlyArray<CostRow>): ReadonlyArray<CostRow> => {
  const all = new Map<string, CostRow>()
  for (const row of rows) {
    const key = `${row.agent} ${row.activity} ${row.model}`
    const before = all.get(key)
    all.set(
      key,
      before === undefined ? row : {
        ...before,
        calls: before.calls + row.calls,
        cached: before.cached + row.cached,
        tokensIn: before.tokensIn + row.tokensIn,
        tokensOut: before.tokensOut + row.tokensOut,
        millis: before.millis + row.millis,
        failures: before.failures + row.failures,
        micros: before.micros + row.micros,
      },
    )
  }
  return [...all.keys()].toSorted().flatMap((key) => all.get(key) ?? [])
}

const since = Effect.fnUntraced(function* (from: number) {
  const store = yield* ReadStore
  return yield* Effect.try({
    try: () =>
      store.scan(tableOf(costRows), { prefix: "cost:", after: costsFrom(from) })
        .map(([, row]) => costEntryOf(row)),
    catch: (cause) => refuse("later", "ReadStoreUnavailable", String(cause)),
  })
})

/** With `since` (epoch ms) only what was spent from then on, to the quarter of an hour. */
export const costs = Effect.fnUntraced(function* (
  options: { readonly since?: number; readonly agent?: string },
) {
  const { agent } = options
  if (agent !== undefined) yield* knownAgent(agent)
  yield* door((yield* Projections).catchUp)
  const isMeant = (one: { readonly agent: string }) => agent === undefined || one.agent === agent
  const rows = summed((yield* since(options.since ?? 0)).filter(isMeant))

  const policy = yield* door(currentModelPolicy)
  const { timeZone } = yield* door(currentSettings)
  const today = (yield* since(dayStart(yield* Clock.currentTimeMillis, timeZone))).filter(isMeant)
  const named = Object.keys(policy.budgets).filter((name) => name !== everybody)
  const bound = [...new Set([...named, ...today.map((one) => one.agent)])].toSorted()
  const budgets = bound.filter((name) => isMeant({ agent: name })).flatMap((name) => {
    const budget = budgetOf(policy, name)
    if (budget === undefined) return []
    const spent = { tokens: 0, millis: 0, micros: 0 }
    for (const one of today) {
      if (one.agent !== name) continue
      spent.tokens += one.tokensIn + one.tokensOut
      spent.millis += one.millis
      spent.micros += one.micros
    }
    const part = partSpent(budget, spent)
    const state = part >= 1 ? "stopped" : part >= policy.softPart ? "warning" : "fine"
    return [{ agent: name, spent, budget, state } as const]
  })
  return { rows, budgets } satisfies Costs
})

// ---------------------------------------------------------------- the policy

const decodeChoice = Schema.decodeUnknownResult(ModelPolicyChosen, { errors: "all" })
const fields = Object.keys(ModelPolicyChosen.fields).filter((name) => name !== "type")

const invalid = (message: string) => refuse("usage", "InvalidValue", message)

const namesWithin = (value: Json | undefined) =>
  Object.keys(objectOf(value)).filter((name) => name !== everybody)

/** What is wrong with a choice, in words; undefined where nothing is. */
const problemOf = (patch: { readonly [name: string]: Json }): string | undefined => {
  const unknown = Object.keys(patch).filter((name) => !fields.includes(name))
  if (unknown.length > 0) {
    return `The policy has no ${unknown.join(", ")}. It has ${fields.join(", ")}.`
  }
  const activity = namesWithin(patch["routes"]).find((name) => !activityNames.includes(name))
  if (activity !== undefined) {
    return `There is no activity ${activity}. There are ${activityNames.join(", ")}.`
  }
  const agent = namesWithin(patch["budgets"]).find((name) => !agentNames.includes(name))
  if (agent !== undefined) {
    return `There is no agent ${agent}. There are ${agentNames.join(", ")}, and * for all others.`
  }
  for (const [name, budget] of Object.entries(objectOf(patch["budgets"]))) {
    const odd = Object.keys(objectOf(budget)).find((unit) =>
      !["tokens", "millis", "micros"].includes(unit)
    )
    if (odd !== undefined) {
      return `The budget of ${name} has no ${odd}. It has tokens, millis, micros, each for a day.`
    }
    if (Object.values(objectOf(budget)).some((limit) => numberOf(limit) < 0)) {
      return `The budget of ${name} is less than nothing.`
    }
  }
  for (const [model, price] of Object.entries(objectOf(patch["prices"]))) {
    if (Object.values(objectOf(price)).some((one) => numberOf(one) < 0)) {
      return `The price of ${model} is less than nothing.`
    }
  }
  const soft = patch["softPart"]
  if (typeof soft === "number" && (soft <= 0 || soft > 1)) {
    return "softPart is a part of the budget: greater than 0, at most 1."
  }
  return undefined
}

const shown = (policy: ModelPolicy): Json => ({
  small: policy.small,
  large: policy.large,
  routeDefault: policy.routes[everybody] ?? routeDefault,
  routes: policy.routes,
  budgets: Object.fromEntries(
    Object.entries(policy.budgets).map(([agent, budget]) => [agent, { ...budget }]),
  ),
  prices: Object.fromEntries(
    Object.entries(policy.prices).map(([model, price]) => [model, { ...price }]),
  ),
  softPart: policy.softPart,
})

/** The founder's word on models; without one only the present policy. */
export const modelPolicy = Effect.fnUntraced(function* (
  patch: { readonly [name: string]: Json } | null,
) {
  const before = yield* door(currentModelPolicy)
  if (patch === null || Object.keys(patch).length === 0) return shown(before)
  const problem = problemOf(patch)
  if (problem !== undefined) return yield* invalid(problem)
  const choice = decodeChoice({ ...patch, type: "ModelPolicyChosen" })
  if (choice._tag === "Failure") {
    return yield* invalid(
      `The policy cannot be that: ${
        choice.failure.message.replace(/\s+/g, " ")
      }. A route is a list of small, large, rules, operator.`,
    )
  }
  const after = chosen(before, choice.success)
  if (JSON.stringify(shown(after)) === JSON.stringify(shown(before))) return shown(before)
  const system = yield* ActorSystem
  yield* door(
    system.record(policyStream, { ...patch, type: "ModelPolicyChosen" }, { actor: "operator" }),
  )
  return shown(yield* door(currentModelPolicy))
})

// ---------------------------------------------------------------- for why

/** What an outcome says about the models it asked. */
export const modelsOf = (event: RecordedEvent): ReadonlyArray<ModelUse> =>
  listOf(objectOf(event.data)["usage"]).map((one) => {
    const { cached, millis, model, outcome, template, tokensIn, tokensOut, transcript } = objectOf(
      one,
    )
    return {
      model: textOf(model),
      template: textOf(template),
      tokensIn: numberOf(tokensIn),
      tokensOut: numberOf(tokensOut),
      millis: numberOf(millis),
      cached: cached === true,
      outcome: textOf(outcome),
      kept: transcript !== undefined,
    }
  })

/** What the models were asked by an event's run, and what they answered, word for word. */
export const transcripts = Effect.fnUntraced(function* (id: string) {
  const log = yield* EventLog
  const blobs = yield* BlobStore
  const events = yield* door(log.byId(id))
  if (events.length === 0) {
    return yield* refuse("failed", "NotFound", `There is no event ${id}. aios why shows the ids.`)
  }
  const usages = events.flatMap((event) => listOf(objectOf(event.data)["usage"]))
  return yield* Effect.forEach(usages, (usage) =>
    Effect.gen(function* () {
      const { model, outcome, template, transcript } = objectOf(usage)
      const base = { model: textOf(model), template: textOf(template), outcome: textOf(outcome) }
      if (transcript === undefined) return base
      const { bytes, sha256, subject } = objectOf(transcript)
      const read = yield* door(readTranscript(blobs, {
        sha256: textOf(sha256),
        subject: textOf(subject),
        bytes: numberOf(bytes),
      }))
      if (read === undefined) return { ...base, forgotten: true }
      const messages = listOf(objectOf(read.request)["messages"]).map((one) => ({
        role: textOf(objectOf(one)["role"]),
        content: textOf(objectOf(one)["content"]),
      }))
      return { ...base, messages, answer: read.answer }
    }) satisfies Effect.Effect<TranscriptRow, unknown>)
})
