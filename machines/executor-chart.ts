/**
 * The executor's chart. A mail is drafted and needs the floor before it waits for approval; a refund, an
 * invoice or a publication waits at once. The gate is not drawn: the actor system holds every activity
 * with a risk until exactly this content was approved, and a rejection comes back as its error.
 */
import { assign, enqueueActions, setup } from "xstate"
import { defineAgent, rollback } from "./agent.ts"
import {
  cancelRefund,
  DraftEdited,
  draftInvoice,
  draftMail,
  FloorDenied,
  FloorGranted,
  FloorRevoked,
  InvoiceRequested,
  MailRequested,
  noteContact,
  noteReminder,
  PublicationRequested,
  publishArticle,
  recallMail,
  refundPayment,
  RefundRequested,
  sendMail,
  unpublishArticle,
  voidInvoice,
  WorkHappened,
  WorkReopened,
  WorkRetried,
  WorkUndone,
  WorkWithdrawn,
} from "./executor.ts"
import {
  blockedMillisMax,
  closed,
  conversationHears,
  decidedAgain,
  draftOf,
  type ExecutorContext,
  type ExecutorEvent,
  failedWith,
  floorMillisMin,
  floorRelease,
  floorRequest,
  isAskedForNow,
  isRequest,
  messageIdOf,
  outcomes,
  outOfHand,
  problemOf,
  requested,
  result,
  toDraft,
  writtenAnew,
} from "./executor-work.ts"

const chart = setup({
  types: {
    context: {} as ExecutorContext,
    events: {} as ExecutorEvent,
    input: {} as { readonly key: string },
  },
  actors: {
    draftMail,
    sendMail,
    recallMail,
    refundPayment,
    cancelRefund,
    draftInvoice,
    voidInvoice,
    publishArticle,
    unpublishArticle,
    noteContact,
    noteReminder,
  },
  delays: {
    aDay: blockedMillisMax,
    untilTheFloorIsFree: ({ context }) =>
      Math.max(floorMillisMin, (context.yields?.until ?? 0) - Date.now()),
  },
  guards: {
    /** An older mail than the one being answered changes nothing; work stays of its kind. */
    isNewer: ({ context: { request }, event }) =>
      event.type === "MailRequested" &&
      (request === null || request.type === event.type && event.answers > request.answers),
    isOfItsKind: ({ context: { request }, event }) =>
      request === null || request.type === event.type,
    isAskedForNow: ({ context, event }) =>
      event.type === "WorkHappened" && isAskedForNow(context.request, event),
    isMail: ({ context: { request } }) => request?.type === "MailRequested",
    isReminder: ({ context: { request } }) =>
      request?.type === "MailRequested" && request.purpose === "reminder" &&
      request.invoice !== undefined,
  },
  actions: {
    take: assign(({ event }) =>
      isRequest(event) ? { request: event, draft: null, yields: null, problem: null } : {}
    ),
    /** The event is taken as a fact and changes nothing. */
    note: assign({}),
    tooLate: assign({ problem: outOfHand }),
    keepProblem: assign(({ event }) => ({ problem: problemOf(event) })),
    edit: assign(({ context: { draft }, event }) =>
      event.type !== "DraftEdited" || draft === null ? {} : {
        draft: {
          ...draft,
          subject: event.subject ?? draft.subject,
          text: event.text,
          made: "founder",
        },
      }
    ),
    askForTheFloor: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ floor: true })
      enqueue(floorRequest(context))
    }),
    /** By it the mail is known again among the founder's sent mail. */
    keepMessageId: assign(({ event }) => ({ messageId: messageIdOf(event) })),
    takeTheFloor: assign({ floor: true, yields: null }),
    yieldTheFloor: assign(({ event }) =>
      event.type === "FloorDenied" || event.type === "FloorRevoked"
        ? {
          floor: false,
          yields: { holder: event.holder, purpose: event.purpose, until: event.until },
        }
        : {}
    ),
    releaseUnsent: enqueueActions(({ context, enqueue }) => {
      floorRelease(context, false).forEach((one) => enqueue(one))
      enqueue.assign({ floor: false })
    }),
    /** The coordinator keeps the person free of lesser mails for a while. */
    releaseSent: enqueueActions(({ context, enqueue }) =>
      floorRelease(context, true).forEach((one) => enqueue(one))
    ),
    tellCarriedOut: enqueueActions(({ context, enqueue }) => {
      conversationHears(context, "AnswerHandedOver").forEach((one) => enqueue(one))
      result(context, "WorkCarriedOut").forEach((one) => enqueue(one))
    }),
    tellRejected: enqueueActions(({ context, enqueue }) =>
      result(context, "WorkRejected").forEach((one) => enqueue(one))
    ),
    tellFailed: enqueueActions(({ context, enqueue }) =>
      result(context, "WorkFailed").forEach((one) => enqueue(one))
    ),
    /** Whoever asked for it has the matter again. */
    tellUndone: enqueueActions(({ context, enqueue }) => {
      conversationHears(context, "AnswerTakenBack").forEach((one) => enqueue(one))
      result(context, "WorkTakenBack").forEach((one) => enqueue(one))
    }),
  },
}).createMachine({
  id: "executor",
  context: ({ input }) => ({
    key: input.key,
    request: null,
    draft: null,
    messageId: null,
    floor: false,
    yields: null,
    problem: null,
  }),
  initial: "new",
  states: {
    new: {},
    drafting: {
      invoke: {
        id: "draft",
        src: "draftMail",
        input: ({ context }) => toDraft(context),
        onDone: {
          target: "claiming",
          actions: assign(({ event }) => ({ draft: event.output, problem: null })),
        },
        onError: [
          { guard: failedWith("MissingSettings"), target: "blocked", actions: "keepProblem" },
          { guard: failedWith("Skipped"), target: "stale", actions: "keepProblem" },
          { target: "failed", actions: "keepProblem" },
        ],
      },
    },
    /** A fact is missing that only the founder knows; `problem` names it. */
    blocked: {
      after: { aDay: "drafting" },
      on: { WorkRetried: "drafting" },
    },
    /** Two agents never write to a person at once: the coordinator says who may. */
    claiming: {
      entry: "askForTheFloor",
      on: {
        FloorGranted: { target: "awaitingApproval.mail", actions: "takeTheFloor" },
        FloorDenied: { target: "waitingForFloor", actions: "yieldTheFloor" },
        DraftEdited: { actions: "edit" },
      },
    },
    /** Somebody with a better reason writes to the person now; `yields` says who. */
    waitingForFloor: {
      after: { untilTheFloorIsFree: "claiming" },
      on: { DraftEdited: { actions: "edit" } },
    },
    awaitingApproval: {
      initial: "mail",
      states: {
        mail: {
          invoke: {
            id: "send",
            src: "sendMail",
            input: ({ context }) => {
              const { from, made, subject, text, to } = draftOf(context)
              const { messageId, person, purpose } = requested(context, "MailRequested")
              return { person, purpose, from, to, subject, text, inReplyTo: messageId, made }
            },
            onDone: [
              {
                guard: "isReminder",
                target: "#executor.carriedOut.notingReminder",
                actions: ["keepMessageId", "releaseSent"],
              },
              {
                target: "#executor.carriedOut.notingContact",
                actions: ["keepMessageId", "releaseSent"],
              },
            ],
            onError: outcomes,
          },
          on: {
            // Asked again with the founder's words: other content, so another approval.
            DraftEdited: { target: "mail", reenter: true, actions: "edit" },
            FloorRevoked: { target: "#executor.waitingForFloor", actions: "yieldTheFloor" },
            FloorGranted: { actions: "note" },
          },
        },
        refund: {
          invoke: {
            id: "refund",
            src: "refundPayment",
            input: ({ context }) => {
              const { amount, contact, invoice, payment, person, reason } = requested(
                context,
                "RefundRequested",
              )
              const { invoice: key, number } = invoice
              return { person, invoice: key, number, payment, amount, reason, to: contact }
            },
            onDone: "#executor.carriedOut",
            onError: outcomes,
          },
        },
        invoice: {
          invoke: {
            id: "invoice",
            src: "draftInvoice",
            input: ({ context }) => {
              const { amount, contact, description, person } = requested(
                context,
                "InvoiceRequested",
              )
              return { person, to: contact, amount, description }
            },
            onDone: "#executor.carriedOut",
            onError: outcomes,
          },
        },
        publication: {
          invoke: {
            id: "publish",
            src: "publishArticle",
            input: ({ context }) => {
              const { publishAt, text, title, topic } = requested(context, "PublicationRequested")
              return { topic, title, text, publishAt }
            },
            onDone: "#executor.carriedOut",
            onError: outcomes,
          },
        },
        /** What was awaited last, for work that is decided once more. */
        again: { type: "history" },
      },
    },
    carriedOut: {
      entry: "tellCarriedOut",
      initial: "noted",
      states: {
        /** With the invoice, then in the CRM; whether that works changes nothing of what was done. */
        notingReminder: {
          invoke: {
            id: "noteReminder",
            src: "noteReminder",
            input: ({ context }) => {
              const { invoice, person } = requested(context, "MailRequested")
              if (invoice === undefined) throw new Error("A reminder is of an invoice")
              const { invoice: key, number, owed, total } = invoice
              return { person, invoice: key, number, amount: owed ?? total, at: Date.now() }
            },
            onDone: "notingContact",
            onError: "notingContact",
          },
        },
        notingContact: {
          invoke: {
            id: "noteContact",
            src: "noteContact",
            input: ({ context }) => {
              const { subject, to } = draftOf(context)
              const { person } = requested(context, "MailRequested")
              return { person, contact: to, note: subject, at: Date.now() }
            },
            onDone: "noted",
            onError: "noted",
          },
        },
        noted: {},
        /** It was stopped and had begun already. */
        afterAll: { on: { WorkUndone: { target: "#executor.cannotUndo", actions: "tooLate" } } },
      },
      on: { ...closed, WorkUndone: "undoing" },
    },
    undoing: {
      entry: rollback,
      on: {
        ...closed,
        "aios.compensated": "undone",
        "aios.compensationFailed": { target: "cannotUndo", actions: "keepProblem" },
      },
    },
    undone: {
      entry: ["releaseUnsent", "tellUndone"],
      on: { ...closed, WorkReopened: decidedAgain },
    },
    /** It has happened outside for good; `problem` says why. */
    cannotUndo: { on: closed },
    rejected: {
      entry: ["releaseUnsent", "tellRejected"],
      on: {
        WorkWithdrawn: { actions: "note" },
        WorkReopened: decidedAgain,
      },
    },
    failed: {
      entry: ["releaseUnsent", "tellFailed"],
      on: {
        WorkRetried: writtenAnew,
      },
    },
    /** It would have come too late: history stays history. */
    stale: {
      entry: ["releaseUnsent", "tellFailed"],
      on: { WorkWithdrawn: { actions: "note" }, WorkReopened: writtenAnew },
    },
    withdrawn: { entry: "releaseUnsent", on: { WorkWithdrawn: { actions: "note" } } },
  },
  on: {
    MailRequested: [
      { guard: "isNewer", target: ".drafting", actions: "take" },
      { guard: "isOfItsKind", actions: "note" },
    ],
    RefundRequested: { guard: "isOfItsKind", target: ".awaitingApproval.refund", actions: "take" },
    InvoiceRequested: {
      guard: "isOfItsKind",
      target: ".awaitingApproval.invoice",
      actions: "take",
    },
    PublicationRequested: {
      guard: "isOfItsKind",
      target: ".awaitingApproval.publication",
      actions: "take",
    },
    WorkWithdrawn: ".withdrawn",
    WorkHappened: [
      { guard: "isAskedForNow", target: ".carriedOut.afterAll", actions: "releaseSent" },
      { actions: "note" },
    ],
    // An answer to a question that is not asked any more.
    FloorGranted: { actions: "releaseUnsent" },
    FloorDenied: { actions: "note" },
    FloorRevoked: { actions: "note" },
  },
})

export const executor = defineAgent({
  name: "executor",
  version: 1,
  events: [
    MailRequested,
    RefundRequested,
    InvoiceRequested,
    PublicationRequested,
    WorkWithdrawn,
    WorkRetried,
    WorkHappened,
    DraftEdited,
    WorkUndone,
    WorkReopened,
    FloorGranted,
    FloorDenied,
    FloorRevoked,
  ],
  machine: chart,
})
