/**
 * Runs one script through our kernel and through `createActor` with a simulated clock, and compares both
 * after every step; then replays the recorded events, also through persist and restore, and compares every
 * state hash and every ask.
 */
import { createActor, SimulatedClock } from "xstate"
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, EventObject } from "xstate"
import { expect } from "vitest"
import { define, fold, persist, restore } from "../../actors/kernel.ts"
import type { ActorState } from "../../actors/kernel.ts"
import type { Json } from "../../machines/agent.ts"
import { createHost, type Host } from "./host.ts"
import { forgetTasks, type Move, started } from "./task.ts"

/** Without what differs on purpose: how an actor's address is written, and what JSON does not keep. */
const plain = (value: unknown, self: string): unknown =>
  value === undefined ? undefined : JSON.parse(
    JSON.stringify(value, (_, item) => {
      if (item instanceof Error) return { name: item.name, message: item.message }
      if (typeof item !== "object" || item === null) return item
      if ("xstate$$type" in item || "$ref" in item) {
        return { ref: item.id === self ? "self" : item.id }
      }
      return item
    }),
  )

const describeSnapshot = (snapshot: AnyMachineSnapshot, self: string) => ({
  status: snapshot.status,
  value: snapshot.value,
  context: plain(snapshot.context, self),
  output: plain(snapshot.output, self),
  error: snapshot.error === undefined ? undefined : plain(snapshot.error, self),
  tags: [...snapshot.tags].sort(),
  meta: snapshot.getMeta(),
})

/** An actor of XState and its children, as data. What an ended actor leaves behind does not count. */
const describeActor = (actor: AnyActorRef, self: string): unknown => {
  const snapshot: AnyMachineSnapshot = actor.getSnapshot()
  const children: ReadonlyArray<[string, AnyActorRef]> = snapshot.status === "active"
    ? Object.entries(snapshot.children as Record<string, AnyActorRef>)
    : []
  return {
    ...describeSnapshot(snapshot, self),
    children: Object.fromEntries(
      children.map(([id, child]) => [
        id,
        "machine" in child.getSnapshot() ? describeActor(child, self) : "activity",
      ]),
    ),
  }
}
const describeOurs = (host: Host, state: ActorState): unknown => ({
  ...describeSnapshot(state.snapshot, host.name),
  children: Object.fromEntries(
    Object.entries(state.children).filter(([, child]) => child.id === undefined).map((
      [id, { to }],
    ) => [
      id,
      to === undefined ? "activity" : describeOurs(host, host.streams.get(to)!.state!),
    ]),
  ),
})

/** A guard that throws takes the event and ends the actor. */
const mayTake = (snapshot: AnyMachineSnapshot, event: EventObject): boolean => {
  try {
    return snapshot.can(event)
  } catch {
    return true
  }
}

/** Promise logic needs a few turns of the microtask queue to tell its parent. */
const settledSoon = async () => {
  for (let n = 0; n < 12; n++) await undefined
}

export interface Options {
  readonly input?: Json
  /** Compare with `createActor`; false for what differs on purpose. */
  readonly compare?: boolean
  /** Chooses the next move while it runs; `undefined` ends the run. */
  readonly next?: (run: { readonly host: Host; readonly n: number }) => Move | undefined
}

/** Runs, compares, replays. Gives the host, for what a test wants to see besides. */
export const compare = async (
  machine: AnyStateMachine,
  script: ReadonlyArray<Move>,
  options: Options = {},
): Promise<Host> => {
  // XState warns of events for actors that have ended, which the scripts send on purpose.
  const { warn } = console
  console.warn = () => {}
  try {
    return await run(machine, script, options)
  } finally {
    console.warn = warn
  }
}

const run = async (
  machine: AnyStateMachine,
  script: ReadonlyArray<Move>,
  options: Options,
): Promise<Host> => {
  const host = createHost(define(machine, { name: machine.id.replace(/[^A-Za-z]/g, "") || "it" }))
  const withXState = options.compare ?? true
  forgetTasks()
  const clock = new SimulatedClock()
  /** What fires sets timers that are due at once, which one look at the clock would miss. */
  const advance = (to: number) => {
    for (let n = 0; n < 10; n++) clock.set(to)
  }
  const emitted: Array<unknown> = []
  const actor = createActor(machine, {
    clock,
    logger: () => {},
    ...(options.input === undefined ? {} : { input: options.input }),
  })
  if (withXState) {
    actor.subscribe({ error: () => {} })
    actor.on("*", (event: unknown) => emitted.push(event))
    actor.start()
    await settledSoon()
  }
  host.start(options.input)
  const history: Array<unknown> = ["start"]
  const check = () => {
    if (!withXState) return
    const after = `after ${JSON.stringify(history)}`
    expect(describeOurs(host, host.state), after).toEqual(describeActor(actor, actor.id))
    expect(host.emitted, `emitted ${after}`).toEqual(plain(emitted, actor.id))
    expect(
      host.activities.map(({ src, input }) => ({ src, input: input ?? undefined })),
      `activities ${after}`,
    ).toEqual(started.map(({ name, input }) => ({ src: name, input: plain(input, actor.id) })))
  }
  check()
  let now = 0
  for (let n = 0;; n++) {
    const move = options.next ? options.next({ host, n }) : script[n]
    if (move === undefined) break
    history.push(move)
    if (move.wait !== undefined) {
      const until = now + move.wait
      // XState's clock jumps, so it is led from one due timer to the next.
      while (host.nextDue() <= until) {
        now = Math.max(now, host.nextDue())
        if (withXState) advance(now)
        host.fireDue(now)
      }
      now = until
      if (withXState) advance(now)
      host.fireDue(now)
    } else if (move.type === undefined) {
      const name = move.done ?? move.fail
      const nth = move.nth ?? 0
      const ours = host.activities.filter((one) => one.src === name && !one.settled)[nth]
      const theirs = started.filter((one) => one.name === name && !one.settled)[nth]
      if (ours === undefined) throw new Error(`no ${name} was asked for ${JSON.stringify(history)}`)
      const error = move.fail === undefined ? undefined : new Error(move.message ?? "it failed")
      if (theirs !== undefined) {
        theirs.settled = true
        if (error) theirs.reject(error)
        else theirs.resolve(move.output)
        await settledSoon()
      }
      host.settle(
        ours,
        error ? { error } : move.output === undefined ? {} : { output: move.output },
      )
    } else {
      const event: EventObject = { ...move, type: move.type }
      if (withXState) {
        const before: AnyMachineSnapshot = actor.getSnapshot()
        const active = before.status === "active"
        const can = active && mayTake(before, event)
        if (active) actor.send(event)
        await settledSoon()
        // An `always` may look at an event that no other transition takes.
        const taken = can || actor.getSnapshot() !== before
        expect(host.send(event), `accepted ${JSON.stringify(history)}`).toBe(taken)
      } else host.send(event)
    }
    check()
  }
  if (withXState) actor.stop()
  replay(host)
  return host
}

/** Every stream again, from its events alone; and again with the state stored and loaded at each step. */
export const replay = (host: Host): void => {
  for (const [stream, { chart, events }] of host.streams) {
    for (const stored of [false, true]) {
      let state: ActorState | undefined
      events.forEach(({ asks, hash, ...event }, revision) => {
        if (stored && state !== undefined) {
          const restored = restore(chart, JSON.parse(JSON.stringify(persist(state))))
          expect(restored.hash, `restored ${stream} before ${revision}`).toBe(state.hash)
          state = restored
        }
        const step = fold(chart, state, event, stream)
        const where = `${stream}/${revision} ${event.type}${stored ? " (stored)" : ""}`
        expect(step.accepted, `${where} accepted`).toBe(true)
        expect(step.asks, `${where} asks`).toEqual(asks)
        expect(step.state?.hash, `${where} hash`).toBe(hash)
        state = step.state
      })
    }
  }
}
