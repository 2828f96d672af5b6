/**
 * The gate: no activity with a risk runs before the gatekeeper's actor for exactly this content says
 * approved. The approval's id is derived from the ask and the content's hash, so other content is
 * another approval, and the content is hashed again right before it is used.
 */
import { Effect } from "effect"
import { isSealed, type Json, type JsonObject } from "../../machines/agent.ts"
import { ActorSystem, type Refusal, type SystemClosed } from "../actor-system.ts"
import { canonical } from "../canonical.ts"
import { EventLog, keyOf, type LogUnavailable, type RecordedEvent } from "../event-log.ts"
import { derivedId, sha256Hex } from "../ids.ts"
import { phraseOf } from "../reading.ts"
import { Vault } from "../vault.ts"
import { graded } from "./policy.ts"

/** Causes named with an approval, newest last. */
const causesMax = 20

/** States of an approval in which the founder has still to decide. */
const undecided: ReadonlyArray<unknown> = ["awaitingApproval", "postponed"]
export const isUndecided = (state: unknown): boolean => undecided.includes(state)

/** What the gate says of an ask. `waits`: the founder has not decided. */
export type Verdict =
  | { readonly is: "open"; readonly approval: string }
  | { readonly is: "waits"; readonly approval: string }
  | { readonly is: "closed"; readonly name: string; readonly reason: string }

/** The exact content that is approved and sent: input with every envelope opened. Undefined: forgotten. */
export const openContent = (input: Json, vault: typeof Vault.Service): Json | undefined => {
  if (isSealed(input)) return vault.open(input)
  if (Array.isArray(input)) {
    const items = input.map((one: Json) => openContent(one, vault))
    return items.some((one) => one === undefined) ? undefined : items as ReadonlyArray<Json>
  }
  if (typeof input !== "object" || input === null) return input
  const plain: Record<string, Json> = {}
  for (const [key, value] of Object.entries(input)) {
    const opened = openContent(value, vault)
    if (opened === undefined) return undefined
    plain[key] = opened
  }
  return plain
}

/** SHA-256 over the canonical JSON of the content, 64 hex digits. */
export const contentHash = (content: Json): string => sha256Hex(canonical(content))

export const approvalStream = (ask: string, hash: string): string =>
  `gatekeeper-${derivedId(`approval:${ask}:${hash}`)}`

export interface GatedAsk {
  readonly id: string
  readonly stream: string
  readonly activity: string
  readonly risk: "none" | "outward" | "money"
  readonly input: Json
  readonly causation: string
  readonly correlation: string
}

/** Asks the gate, and the founder through it where nobody asked yet. */
export const askGate = Effect.fnUntraced(function* (
  ask: GatedAsk,
): Effect.fn.Return<
  Verdict,
  Refusal | SystemClosed | LogUnavailable,
  ActorSystem | EventLog | Vault
> {
  const system = yield* ActorSystem
  const vault = yield* Vault
  const content = openContent(ask.input, vault)
  if (content === undefined) {
    return { is: "closed", name: "PersonForgotten", reason: "The person was forgotten meanwhile" }
  }
  const hash = contentHash(content)
  const approval = approvalStream(ask.id, hash)
  const view = yield* system.view(approval)
  if (view !== undefined) {
    switch (view.status === "parked" ? "parked" : view.value) {
      // Carried out, and a crash came before that was recorded with the actor: what is keyed is safe to redo.
      case "carriedOut":
      case "approved": {
        const { request } = view.context as { request?: { hash?: string; ask?: string } }
        return request?.hash === hash && request.ask === ask.id
          ? { is: "open", approval }
          : { is: "closed", name: "NotApproved", reason: "What was approved is other content" }
      }
      case "awaitingApproval":
      case "postponed":
        return { is: "waits", approval }
      case "parked":
        return { is: "waits", approval }
      case "rejected": {
        // Why stays with the gatekeeper, sealed.
        return { is: "closed", name: "Rejected", reason: "The founder rejected it" }
      }
      default:
        return { is: "closed", name: "Rejected", reason: `The approval is ${String(view.value)}` }
    }
  }
  const causes = yield* causesOf(ask.causation)
  const person = typeof content === "object" && content !== null && "person" in content
    ? content["person"]
    : undefined
  const lead = typeof person === "string" ? yield* system.view(`lead-${person}`) : undefined
  const { activity, risk } = ask
  const edits = yield* editedApproval(ask, causes.at(-1))
  yield* system.propose(approval, {
    type: "ApprovalRequested",
    ask: ask.id,
    stream: ask.stream,
    activity: ask.activity,
    risk: ask.risk,
    hash,
    reasons: reasonsOf(ask, causes),
    content,
    ...(typeof person === "string" ? { person } : {}),
    events: causes.map(({ id }) => id),
    ...graded({ activity, risk, content, valuable: lead?.value === "hot" }),
    ...(edits === undefined ? {} : { edits }),
  }, {
    id: derivedId(`request:${approval}`),
    actor: ask.stream,
    causation: ask.causation,
    correlation: ask.correlation,
  })
  return { is: "waits", approval }
})

/** The approval it waits for already, in which the founder has still to decide. Asks nobody. */
export const waitsAt = Effect.fnUntraced(function* (
  { id, input }: Pick<GatedAsk, "id" | "input">,
): Effect.fn.Return<
  string | undefined,
  Refusal | SystemClosed | LogUnavailable,
  ActorSystem | Vault
> {
  const content = openContent(input, yield* Vault)
  if (content === undefined) return undefined
  const approval = approvalStream(id, contentHash(content))
  const view = yield* (yield* ActorSystem).view(approval)
  return view?.status !== "parked" && isUndecided(view?.value) ? approval : undefined
})

/** The chain of events that led to one, oldest first. */
export const causesOf = Effect.fnUntraced(function* (
  from: string,
): Effect.fn.Return<ReadonlyArray<RecordedEvent>, LogUnavailable, EventLog> {
  const log = yield* EventLog
  const chain: Array<RecordedEvent> = []
  let id: string | undefined = from
  while (id !== undefined && chain.length < causesMax) {
    const [event]: ReadonlyArray<RecordedEvent> = yield* log.byId(id)
    if (event === undefined) break
    chain.push(event)
    id = event.metadata.$causationId ?? (yield* askingEvent(event))
  }
  return chain.reverse()
})

/** The id of the approval whose content the founder has just edited into this ask's. */
const editedApproval = Effect.fnUntraced(function* (
  ask: GatedAsk,
  cause: RecordedEvent | undefined,
) {
  if (cause?.type !== "DraftEdited" || cause.stream !== ask.stream) return undefined
  const vault = yield* Vault
  const log = yield* EventLog
  for (const stopped of cause.metadata.asks ?? []) {
    if (stopped.ask !== "stop") continue
    const [revision = 0, place = 0] = stopped.of.split(".").map(Number)
    const [asking] = yield* log.readPage(ask.stream, { from: revision, limit: 1 })
    const before = asking?.metadata.asks?.[place]
    if (before?.ask !== "activity") continue
    const content = openContent(before.input ?? null, vault)
    if (content === undefined) continue
    return keyOf(approvalStream(`${ask.stream}/${stopped.of}`, contentHash(content)))
  }
  return undefined
})

/** A timer names what set it by its ask only. */
const askingEvent = Effect.fnUntraced(function* (event: RecordedEvent) {
  const { ask } = event.data as JsonObject
  if (event.type !== "TimerFired" || typeof ask !== "string") return undefined
  const log = yield* EventLog
  const [asking] = yield* log.readPage(event.stream, { from: Number(ask.split(".")[0]), limit: 1 })
  return asking?.id
})

/** What the person wanted, as far as rules read it, and what is at stake. */
const reasonsOf = (ask: GatedAsk, causes: ReadonlyArray<RecordedEvent>): ReadonlyArray<string> => {
  const intents = causes.flatMap((cause) => {
    const found = (cause.data as JsonObject)["intents"]
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : []
  })
  const stake = ask.risk === "money" ? "it moves money" : "it leaves the house"
  return [...new Set(intents.map(phraseOf)), stake]
}
