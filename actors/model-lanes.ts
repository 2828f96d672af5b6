/**
 * Who is at the model server now. Interactive requests go first, in order; batch work starts only in an
 * idle window, one group (model and template) after the other, so that the server's prefix cache helps, and
 * makes room at once for an interactive request, and for batch work of a greater priority. What made
 * room often enough, or waited too long, may finish. Nothing here is durable: whoever waits is an ask in the
 * log, and asks again after a restart.
 */
import { Clock, Data, Deferred, Effect, Exit, type Scope } from "effect"
import type { Lane } from "../machines/agent.ts"

/** Batch work starts once no interactive request was there for so long: they come in bursts. */
export const idleMillisMin = 500
/** So often a batch request makes room; then it may finish. */
export const preemptionsMax = 3
/** A batch request that waited so long gets its turn between two that would go before it. */
export const batchWaitMillisMax = 10 * 60 * 1000
/** Requests of one group in a row, while another group waits. */
export const groupRunMax = 32

/** It was not its turn in time. Nothing was asked, so nothing failed. */
export class NoTurn extends Data.TaggedError("NoTurn")<{ readonly millis: number }> {}

interface Ticket {
  readonly lane: Lane
  readonly group: string
  readonly priority: number
  readonly since: number
  preemptions: number
  mayFinish: boolean
  /** Tells who holds the ticket that it is its turn. */
  go: () => void
  /** Makes room; undefined while it does not hold a place that it could give up. */
  preempt: (() => void) | undefined
}

export interface Waiting {
  /** Greater goes first among batch requests. Default 0. */
  readonly priority?: number
  /** True when the wait begins, false when it ends. */
  readonly waits?: (on: boolean) => void
  /** Waits no longer than this for its turn; without it, however long it takes. */
  readonly waitMillisMax?: number
  /** It made room after so many milliseconds of work, and is in line again. */
  readonly preempted?: (millis: number) => void
}

export interface Lanes {
  /** Runs `effect` when it is its turn. In lane `batch` it may be interrupted and run again. */
  run<A, E, R>(
    lane: Lane,
    group: string,
    effect: Effect.Effect<A, E, R>,
    how?: Waiting,
  ): Effect.Effect<A, E | NoTurn, R>
  /** Takes a place and holds it for the scope; it is not given up before. */
  hold(
    lane: Lane,
    group: string,
    how?: Pick<Waiting, "waitMillisMax">,
  ): Effect.Effect<void, NoTurn, Scope.Scope>
  /** Requests that wait and that run. */
  readonly counts: () => { readonly waiting: number; readonly running: number }
}

/** `places`: requests that the server works on at the same time. */
export const makeLanes = (places: number): Effect.Effect<Lanes> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const fork = Effect.runForkWith(yield* Effect.context())
    const queues: Record<Lane, Array<Ticket>> = { interactive: [], batch: [] }
    const running = new Set<Ticket>()
    const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
    /** When an interactive request was there last. */
    let interactiveAt = Number.NEGATIVE_INFINITY
    /** When batch work of what priority above the usual was there last: it comes in bursts, too. */
    let urgentAt = Number.NEGATIVE_INFINITY
    let urgency = 0
    /** What was granted last went before what had waited longer. */
    let lastWasUrgent = false
    let lastGroup = ""
    let inARow = 0
    let waking = false

    const grant = (ticket: Ticket) => {
      const queue = queues[ticket.lane]
      queue.splice(queue.indexOf(ticket), 1)
      running.add(ticket)
      inARow = ticket.lane === "batch" && ticket.group === lastGroup ? inARow + 1 : 1
      if (ticket.lane === "batch") lastGroup = ticket.group
      lastWasUrgent = ticket.lane === "interactive" || ticket.priority > 0
      ticket.go()
    }

    /** Of the most urgent: the oldest of the group that ran last, else of all. */
    const nextBatch = () => {
      const most = queues.batch.reduce((max, { priority }) => Math.max(max, priority), 0)
      const urgent = queues.batch.filter(({ priority }) => priority === most)
      const [oldest] = urgent
      if (inARow >= groupRunMax) {
        return urgent.find(({ group }) => group !== lastGroup) ?? oldest
      }
      return urgent.find(({ group }) => group === lastGroup) ?? oldest
    }

    const wake = (millis: number) => {
      if (waking) return
      waking = true
      fork(
        Effect.andThen(
          Effect.sleep(millis),
          Effect.sync(() => {
            waking = false
            pump()
          }),
        ),
      )
    }

    const pump = () => {
      while (running.size < places) {
        const at = now()
        const [first] = queues.interactive
        const overdue = queues.batch.find(({ since }) => at - since >= batchWaitMillisMax)
        const goesBefore = (one: Ticket) =>
          first !== undefined || queues.batch.some(({ priority }) => priority > one.priority)
        if (overdue !== undefined && (lastWasUrgent || !goesBefore(overdue))) {
          overdue.mayFinish = true
          grant(overdue)
          continue
        }
        if (first !== undefined) {
          grant(first)
          continue
        }
        const next = nextBatch()
        if (next === undefined) return
        const busy = [...running].some(({ lane }) => lane === "interactive")
        if (busy) return
        const last = next.priority < urgency ? Math.max(interactiveAt, urgentAt) : interactiveAt
        const rest = last + idleMillisMin - at
        if (rest > 0) return wake(rest)
        grant(next)
      }
      const most = queues.interactive.length > 0
        ? Infinity
        : queues.batch.reduce((max, { priority }) => Math.max(max, priority), 0)
      for (const ticket of running) {
        if (ticket.mayFinish || ticket.preempt === undefined || ticket.priority >= most) continue
        const { preempt } = ticket
        ticket.preempt = undefined
        return preempt()
      }
    }

    const enter = (ticket: Ticket) =>
      Effect.callback<void>((resume) => {
        ticket.go = () => resume(Effect.void)
        if (ticket.lane === "interactive") {
          interactiveAt = now()
          queues.interactive.push(ticket)
        } else {
          // Who made room is still older than who came later.
          const place = queues.batch.findIndex(({ since }) => since > ticket.since)
          queues.batch.splice(place < 0 ? queues.batch.length : place, 0, ticket)
        }
        pump()
      })

    const enterInTime = (ticket: Ticket, millis: number | undefined) =>
      millis === undefined ? enter(ticket) : enter(ticket).pipe(Effect.timeoutOrElse({
        duration: Math.max(millis, 1),
        orElse: () => Effect.fail(new NoTurn({ millis })),
      }))

    const leave = (ticket: Ticket) => {
      const queue = queues[ticket.lane]
      const place = queue.indexOf(ticket)
      if (place >= 0) queue.splice(place, 1)
      running.delete(ticket)
      ticket.preempt = undefined
      if (ticket.lane === "interactive") interactiveAt = now()
      else if (ticket.priority > 0) {
        urgentAt = now()
        urgency = ticket.priority
      }
      pump()
    }

    /** Undefined: it made room. */
    const once = <A, E, R>(ticket: Ticket, effect: Effect.Effect<A, E, R>, how: Waiting) =>
      Effect.gen(function* () {
        how.waits?.(true)
        yield* Effect.ensuring(
          enterInTime(ticket, how.waitMillisMax),
          Effect.sync(() => how.waits?.(false)),
        )
        if (ticket.lane === "interactive" || ticket.mayFinish) {
          return { result: yield* effect }
        }
        const roomWanted = Deferred.makeUnsafe<void>()
        ticket.preempt = () => Deferred.doneUnsafe(roomWanted, Exit.void)
        // Between the grant and this line somebody may have come.
        pump()
        const began = now()
        const result = yield* Effect.raceFirst(
          Effect.map(effect, (result) => ({ result })),
          Effect.as(Deferred.await(roomWanted), undefined),
        )
        if (result === undefined) {
          ticket.preemptions++
          ticket.mayFinish = ticket.preemptions >= preemptionsMax
          how.preempted?.(now() - began)
        }
        return result
      }).pipe(Effect.ensuring(Effect.sync(() => leave(ticket))))

    const ticketOf = (lane: Lane, group: string, priority = 0): Ticket => ({
      lane,
      group,
      priority,
      since: now(),
      preemptions: 0,
      mayFinish: false,
      go: () => {},
      preempt: undefined,
    })

    return {
      hold: (lane, group, how = {}) =>
        Effect.gen(function* () {
          const ticket = ticketOf(lane, group)
          yield* Effect.addFinalizer(() => Effect.sync(() => leave(ticket)))
          yield* enterInTime(ticket, how.waitMillisMax)
        }),
      run: (lane, group, effect, how = {}) =>
        Effect.gen(function* () {
          const ticket = ticketOf(lane, group, how.priority)
          for (;;) {
            const done = yield* once(ticket, effect, how)
            if (done !== undefined) return done.result
          }
        }),
      counts: () => ({
        waiting: queues.interactive.length + queues.batch.length,
        running: running.size,
      }),
    }
  })
