/**
 * The pages and their forms. A form says what the founder decided, is answered with a redirect to the
 * brief, and the brief says what came of it; whatever goes wrong is said on the same page.
 */
import { Clock, type Context, Effect } from "effect"
import type { Context as HonoContext, Hono } from "hono"
import { EventLog } from "../../actors/event-log.ts"
import { Aios, type OperationFailed } from "../../projections/aios.ts"
import { failureOf } from "../../projections/aios-failures.ts"
import { limitedText, mediaTypeOf } from "../body.ts"
import { today } from "../company.ts"
import { type Gate, sessionIn } from "../guard.ts"
import type { Meter } from "../meter.ts"
import { type Problem, problem, toldOf } from "../problem.ts"
import { type Guarded, running, type Services } from "../route.ts"
import { assets } from "./assets.ts"
import { briefPage } from "./brief.ts"
import { enter } from "./enter.ts"
import type { Frame, Note } from "./layout.ts"
import {
  actorPage,
  agentsPage,
  historyPage,
  type NameOf,
  peoplePage,
  problemPage,
  reportsPage,
  whyPage,
} from "./looks.ts"
import { respond } from "./respond.ts"
import { reviewPage } from "./review.ts"

/** Words about what just happened, each shown to the page it redirects to. */
const notesMax = 64
const eventsShown = 100
/** Events looked at for the last ones of an actor. */
const eventsRead = 10_000

type Work<A> = Effect.Effect<A, OperationFailed | Problem, Services>

export const pages = (
  hono: Hono,
  gate: Gate,
  services: Context.Context<Services>,
  meter: Meter,
  guarded: Guarded,
): void => {
  const run = running(services)
  const notes = new Map<string, Note>()

  const frameOf = Effect.fnUntraced(function* (request: Request, note?: Note) {
    const aios = yield* Aios
    const log = yield* EventLog
    const head = yield* Effect.mapError(log.head, failureOf)
    const { timeZone } = yield* aios.settings
    const now = yield* Clock.currentTimeMillis
    const session = sessionIn(request, gate)
    const named = note ?? notes.get(new URL(request.url).searchParams.get("note") ?? "")
    return {
      head,
      timeZone,
      now,
      word: session === undefined ? "" : gate.keys.formWord(session),
      ...(named === undefined ? {} : { note: named }),
    } satisfies Frame
  })

  /** What went wrong, as a page. */
  const told = (request: Request) => (failure: OperationFailed | Problem) =>
    Effect.gen(function* () {
      const { body, status } = toldOf(failure)
      const frame = yield* Effect.option(frameOf(request))
      return respond(
        problemPage(
          String(body["title"]),
          String(body["detail"]),
          frame._tag === "Some" ? frame.value : undefined,
        ),
        status,
      )
    })

  const show = (
    path: string,
    make: (c: HonoContext, frame: Frame) => Work<string>,
  ) =>
    hono.get(
      path,
      guarded(async (c) => {
        const started = performance.now()
        const response = await run(
          Effect.gen(function* () {
            return respond(yield* make(c, yield* frameOf(c.req.raw)))
          }).pipe(Effect.catch(told(c.req.raw))),
        )
        meter.observe(`page ${path}`, response.status, performance.now() - started)
        return response
      }),
    )

  const briefAt = (frame: Frame) =>
    Effect.gen(function* () {
      return briefPage(yield* (yield* Aios).brief(yield* today), frame)
    })

  /** The names of people, for actors whose key is a person's. */
  const names: Effect.Effect<NameOf, never, Services> = Effect.gen(function* () {
    const people = yield* Effect.orElseSucceed((yield* Aios).people(), () => [])
    const byKey = new Map(people.map((one) => [one.key, one.name || one.address]))
    return (_: string, key: string) => byKey.get(key) ?? byKey.get(key.split(/[-.:]/)[0] ?? "")
  })

  show("/", (_, frame) => briefAt(frame))

  show("/agents", (_, frame) =>
    Effect.gen(function* () {
      return agentsPage(yield* (yield* Aios).agents(), yield* names, frame)
    }))

  show("/agents/:agent/:key", (c, frame) =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const agent = c.req.param("agent") ?? ""
      const key = c.req.param("key") ?? ""
      const stream = `${agent}-${key}`
      const actor = yield* aios.view(stream)
      const events = yield* aios.events({ stream, limit: eventsRead })
      const { obstacles } = yield* Effect.orElseSucceed(
        aios.whyNot(`${agent}/${key}`),
        () => ({ obstacles: [] }),
      )
      const name = (yield* names)(agent, key) ?? key
      return actorPage(agent, name, actor, events.slice(-eventsShown), obstacles, frame)
    }))

  show("/why/:id{.+}", (c, frame) =>
    Effect.gen(function* () {
      return whyPage(yield* (yield* Aios).why(c.req.param("id") ?? ""), frame)
    }))

  show("/people", (c, frame) =>
    Effect.gen(function* () {
      const filter = (c.req.query("filter") ?? "").trim()
      const people = yield* (yield* Aios).people(filter === "" ? undefined : filter)
      return peoplePage(people, filter, frame)
    }))

  show("/people/:key", (c, frame) =>
    Effect.gen(function* () {
      return historyPage(yield* (yield* Aios).history(c.req.param("key") ?? ""), frame)
    }))

  show("/articles/:key", (c, frame) =>
    Effect.gen(function* () {
      return reviewPage(yield* (yield* Aios).review(c.req.param("key") ?? ""), frame)
    }))

  show("/reports", (_, frame) =>
    Effect.gen(function* () {
      return reportsPage(yield* (yield* Aios).reports(), frame)
    }))

  /** A form of ours: of this session, as pages send it. */
  const formOf = Effect.fnUntraced(function* (request: Request) {
    if (mediaTypeOf(request) !== "application/x-www-form-urlencoded") {
      return yield* problem(
        415,
        "FormWanted",
        "Form wanted",
        "This address takes the page's form. Programs use /api/approvals, see /openapi.json.",
      )
    }
    const form = new URLSearchParams(yield* limitedText(request))
    const session = sessionIn(request, gate)
    if (session !== undefined && !gate.keys.isFormWord(session, form.get("word") ?? "")) {
      return yield* problem(
        403,
        "FormExpired",
        "Form expired",
        "This form is of another session. Load the page again, then decide.",
      )
    }
    return form
  })

  const decide = (
    path: string,
    word: (c: HonoContext, form: URLSearchParams) => Work<Note>,
  ) =>
    hono.post(
      path,
      guarded(async (c) => {
        const started = performance.now()
        const response = await run(
          Effect.gen(function* () {
            const note = yield* word(c, yield* formOf(c.req.raw))
            const name = crypto.randomUUID()
            notes.set(name, note)
            const [oldest] = notes.keys()
            if (notes.size > notesMax && oldest !== undefined) notes.delete(oldest)
            return new Response(null, {
              status: 303,
              headers: { location: `/?note=${name}`, "cache-control": "no-store" },
            })
          }).pipe(
            Effect.catch((failure) =>
              Effect.gen(function* () {
                const { body, status } = toldOf(failure)
                const note = { text: String(body["detail"]), wrong: true }
                return respond(yield* briefAt(yield* frameOf(c.req.raw, note)), status)
              })
            ),
            Effect.catch(told(c.req.raw)),
          ),
        )
        meter.observe(`form ${path}`, response.status, performance.now() - started)
        return response
      }),
    )

  const idOf = (c: HonoContext) => c.req.param("id") ?? ""

  decide("/approvals/approve-group", (_, form) =>
    Effect.gen(function* () {
      const all = yield* (yield* Aios).approveGroup(
        form.get("group") ?? "",
        // What came since the page was shown is not approved unseen.
        form.get("ids")?.split(" "),
      )
      return { text: `Approved ${all.length}. ${all.map((one) => one.outcome).join(" ")}` }
    }))

  decide("/approvals/:id/approve", (c, form) =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const found = (yield* aios.approvals).find((one) => one.id === idOf(c))
      if (found !== undefined && form.get("hash") !== found.hash) {
        return yield* problem(
          409,
          "ContentChanged",
          "Content changed",
          "What waits is not what the page showed. It is shown now: decide on that.",
        )
      }
      const { id, outcome } = yield* aios.approve(idOf(c))
      return { text: `Approved. ${outcome}`, undo: id }
    }))

  decide("/approvals/:id/reject", (c, form) =>
    Effect.gen(function* () {
      const reason = (form.get("reason") ?? "").trim()
      if (reason === "") {
        return yield* problem(422, "ReasonWanted", "Reason wanted", "Say why not, in a few words.")
      }
      const { id, outcome } = yield* (yield* Aios).reject(idOf(c), reason)
      return { text: `Rejected. ${outcome}`, undo: id }
    }))

  decide("/approvals/:id/edit", (c, form) =>
    Effect.gen(function* () {
      const text = (form.get("text") ?? "").replaceAll("\r\n", "\n")
      const subject = form.get("subject")
      const { difference } = yield* (yield* Aios).edit(idOf(c), {
        text,
        ...(subject === null ? {} : { subject }),
      })
      return { text: "Saved as a new draft, which waits for your approval below.", difference }
    }))

  decide("/approvals/:id/later", (c, form) =>
    Effect.gen(function* () {
      const until = Number(form.get("until") ?? "")
      if (!Number.isFinite(until) || until <= 0) {
        return yield* problem(422, "TimeWanted", "Time wanted", "Choose until when it may wait.")
      }
      const { id, outcome } = yield* (yield* Aios).later(idOf(c), until)
      return { text: `Later. ${outcome}`, undo: id }
    }))

  decide("/approvals/:id/undo", (c) =>
    Effect.gen(function* () {
      const { outcome, undone } = yield* (yield* Aios).undo(idOf(c))
      return { text: `${undone === "decision" ? "Taken back" : "Undone"}. ${outcome}` }
    }))

  decide("/invoices/:id/paid", (c) =>
    Effect.gen(function* () {
      const { invoice, outcome } = yield* (yield* Aios).paid(idOf(c), {})
      return { text: `${invoice}: ${outcome}` }
    }))

  decide("/people/:key/done", (c) =>
    Effect.gen(function* () {
      const { outcome } = yield* (yield* Aios).done(c.req.param("key") ?? "")
      return { text: outcome }
    }))

  decide("/articles/:key/pass", (c) =>
    Effect.gen(function* () {
      const { outcome, title } = yield* (yield* Aios).review(c.req.param("key") ?? "", {
        passed: true,
      })
      return { text: `${title}: ${outcome}` }
    }))

  decide("/articles/:key/send-back", (c, form) =>
    Effect.gen(function* () {
      const reason = (form.get("reason") ?? "").trim()
      if (reason === "") {
        return yield* problem(422, "ReasonWanted", "Reason wanted", "Say why, in a few words.")
      }
      const { outcome, title } = yield* (yield* Aios).review(c.req.param("key") ?? "", {
        passed: false,
        reason,
      })
      return { text: `${title}: ${outcome}` }
    }))

  enter(hono, gate, guarded)
  assets(hono, guarded)
}
