/** Approvals, the founder's word on them, and what the founder says of an invoice, a conversation, a draft. */
import { Effect, Schema } from "effect"
import { Aios, OperationFailed } from "../projections/aios.ts"
import { problem } from "./problem.ts"
import { nextLink } from "./agents.ts"
import { Reply, route } from "./route.ts"
import { Approval, Decision, Done, Edited, Money, pageOf, Review, Undone } from "./shapes.ts"

const approvalsMax = 1_000

const Id = Schema.Struct({ id: Schema.String })
const decided = [404, 409, 415, 422, 501]

export const listed = route({
  id: "listApprovals",
  method: "get",
  path: "/api/approvals",
  tag: "approvals",
  summary: "What waits for the founder's word, with the exact content of each, oldest first",
  query: Schema.Struct({
    after: Schema.optionalKey(
      Schema.String.check(Schema.isPattern(/^\d{1,15}\.[0-9a-f-]{36}$/)).annotate({
        description:
          "`next` of the page before; it holds also where that one was decided meanwhile",
      }),
    ),
    limit: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: approvalsMax })),
    ),
  }),
  answer: pageOf(Approval),
  handle: ({ query, request }) =>
    Effect.gen(function* () {
      const limit = query.limit ?? approvalsMax
      const all = (yield* (yield* Aios).approvals)
        .map((one) => ({ one, place: `${one.requestedAt}.${one.id}` }))
        .sort((a, b) => inOrder(a.place, b.place))
        .filter(({ place }) => query.after === undefined || inOrder(place, query.after) > 0)
      const items = all.slice(0, limit)
      const next = all.length > limit ? items.at(-1)?.place : undefined
      return new Reply(
        { items: items.map(({ one }) => one), ...(next === undefined ? {} : { next }) },
        nextLink(request, next),
      )
    }),
})

/** By when it was asked, then by id. */
const inOrder = (a: string, b: string): number =>
  Number.parseInt(a) - Number.parseInt(b) || (a < b ? -1 : a > b ? 1 : 0)

/** One that waits, by its id or the beginning of it. */
const waiting = Effect.fnUntraced(function* (id: string) {
  const found = (yield* (yield* Aios).approvals).filter((one) =>
    id.length >= 6 && one.id.startsWith(id.toLowerCase())
  )
  const [first, second] = found
  if (first !== undefined && second === undefined) return first
  return yield* new OperationFailed({
    kind: "failed",
    error: "ApprovalNotFound",
    message: first === undefined
      ? `No approval ${id} waits. /api/approvals has those that do.`
      : `${id} is the beginning of several ids. Give more of it.`,
  })
})

export const single = route({
  id: "getApproval",
  method: "get",
  path: "/api/approvals/:id",
  tag: "approvals",
  summary: "One approval that waits",
  params: Id,
  answer: Approval,
  problems: [404],
  handle: ({ params }) => waiting(params.id),
})

export const approved = route({
  id: "approve",
  method: "post",
  path: "/api/approvals/:id/approve",
  tag: "approvals",
  summary: "Approve exactly this content; it is carried out once",
  params: Id,
  body: Schema.Struct({
    hash: Schema.optionalKey(
      Schema.String.annotate({ description: "SHA-256 of the content as you saw it" }),
    ),
  }),
  answer: Decision,
  problems: decided,
  handle: ({ body, params }) =>
    Effect.gen(function* () {
      const aios = yield* Aios
      if (body.hash !== undefined) {
        const found = (yield* aios.approvals).find((one) => one.id.startsWith(params.id))
        if (found !== undefined && found.hash !== body.hash) {
          return yield* problem(
            409,
            "ContentChanged",
            "Content changed",
            "What waits is not what you saw. Read the approval again and decide on that.",
            { id: found.id, hash: found.hash },
          )
        }
      }
      return yield* aios.approve(params.id)
    }),
})

export const rejected = route({
  id: "reject",
  method: "post",
  path: "/api/approvals/:id/reject",
  tag: "approvals",
  summary: "Reject it, with a reason",
  params: Id,
  body: Schema.Struct({ reason: Schema.String.check(Schema.isMinLength(1)) }),
  answer: Decision,
  problems: decided,
  handle: ({ body, params }) => Effect.flatMap(Aios, (aios) => aios.reject(params.id, body.reason)),
})

export const edited = route({
  id: "edit",
  method: "post",
  path: "/api/approvals/:id/edit",
  tag: "approvals",
  summary: "Other content in place of what waits: a new approval, which waits in turn",
  params: Id,
  body: Schema.Struct({ subject: Schema.optionalKey(Schema.String), text: Schema.String }),
  answer: Edited,
  problems: decided,
  handle: ({ body, params }) => Effect.flatMap(Aios, (aios) => aios.edit(params.id, body)),
})

export const postponed = route({
  id: "postpone",
  method: "post",
  path: "/api/approvals/:id/later",
  tag: "approvals",
  summary: "Ask again at a later time",
  params: Id,
  body: Schema.Struct({
    until: Schema.Finite.annotate({ description: "Epoch milliseconds" }),
  }),
  answer: Decision,
  problems: decided,
  handle: ({ body, params }) => Effect.flatMap(Aios, (aios) => aios.later(params.id, body.until)),
})

export const undone = route({
  id: "undo",
  method: "post",
  path: "/api/approvals/:id/undo",
  tag: "approvals",
  summary: "Take the decision back while nothing happened; compensate after",
  params: Id,
  answer: Undone,
  problems: decided,
  handle: ({ params }) => Effect.flatMap(Aios, (aios) => aios.undo(params.id)),
})

export const grouped = route({
  id: "approveGroup",
  method: "post",
  path: "/api/approvals/approve-group",
  tag: "approvals",
  summary: "Approve all that wait in a group of alike, low-risk ones",
  body: Schema.Struct({
    group: Schema.String.check(Schema.isMinLength(1)),
    ids: Schema.optionalKey(
      Schema.Array(Schema.String).annotate({
        description: "Those that were shown: what came since is not approved",
      }),
    ),
  }),
  answer: Schema.Struct({ items: Schema.Array(Decision) }),
  problems: decided,
  handle: ({ body }) =>
    Effect.map(
      Effect.flatMap(Aios, (aios) => aios.approveGroup(body.group, body.ids)),
      (items) => ({
        items,
      }),
    ),
})

export const paid = route({
  id: "invoicePaid",
  method: "post",
  path: "/api/invoices/:id/paid",
  tag: "invoices",
  summary: "The founder says that an invoice was paid; default: all that is open, now",
  params: Id,
  body: Schema.Struct({
    amount: Schema.optionalKey(Money),
    at: Schema.optionalKey(Schema.Finite.annotate({ description: "Epoch milliseconds" })),
    force: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "Also more than is open; it cannot be taken back" }),
    ),
  }),
  answer: Schema.Struct({
    invoice: Schema.String,
    state: Schema.String,
    outcome: Schema.String,
  }),
  problems: decided,
  handle: ({ body, params }) => Effect.flatMap(Aios, (aios) => aios.paid(params.id, body)),
})

const Key = Schema.Struct({ key: Schema.String })

export const done = route({
  id: "conversationDone",
  method: "post",
  path: "/api/people/:key/done",
  tag: "people",
  summary: "The founder dealt with a conversation otherwise; by key, name or address",
  params: Key,
  answer: Done,
  problems: decided,
  handle: ({ params }) => Effect.flatMap(Aios, (aios) => aios.done(params.key)),
})

export const draft = route({
  id: "getReview",
  method: "get",
  path: "/api/articles/:key/review",
  tag: "articles",
  summary: "A draft with its text and what can be said of it; by topic or key",
  params: Key,
  answer: Review,
  problems: [404, 422],
  handle: ({ params }) => Effect.flatMap(Aios, (aios) => aios.review(params.key)),
})

export const reviewed = route({
  id: "reviewArticle",
  method: "post",
  path: "/api/articles/:key/review",
  tag: "articles",
  summary: "The word on a draft in review: passed, or sent back with a reason",
  params: Key,
  body: Schema.Struct({
    passed: Schema.Boolean,
    reason: Schema.optionalKey(
      Schema.String.annotate({ description: "Needed where it is sent back" }),
    ),
  }),
  answer: Review,
  problems: decided,
  handle: ({ body, params }) => Effect.flatMap(Aios, (aios) => aios.review(params.key, body)),
})

export const decisionRoutes = [
  listed,
  grouped,
  single,
  approved,
  rejected,
  edited,
  postponed,
  undone,
  paid,
  done,
  draft,
  reviewed,
]
