/**
 * Tells an actor that something it had taken back was under way already and has happened: the kernel
 * hears no outcome of what was stopped, and without this the same thing could be asked for again.
 */
import { Effect } from "effect"
import type { Json } from "../../machines/agent.ts"
import { ActorSystem } from "../actor-system.ts"
import { derivedId } from "../ids.ts"

interface Happened {
  readonly id: string
  readonly stream: string
  readonly ask: { readonly input?: Json }
  readonly declaration: { readonly name: string }
  readonly causation: string
  readonly correlation: string
}

/** Whoever knows no such event does not hear it: that is the same as before. */
export const tellHappened = (
  { ask, causation, correlation, declaration, id, stream }: Happened,
): Effect.Effect<void, never, ActorSystem> =>
  Effect.flatMap(ActorSystem, (system) =>
    system.propose(stream, {
      type: "WorkHappened",
      activity: declaration.name,
      input: ask.input ?? null,
    }, { id: derivedId(`happened:${id}`), actor: "activity", causation, correlation })).pipe(
      Effect.catch((refusal) => Effect.logWarning(`${id} has happened: ${refusal.message}`)),
      Effect.asVoid,
    )
