/** Events and batches of appends for the suites of the log, usual and unusual in shape. */
import type { Append, Metadata, NewEvent } from "../../actors/event-log.ts"
import { mintId } from "../../actors/ids.ts"
import type { Dice } from "../seeded.ts"

export const story = "0192f0c1-2233-7abc-8def-001122334455"

let made = 0
export const anEvent = (
  parts: Partial<Omit<NewEvent, "metadata">> & { metadata?: Partial<Metadata> } = {},
): NewEvent => ({
  id: mintId(1_790_000_000_000 + made++),
  type: "LeadReplied",
  data: { n: made },
  ...parts,
  metadata: { at: 1_790_000_000_000, $correlationId: story, ...parts.metadata },
})
export const events = (count: number): ReadonlyArray<NewEvent> =>
  Array.from({ length: count }, () => anEvent())

const maybe = (dice: Dice, part: Partial<Metadata>) => dice.chance() ? part : {}

/** Metadata with any of its optional parts, some of shapes that nobody should write but somebody may. */
const metadata = (dice: Dice, id: string): Metadata => ({
  at: dice.pick([0, 1, 1_790_000_000_000, 2 ** 48 - 1, 2 ** 48, -1, 1.5]),
  $correlationId: dice.pick([story, id, "no uuid", story.toUpperCase()]),
  ...maybe(dice, { occurredAt: dice.pick([0, 981_173_106_000, -981_173_106_000]) }),
  ...maybe(dice, { $causationId: dice.pick([story, "", dice.text()]) }),
  ...maybe(dice, {
    chart: { name: dice.text(), version: dice.below(300), hash: "00ff00ff00ff00ff" },
  }),
  ...maybe(dice, {
    asks: dice.pick([[], [{ ask: "timer", name: dice.text(), due: 1, event: { type: "Due" } }]]),
  }),
  ...maybe(dice, { state: dice.pick(["0123456789abcdef", "0123456789ABCDEF", "short"]) }),
  ...maybe(dice, { value: dice.pick(["warm", "", { open: { payment: "due" }, other: "x" }]) }),
  ...maybe(dice, { status: dice.pick(["done", "error", "stopped"]) }),
  ...maybe(dice, { actor: dice.pick(["operator", "lead-1", "unknown-stream", dice.text()]) }),
  ...maybe(dice, {
    traceparent: dice.pick([
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
      dice.text(),
    ]),
  }),
})

export const anyEvent = (dice: Dice, texts: "any" | "protocol" = "any"): NewEvent => {
  const id = texts === "any" && dice.below(20) === 0
    ? `id ${made++} ${dice.pick([dice.text(), "\ud800", "\u0000x"])}`
    : anEvent().id
  return {
    id,
    type: dice.pick(["LeadReplied", dice.text()]),
    data: dice.pick([
      null,
      0,
      1e300,
      "",
      dice.text(),
      "\ud800 alone",
      "\u0000",
      [],
      {},
      { [dice.text()]: [dice.text(), { deep: [null, true, -0.5] }] },
    ]),
    metadata: metadata(dice, id),
  }
}

export const streamNames = (
  dice: Dice,
  texts: "any" | "protocol" = "any",
): ReadonlyArray<string> => [
  "lead-1",
  "lead-2",
  "lead",
  "lead-",
  "-x",
  "invoice-ä€😀",
  "a'b\"c-%_",
  "nul-\u0000x",
  ...texts === "any" ? ["lone-\ud800", "lone-\udfff"] : [],
  `lead-${dice.text()}`,
]

/** A batch that an eager caller may send: fresh, stale, repeated and half repeated appends. */
export const anyBatch = (
  dice: Dice,
  streams: ReadonlyArray<string>,
  headOf: (stream: string) => number,
  known: ReadonlyArray<Append>,
  texts: "any" | "protocol" = "any",
): ReadonlyArray<Append> => {
  const heads = new Map<string, number>()
  const batch: Array<Append> = []
  for (let n = dice.below(6); n >= 0; n--) {
    const old = known.length > 0 ? dice.pick(known) : undefined
    const stream = dice.pick(streams)
    const head = heads.get(stream) ?? headOf(stream)
    const fresh = Array.from({ length: dice.below(4) }, () => anyEvent(dice, texts))
    switch (dice.below(8)) {
      case 0:
        batch.push({ stream, expected: head + dice.pick([-2, -1, 1, 5]), events: fresh })
        break
      case 1:
        // The same again, whatever it expects now.
        if (old !== undefined) batch.push({ ...old, expected: dice.pick([old.expected, head]) })
        break
      case 2:
        if (old !== undefined) {
          batch.push({ ...old, expected: head, events: [...old.events, ...fresh] })
        }
        break
      case 3:
        // Known ids in another stream are other events.
        if (old !== undefined) batch.push({ ...old, stream, expected: head })
        break
      case 4:
        if (fresh[0] !== undefined) {
          batch.push({ stream, expected: head, events: [fresh[0], fresh[0]] })
        }
        break
      default:
        batch.push({ stream, expected: head, events: fresh })
        heads.set(stream, head + fresh.length)
    }
  }
  return batch
}
