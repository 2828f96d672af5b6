/**
 * What an actor has heard from others: per sending stream the last ask, so that nothing is heard twice,
 * and an order-free digest of all, so that the cost of an event does not grow with the senders.
 */
import { HashMap, Option } from "effect"
import { hash64 } from "./canonical.ts"

interface Told {
  readonly metadata: { readonly actor?: string; readonly ask?: string }
}

/** Whether ask `<revision>.<place>` comes after another of the same stream. */
export const isLater = (ask: string, than: string): boolean => {
  const [revision, place] = ask.split(".").map(Number)
  const [lastRevision, lastPlace] = than.split(".").map(Number)
  return revision! > lastRevision! || (revision === lastRevision && place! > lastPlace!)
}

/** What was heard once `event` is, and its digest. */
export const hear = (
  heard: HashMap.HashMap<string, string>,
  digest: readonly [number, number],
  event: Told,
): [HashMap.HashMap<string, string>, readonly [number, number]] => {
  const { actor, ask } = event.metadata
  if (actor === undefined || ask === undefined) return [heard, digest]
  const before = HashMap.get(heard, actor)
  const [a, b] = Option.isSome(before) ? lanes(actor, before.value) : [0, 0]
  const [c, d] = lanes(actor, ask)
  return [
    HashMap.set(heard, actor, ask),
    [(digest[0] - a + c) | 0, (digest[1] - b + d) | 0],
  ]
}
const lanes = (actor: string, ask: string): [number, number] => {
  const hash = hash64(`${actor}/${ask}`)
  return [parseInt(hash.slice(0, 8), 16) | 0, parseInt(hash.slice(8), 16) | 0]
}
