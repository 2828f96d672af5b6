/**
 * What the executor's chart knows of its work, and what it says of it to others: the requester hears how
 * it ended, the coordinator who is to be written to.
 */
import type { OutputFrom } from "xstate"
import { type Compensated, type CompensationFailed, isObject, tell } from "./agent.ts"
import { coordinatorKey } from "./coordinator.ts"
import type {
  DraftEdited,
  draftMail,
  FloorDenied,
  FloorGranted,
  FloorRevoked,
  InvoiceRequested,
  MailRequested,
  PublicationRequested,
  Purpose,
  RefundRequested,
  WorkHappened,
  WorkReopened,
  WorkRetried,
  WorkUndone,
  WorkWithdrawn,
} from "./executor.ts"

/** A draft with a gap is tried again after this long, if nobody asks sooner. */
export const blockedMillisMax = 24 * 60 * 60 * 1000
/** Nobody asks for the floor more often than this. */
export const floorMillisMin = 60 * 1000

/** Agents that are told what became of their work. Others would refuse to hear it. */
const listeners = ["outreach", "analyst", "invoice", "article"]

type Request =
  | typeof MailRequested.Type
  | typeof RefundRequested.Type
  | typeof InvoiceRequested.Type
  | typeof PublicationRequested.Type
type Draft = OutputFrom<typeof draftMail>

export interface ExecutorContext {
  /** The part of its stream's name after `executor-`. */
  readonly key: string
  /** What is to be done, as it was asked for last; null before that. */
  readonly request: Request | null
  readonly draft: Draft | null
  /** Of the mail that was handed over. */
  readonly messageId: string | null
  /** It has asked for the floor, or has it. */
  readonly floor: boolean
  /** Who writes to the person instead, what for, and when it is worth asking again. */
  readonly yields: {
    readonly holder: string
    readonly purpose: Purpose
    readonly until: number
  } | null
  /** Name and message of what stands in the way. */
  readonly problem: { readonly name: string; readonly message: string } | null
}

export type ExecutorEvent =
  | Request
  | typeof WorkWithdrawn.Type
  | typeof WorkRetried.Type
  | typeof DraftEdited.Type
  | typeof WorkHappened.Type
  | typeof WorkUndone.Type
  | typeof WorkReopened.Type
  | typeof FloorGranted.Type
  | typeof FloorDenied.Type
  | typeof FloorRevoked.Type
  | Compensated
  | CompensationFailed

/** `Rejected`, `Skipped`, `NotPermitted` come from the actor system, the others from the activity. */
export const problemOf = (event: object) => {
  const error = "error" in event ? event.error : undefined
  return typeof error === "object" && error !== null && "name" in error && "message" in error
    ? { name: String(error.name), message: String(error.message) }
    : { name: "Unknown", message: String(error) }
}
export const failedWith = (name: string) => ({ event }: { readonly event: object }) =>
  problemOf(event).name === name

/** How an activity that left the house may end otherwise. */
export const outcomes = [
  { guard: failedWith("Rejected"), target: "#executor.rejected", actions: "keepProblem" },
  { guard: failedWith("Skipped"), target: "#executor.stale", actions: "keepProblem" },
  { target: "#executor.failed", actions: "keepProblem" },
] as const
/** It is decided once more: a mail needs the floor first, all else waits where it waited. */
export const decidedAgain = [
  { guard: "isMail", target: "#executor.claiming" },
  { target: "#executor.awaitingApproval.again" },
] as const
/** The founder wants it all the same: a mail is written anew, for today. */
export const writtenAnew = [
  { guard: "isMail", target: "#executor.drafting" },
  { target: "#executor.awaitingApproval.again" },
] as const
/** What was done, is being taken back or was taken back is not begun again: that is other work. */
export const closed = {
  MailRequested: {},
  RefundRequested: {},
  InvoiceRequested: {},
  PublicationRequested: {},
  WorkWithdrawn: { actions: "note" },
  WorkHappened: { actions: "note" },
  FloorGranted: { actions: "note" },
} as const
/** Its run is not known here, so nothing can take it back. */
export const outOfHand = {
  name: "TooLate",
  message: "It was under way when it was stopped, and has happened; take it back where it went",
}

/** Of a mail that was handed over. */
export const messageIdOf = (event: object): string | null => {
  const output = "output" in event ? event.output : undefined
  return isObject(output) && typeof output["messageId"] === "string" ? output["messageId"] : null
}

export const isRequest = (event: ExecutorEvent): event is Request =>
  event.type.endsWith("Requested")
const isOf = <Type extends Request["type"]>(
  request: Request | null,
  type: Type,
): request is Extract<Request, { type: Type }> => request?.type === type

/** Its states are entered with a request of their kind only, so there is one. */
export const requested = <Type extends Request["type"]>(
  { request }: ExecutorContext,
  type: Type,
): Extract<Request, { type: Type }> => {
  if (!isOf(request, type)) throw new Error(`There is no ${type} to carry out`)
  return request
}
/** Each kind of work has something that only this request asked with. */
const markOf = (request: Request): readonly [field: string, value: unknown] => {
  switch (request.type) {
    case "MailRequested":
      return ["inReplyTo", request.messageId]
    case "RefundRequested":
      return ["payment", request.payment]
    case "InvoiceRequested":
      return ["description", request.description]
    case "PublicationRequested":
      return ["text", request.text]
  }
}
/** What happened after all is what is asked for now, and not what an earlier request wanted. */
export const isAskedForNow = (request: Request | null, { input }: typeof WorkHappened.Type) => {
  if (request === null) return false
  const [field, value] = markOf(request)
  return isObject(input) && JSON.stringify(input[field]) === JSON.stringify(value)
}

/** What a draft is made from. */
export const toDraft = (context: ExecutorContext) => {
  const request = requested(context, "MailRequested")
  const { answers, contact, dueAt, intents, invoice, language } = request
  const { person, purpose, quotes, subject } = request
  return {
    ...{ person, purpose, answers, intents, contact, subject, quotes },
    ...(invoice === undefined ? {} : { invoice }),
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(language === undefined ? {} : { language }),
  }
}
export const draftOf = ({ draft }: ExecutorContext): Draft => {
  if (draft === null) throw new Error("A mail is to be sent that nobody drafted")
  return draft
}

const kinds = {
  MailRequested: "mail",
  RefundRequested: "refund",
  InvoiceRequested: "invoice",
  PublicationRequested: "publication",
} as const

/** Tells the requester how it ended; nothing where it is none that listens. */
export const result = (
  { draft, key, messageId, problem, request }: ExecutorContext,
  type: "WorkCarriedOut" | "WorkRejected" | "WorkFailed" | "WorkTakenBack",
) => {
  const category = request?.requester.split("-", 1)[0] ?? ""
  // The analyst hears of every answer that is taken back, whoever wanted it.
  const isHeard = listeners.includes(category) &&
    !(type === "WorkTakenBack" && category === "analyst")
  return request === null || !isHeard ? [] : [
    tell(request.requester, {
      type,
      work: `executor-${key}`,
      kind: kinds[request.type],
      answers: request.type === "MailRequested" ? request.answers : 0,
      ...(type === "WorkFailed" ? { problem: problem?.name ?? "Unknown" } : {}),
      ...(type === "WorkCarriedOut" && messageId !== null ? { messageId } : {}),
      ...(type === "WorkCarriedOut" && draft?.asks !== undefined ? { asks: draft.asks } : {}),
    }),
  ]
}

/** The conversation hears of every mail that answers something, whoever wanted it. */
export const conversationHears = (
  { key, request }: ExecutorContext,
  type: "AnswerHandedOver" | "AnswerTakenBack",
) =>
  request?.type !== "MailRequested" || request.purpose === "reminder" ? [] : [
    tell(`analyst-${request.person}`, {
      type,
      person: request.person,
      work: `executor-${key}`,
      ...(type === "AnswerHandedOver" ? { answers: request.answers } : {}),
    }),
  ]

const coordinator = `coordinator-${coordinatorKey}`
export const floorRequest = (context: ExecutorContext) => {
  const { answers, person, purpose } = requested(context, "MailRequested")
  const work = `executor-${context.key}`
  return tell(coordinator, { type: "FloorRequested", person, work, purpose, answers })
}
/** Gives the floor back; nothing where it was never asked for. */
export const floorRelease = ({ floor, key, request }: ExecutorContext, sent: boolean) =>
  !floor || request?.type !== "MailRequested" ? [] : [
    tell(coordinator, {
      type: "FloorReleased",
      person: request.person,
      work: `executor-${key}`,
      sent,
    }),
  ]
