/**
 * Why an actor does not go on: each thing that stands in its way, by name, with the events that show it.
 * It looks at the actor's own state, at what it was told and did not take, at its activities and at the
 * gate; where all of that is silent it says what the actor waits for.
 */
import { Effect } from "effect"
import { ActorSystem, type ActorView } from "../actors/actor-system.ts"
import { categoryOf, EventLog, keyOf, type RecordedEvent } from "../actors/event-log.ts"
import type { Registry } from "../actors/registry.ts"
import { currentSettings } from "../actors/settings.ts"
import type { WhyNot } from "./aios.ts"
import { isUndecided, shortId } from "./aios-approval-ids.ts"
import { door, refuse } from "./aios-failures.ts"
import { type Reading, readKnown } from "./aios-known.ts"
import { noSuchPerson, personNamed } from "./aios-persons.ts"
import { contentLine, momentText, oneLine, stateText } from "./aios-words.ts"
import { actorText } from "./event-words.ts"
import { numberOf, objectOf, stateNames, textOf } from "./fields.ts"
import { Queries } from "./queries.ts"
import { allEvents, type Obstacle, ofGuards, ofRefusals } from "./refusals.ts"

/** Failures that stand in the state or at the gate already. */
const told = new Set(["Rejected", "MissingSettings"])
const related = new Set(["executor", "outreach", "analyst"])

/** What a state by itself says, to go after a person's name. */
const leadStates: { readonly [state: string]: string } = {
  unsubscribed: "asked not to be written to; nobody writes to them any more",
  unreachable: "cannot be reached: mail came back for good",
  cold: "is cold: what they wrote was not enough, or silence cooled them down; only what they " +
    "write warms them up",
  declined: "declined; only what they write opens it again",
}
const workStates: { readonly [state: string]: string } = {
  undone: "You took back what was done; it is not begun again. A new mail of theirs is other work.",
  withdrawn: "Nobody needs it any more: it was answered or settled otherwise.",
  stale: "It would have come too late: history stays history.",
  blocked: "A fact is missing that only you know.",
}
const withArticle = (word: string): string => {
  const spoken = word.replaceAll(/([a-z])([A-Z])/g, "$1-$2").toLowerCase()
  return /^[aeiou]/.test(spoken) ? `an ${spoken}` : `a ${spoken}`
}

const stateSays = (stream: string, name: string, reading: Reading): string | undefined => {
  if (categoryOf(stream) === "lead") {
    const said = leadStates[name]
    return said === undefined ? undefined : `${reading.nameOf(keyOf(stream))} ${said}.`
  }
  return ["executor", "outreach"].includes(categoryOf(stream)) ? workStates[name] : undefined
}

const ofState = (
  stream: string,
  view: ActorView,
  last: RecordedEvent | undefined,
  reading: Reading,
): ReadonlyArray<Obstacle> => {
  const names = stateNames(view.value)
  const context = objectOf(reading.opened(view.context))
  const events = last === undefined ? [] : [last.id]
  const found: Array<Obstacle> = []
  if (view.status === "parked" || view.problem !== undefined) {
    found.push({
      by: "defect",
      what: `It stands still after a defect: ${view.problem ?? "unknown"}. The others go on; ` +
        "mend the chart, then start again.",
      events,
    })
  }
  for (const name of names) {
    const what = stateSays(stream, name, reading)
    if (what !== undefined) found.push({ by: `state ${name}`, what, events })
  }
  const problem = objectOf(context["problem"])
  const name = textOf(problem["name"])
  // What was rejected is told by the gate, with the reason.
  if (name !== "" && name !== "Rejected") {
    found.push({
      by: name === "MissingSettings" ? "settings" : `${stateText(view.value)} (${name})`,
      what: `${oneLine(textOf(problem["message"]), 300)}${
        name === "MissingSettings" ? " aios settings shows how to set it." : ""
      }`,
      events,
    })
  }
  const yields = objectOf(context["yields"])
  const holder = textOf(yields["holder"])
  if (holder !== "") {
    found.push({
      by: "floor",
      what: `${actorText(holder, reading)} (${holder}) has the floor for ${
        withArticle(textOf(yields["purpose"]))
      }; it asks again ${momentText(numberOf(yields["until"]), reading.timeZone)}.`,
      events,
    })
  }
  if (view.status === "done") {
    found.push({
      by: `state ${stateText(view.value)}`,
      what: "It has ended: what was to be done here is done or decided.",
      events,
    })
  }
  return found
}

/** Denied or revoked, and not granted since: told even where the state does not keep it. */
const ofFloor = (
  events: ReadonlyArray<RecordedEvent>,
  reading: Reading,
): ReadonlyArray<Obstacle> => {
  const last = events.findLast(({ type }) => type.startsWith("Floor"))
  if (last === undefined || last.type === "FloorGranted") return []
  const data = objectOf(last.data)
  const verb = last.type === "FloorDenied" ? "denied" : "took back"
  return [{
    by: "coordinator",
    what: `The coordinator ${verb} the floor: ${
      actorText(textOf(data["holder"]), reading)
    } writes first, for ${withArticle(textOf(data["purpose"]))}, until ${
      momentText(numberOf(data["until"]), reading.timeZone)
    }.`,
    events: [last.id],
  }]
}

/** The latest activity of each name, where it came to nothing or waits. */
const ofActivities = Effect.fnUntraced(function* (stream: string, reading: Reading) {
  const queries = yield* Queries
  const ledger = yield* door(queries.ledger(stream))
  const latest = new Map(ledger.map((entry) => [entry.activity, entry]))
  const found: Array<Obstacle> = []
  for (const entry of latest.values()) {
    const problem = textOf(objectOf(entry.problem)["message"]) || textOf(entry.problem)
    const isTold = told.has(textOf(objectOf(entry.problem)["name"]))
    if (isTold) continue
    const events = entry.outcome === undefined ? entry.events : [...entry.events, entry.outcome]
    const obstacle = (by: string, what: string) => found.push({ by, what, events })
    switch (entry.status) {
      case "failed":
        obstacle(entry.activity, `${entry.activity} failed: ${oneLine(problem, 300)}`)
        break
      case "skipped":
        obstacle(entry.activity, `${entry.activity} was skipped: ${oneLine(problem, 300)}`)
        break
      case "quarantined":
        obstacle(
          entry.activity,
          `Nobody knows whether ${entry.activity} happened. Look, then: aios settle ${entry.ask}`,
        )
        break
      case "started":
      case "open":
        obstacle(
          entry.activity,
          `${entry.activity} is to be done and was not yet${
            entry.attempts > 0 ? ` (tried ${entry.attempts} times)` : ""
          }; aios start keeps at it.`,
        )
        break
      default:
    }
  }
  const approvals = (yield* door(queries.approvalsNamed(""))).filter((one) => one.agent === stream)
  const newest = [...approvals].sort((a, b) => a.requestedAt - b.requestedAt).at(-1)
  for (const one of approvals) {
    const short = shortId(one.id)
    const line = contentLine(one.activity, one.content)
    const rule = one.rule === "" ? "" : ` (${one.grade} risk: ${one.rule})`
    if (one.state === "awaitingApproval") {
      found.push({
        by: "gate",
        what: `The ${line} waits for your decision${rule}: aios approve ${short}`,
        events: one.events,
      })
    } else if (one.state === "postponed") {
      found.push({
        by: "gate",
        what: `You postponed the ${line} until ${
          momentText(one.postponedUntil ?? 0, reading.timeZone)
        }. Sooner: aios undo ${short}`,
        events: one.events,
      })
    } else if (
      one === newest && !approvals.some(isUndecided) &&
      (one.state === "rejected" || one.state === "expired")
    ) {
      found.push({
        by: "gate",
        what: one.state === "rejected"
          ? `You rejected the ${line}${
            one.reason === undefined ? "" : `: “${oneLine(one.reason)}”`
          }. To decide again: aios undo ${short}`
          : `Nobody decided on the ${line} in time. To decide after all: aios undo ${short}`,
        events: one.events,
      })
    }
  }
  return found
})

/** Who else works for the same person: what stands in their way stands in the lead's. */
const othersOf = Effect.fnUntraced(function* (key: string, own: string) {
  const log = yield* EventLog
  const found = new Set<string>()
  const queries = yield* Queries
  for (const { agent, key: of } of yield* door(queries.agents(undefined, () => []))) {
    if (!related.has(agent)) continue
    const stream = `${agent}-${of}`
    if (of.includes(key)) found.add(stream)
    else if (agent === "executor") {
      const [first] = yield* door(log.readPage(stream, { limit: 1 }))
      if (textOf(objectOf(first?.data)["person"]) === key) found.add(stream)
    }
  }
  found.delete(own)
  return [...found]
})

/** Work at rest stands in nobody's way. */
const atRest = new Set(["withdrawn", "stale", "undone"])

/** Work that an actor asked for: what stands in its way stands in the actor's. */
const askedBy = Effect.fnUntraced(function* (requester: string) {
  const log = yield* EventLog
  const queries = yield* Queries
  const found: Array<string> = []
  for (const { key, state } of yield* door(queries.agents("executor", () => []))) {
    if (stateNames(state).some((name) => atRest.has(name))) continue
    const stream = `executor-${key}`
    const [first] = yield* door(log.readPage(stream, { limit: 1 }))
    if (textOf(objectOf(first?.data)["requester"]) === requester) found.push(stream)
  }
  return found
})

/** `AGENT/KEY`, `AGENT-KEY`, or a person, who stands for their lead. */
const streamNamed = Effect.fnUntraced(function* (written: string, registry: Registry) {
  const [, agent, key] = /^([a-z.]+)[-/](.+)$/.exec(written.trim()) ?? []
  const isAgent = agent !== undefined && registry.find(`${agent}-`) !== undefined
  if (isAgent) {
    const queries = yield* Queries
    const rows = yield* door(queries.agents(`${agent}/${key}`, () => []))
    const exact = rows.find((row) => row.key === key)
    const [only, second] = exact === undefined ? rows : [exact]
    if (only !== undefined && second === undefined) return `${only.agent}-${only.key}`
    if (second !== undefined) {
      return yield* refuse(
        "usage",
        "AmbiguousId",
        `${written} is the beginning of ${rows.length} actors. Give more of the key: aios agents ${agent}`,
      )
    }
    return `${agent}-${key}`
  }
  if (agent !== undefined && written.includes("/")) {
    const names = registry.agents.map((one) => one.agent.name).sort()
    return yield* refuse(
      "usage",
      "UnknownAgent",
      `There is no agent ${agent}. There are ${names.join(", ")}.`,
    )
  }
  const person = yield* personNamed(written)
  if (person === undefined) return yield* noSuchPerson(written)
  return `lead-${person.key}`
})

export const whyNot = Effect.fnUntraced(function* (written: string, registry: Registry) {
  const system = yield* ActorSystem
  const stream = yield* streamNamed(written, registry)
  const reading = yield* readKnown
  const view = yield* door(system.view(stream))
  const key = keyOf(stream)
  const isLead = categoryOf(stream) === "lead"
  const others = isLead ? yield* othersOf(key, stream) : yield* askedBy(stream)
  const refusals = yield* ofRefusals(new Set([stream, ...others]))
  if (view === undefined) {
    if (refusals.length === 0) {
      return yield* refuse(
        "failed",
        "UnknownActor",
        isLead && reading.person(key) !== undefined
          ? `${
            reading.nameOf(key)
          } is no lead: nobody told one of them. Lists, newsletters and your own mail make none; ` +
            `aios history ${key.slice(0, 8)} shows what is known.`
          : `There is no ${written}. aios agents shows which there are.`,
      )
    }
    return {
      agent: categoryOf(stream),
      key,
      state: "not there",
      obstacles: refusals,
      accepts: [],
    } satisfies WhyNot
  }
  const events = yield* allEvents(stream)
  const own = [
    ...ofState(stream, view, events.at(-1), reading),
    ...ofFloor(events, reading).filter(() => objectOf(view.context)["yields"] === undefined),
    ...(yield* ofActivities(stream, reading)),
    ...ofGuards(registry, stream, events),
  ]
  const theirs = (yield* Effect.forEach(others, (other) =>
    Effect.gen(function* () {
      const seen = yield* door(system.view(other))
      if (seen === undefined || seen.status === "done") return []
      const history = yield* allEvents(other)
      const found = [
        ...ofState(other, seen, history.at(-1), reading),
        ...(yield* ofActivities(other, reading)),
      ]
      return found.map((one): Obstacle => ({ ...one, by: `${categoryOf(other)}: ${one.by}` }))
    }))).flat()
  const settings = yield* door(currentSettings)
  const missing: ReadonlyArray<Obstacle> = settings.missing.length === 0 || !isLead ? [] : [{
    by: "settings",
    what: `Missing: ${settings.missing.join(", ")}. Without it nothing is drafted: aios settings`,
    events: [],
  }]
  const all = [...own, ...theirs, ...refusals, ...missing]
  const waits: ReadonlyArray<Obstacle> = all.length > 0 ? [] : [{
    by: `state ${stateText(view.value)}`,
    what: view.accepts.length === 0
      ? "Nothing stands in its way, and nothing moves it any more."
      : `Nothing said no: it waits for ${view.accepts.join(", ")}${
        view.accepts.includes("LeadWrote") ? ". A lead is moved by what the person writes" : ""
      }.`,
    events: events.slice(-1).map(({ id }) => id),
  }]
  return {
    agent: categoryOf(stream),
    key,
    state: view.value,
    obstacles: [...all, ...waits],
    accepts: view.accepts,
  } satisfies WhyNot
})
