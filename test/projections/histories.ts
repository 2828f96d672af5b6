/**
 * Random histories that no chart has made: leads, outreaches, approvals and records with every kind of
 * ask and outcome, also for asks that never were. Read models must take any of it.
 */
import type { Append, Ask, Metadata, NewEvent } from "../../actors/event-log.ts"
import { derivedId, outcomeId, tellId } from "../../actors/ids.ts"
import type { Json, Sealed } from "../../machines/agent.ts"
import type { Dice } from "../seeded.ts"

export const start = Date.UTC(2026, 10, 2)
const hour = 3_600_000
/** Not sealed by any vault: it opens to nothing. */
const envelope = (text: string): Sealed => ({ $sealed: ["subject", "key", "nonce", text] })
const plain = (sealed: Sealed): Json => ({ $sealed: [...sealed.$sealed] })

interface Made {
  readonly stream: string
  readonly revision: number
  readonly place: number
  readonly ask: Ask
}

/** `n` appends of one event each, to be appended in order to an empty log. */
export const history = (dice: Dice, n: number): ReadonlyArray<Append> => {
  const revisions = new Map<string, number>()
  const made: Array<Made> = []
  const used = new Set<string>()
  const people = Array.from({ length: 8 }, (_, k) => String(k).padStart(32, "0"))
  let clock = start

  const askOf = (stream: string): Ask => {
    const earlier = made.filter((one) => one.stream === stream)
    const of = earlier.length > 0 ? nameOf(dice.pick(earlier)) : "0.0"
    switch (dice.below(7)) {
      case 0:
        return { ask: "activity", child: "a", src: dice.pick(["draft", "sendMail"]), input: {} }
      case 1:
        return {
          ask: "timer",
          name: "t",
          due: clock + dice.below(100) * hour,
          event: { type: "X" },
          ...(dice.below(4) === 0 ? { to: "lead-elsewhere" } : {}),
        }
      case 2:
        return { ask: "tell", to: `lead-${dice.pick(people)}`, event: { type: "LeadListed" } }
      case 3:
        return { ask: "spawn", child: "c", src: "m", to: `child-${dice.below(50)}` }
      case 4:
        return { ask: "stop", child: "a", of, ...(dice.chance() ? { to: "child-1" } : {}) }
      case 5:
        return { ask: "cancel", name: "t", of }
      default:
        return { ask: "activity", child: "b", src: "research" }
    }
  }
  const nameOf = (one: Made) => `${one.revision}.${one.place}`

  /** A stream, a type, its data, and the event's id where it is not a fresh one. */
  const what = (): readonly [string, string, Json, string?] => {
    const person = dice.pick(people)
    const lead = `lead-${person}`
    const record = `record-${dice.below(1e6)}`
    const known = made.length > 0 && dice.chance() ? dice.pick(made) : undefined
    if (known !== undefined) {
      const ask = nameOf(known)
      const id = `${known.stream}/${ask}`
      switch (dice.below(9)) {
        case 0:
          return [known.stream, "ActivitySucceeded", { ask, output: {}, attempts: 1, millis: 5 }]
        case 1:
          return [known.stream, "ActivityFailed", {
            ask,
            error: { name: dice.pick(["Rejected", "Other"]), message: "no" },
            attempts: 2,
            millis: 9,
          }]
        case 2:
          return [known.stream, "ActivitySkipped", { ask, reason: "old" }]
        case 3:
          return [
            known.stream,
            dice.pick([
              "ActivityStarted",
              "ActivityQuarantined",
              "ActivityReleased",
            ]),
            { ask },
          ]
        case 4:
          return [known.stream, "TimerFired", { ask }]
        case 5:
          return [`lead-${dice.below(8)}`, "ActorStarted", { input: null }, tellId(id)]
        case 6:
          return [
            known.stream,
            "TellRefused",
            { to: lead, refused: "X", state: "new", reason: "no" },
            outcomeId(id),
          ]
        default:
          return [`gatekeeper-${derivedId(id)}`, "ApprovalRequested", {
            ask: id,
            stream: known.stream,
            activity: "sendMail",
            risk: "outward",
            hash: "00",
            reasons: ["because"],
            content: plain(envelope("content")),
            person,
            events: [],
          }]
      }
    }
    const gates = [...revisions.keys()].filter((stream) => stream.startsWith("gatekeeper-"))
    const contact = plain(envelope(person))
    const sentAt = start - dice.below(3000) * hour
    switch (dice.below(8)) {
      case 0:
        return [record, "MailReceived", { person, sentAt, labels: [], kind: "personal" }]
      case 1:
        return [record, "PersonListed", { person, listing: contact, list: "hubspot" }]
      case 2:
        return [lead, "LeadListed", { person, record, list: "hubspot", contact }]
      case 3:
        return [lead, "LeadUnsubscribed", { person, record, sentAt }]
      case 4:
        return [lead, "LeadAnswered", { person, record, sentAt, contact }]
      case 5:
        return gates.length === 0 ? [lead, "Odd", null] : [
          dice.pick(gates),
          dice.pick(["ApprovalGranted", "ApprovalRejected", "ApprovalSuperseded"]),
          { hash: "00", by: "operator", reason: "so" },
        ]
      default:
        return [lead, "LeadWrote", {
          person,
          record,
          sentAt,
          contact,
          signals: {
            reader: "rules-1",
            warmth: dice.below(201) - 100,
            intents: ["asksPrice"],
            instructsReader: dice.below(10) === 0,
          },
          quotes: plain(envelope("words")),
        }]
    }
  }

  return Array.from({ length: n }, (_, place): Append => {
    clock += dice.below(hour)
    const [stream, type, data, given] = what()
    const fresh = derivedId(`history:${dice.seed}:${place}`)
    const id = given === undefined || used.has(given) ? fresh : given
    used.add(id)
    const revision = (revisions.get(stream) ?? -1) + 1
    const agent = stream.slice(0, stream.indexOf("-"))
    const charted = agent !== "record"
    const asks = charted
      ? Array.from({ length: Math.max(0, dice.below(5) - 2) }, () => askOf(stream))
      : []
    asks.forEach((ask, place) => made.push({ stream, revision, place, ask }))
    const states = agent === "gatekeeper"
      ? ["awaitingApproval", "approved", "rejected", "carriedOut"]
      : ["new", "warm", "hot", "cold", "unsubscribed"]
    const metadata: Metadata = {
      at: clock,
      $correlationId: derivedId(`story:${stream}`),
      ...(dice.chance() ? { occurredAt: clock - dice.below(2000) * hour } : {}),
      ...(charted ? { chart: { name: agent, version: 1, hash: "0".repeat(16) } } : {}),
      ...(asks.length > 0 ? { asks } : {}),
      ...(charted ? { value: dice.pick(states) } : {}),
    }
    const event: NewEvent = { id, type, data, metadata }
    revisions.set(stream, revision)
    return { stream, expected: revision - 1, events: [event] }
  })
}
