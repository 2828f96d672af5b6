/** The list of groups as the log keeps it: what is written reads back, and so does what a server wrote. */
import { describe, expect, it } from "vitest"
import {
  configurationOf,
  entriesIn,
  flawIn,
  type GroupEntry,
  type GroupSettings,
  placeIn,
  placeOf,
  placeText,
  strategyNames,
} from "../../http/log-door/persistent-settings.ts"
import { seeded } from "../seeded.ts"

const settings: GroupSettings = {
  resolveLinks: false,
  extraStatistics: false,
  startFrom: 0,
  messageTimeout: 30_000,
  checkpointAfter: 2_000,
  minCheckpointCount: 10,
  maxCheckpointCount: 1_000,
  maxRetryCount: 10,
  maxSubscriberCount: 0,
  liveBufferSize: 500,
  readBatchSize: 20,
  historyBufferSize: 500,
  strategy: "RoundRobin",
}
const throughTheLog = (entries: ReadonlyArray<GroupEntry>) =>
  entriesIn(JSON.parse(JSON.stringify(configurationOf(entries, "admin", 0))))

describe("the list of groups", () => {
  it("reads back as it was written", () => {
    const dice = seeded()
    const entries = Array.from({ length: 200 }, (): GroupEntry => {
      const isAll = dice.chance()
      const startFrom = dice.pick([-1, 0, 1, 12])
      return {
        stream: isAll ? "$all" : dice.text(),
        group: dice.text(),
        ...(isAll && dice.chance()
          ? {
            filter: dice.pick(
              [
                { on: "stream", prefixes: ["a,b", "c"] },
                { on: "type", prefixes: ["a", "b"] },
                { on: "type", regex: "^a,?" },
              ] as const,
            ),
          }
          : {}),
        ...(startFrom < 0 ? { origin: dice.below(3) } : {}),
        settings: {
          ...settings,
          startFrom,
          ...(isAll && startFrom > 1 ? { prepareFrom: 11 } : {}),
          resolveLinks: dice.chance(),
          extraStatistics: dice.chance(),
          maxRetryCount: dice.below(3),
          maxSubscriberCount: dice.below(2),
          strategy: dice.pick(strategyNames),
        },
      }
    })
    expect(throughTheLog(entries)).toEqual(entries)
  })

  it("has the server's words, without what is at its default", () => {
    const filter = { on: "stream", prefixes: ["a", "b"] } as const
    expect(
      configurationOf([{ stream: "$all", group: "g", filter, settings }], "ann", 0),
    ).toEqual({
      version: "2",
      updated: "1970-01-01T00:00:00.000Z",
      updatedBy: "ann",
      entries: [{
        stream: "$all",
        group: "g",
        filter: { context: "streamid", type: "prefix", data: "a,b", isAllStream: true },
        startPosition: "C:0/P:0",
        messageTimeout: 30_000,
        checkPointAfter: 2_000,
        minCheckPointCount: 10,
        maxCheckPointCount: 1_000,
        maxRetryCount: 10,
        liveBufferSize: 500,
        readBatchSize: 20,
        historyBufferSize: 500,
        namedConsumerStrategy: "RoundRobin",
      }],
    })
  })

  it("of the first version, and nonsense, do not stop it", () => {
    const entries = entriesIn({
      version: "1",
      entries: [
        { stream: "a-1", group: "old", startFrom: 5, preferRoundRobin: true },
        { stream: "a-1", group: "older", startFrom: -1 },
        { group: "no stream" },
        17,
        null,
      ],
    })
    expect(
      entries.map(({ group, settings: { startFrom, strategy } }) => [group, startFrom, strategy]),
    )
      .toEqual([["old", 5, "RoundRobin"], ["older", -1, "DispatchToSingle"]])
    for (const nonsense of [undefined, null, 1, "x", [], { entries: {} }]) {
      expect(entriesIn(nonsense)).toEqual([])
    }
  })
})

describe("places", () => {
  it("are told as the server tells them", () => {
    for (const [stream, place, text] of [["a", 12, "12"], ["a", -1, "-1"]] as const) {
      expect(placeText(stream, place)).toBe(text)
      expect(placeIn(text)).toEqual({ place, prepare: place })
    }
    expect(placeText("$all", 12, 10)).toBe("C:12/P:10")
    expect(placeIn("C:12/P:10")).toEqual({ place: 12, prepare: 10 })
    expect(placeIn("C:-1/P:-1")).toEqual({ place: -1, prepare: -1 })
    expect(placeIn("twelve")).toBeUndefined()
    expect(placeOf("18446744073709551615")).toBe(-1)
    expect(placeOf("9223372036854775807")).toBe(Number.MAX_SAFE_INTEGER)
  })

  it("beyond the log, and settings that do not fit, are flaws", () => {
    const flaw = (changes: Partial<GroupSettings>, stream = "$all") =>
      flawIn({ stream, group: "g", settings: { ...settings, ...changes } }, 100)
    expect(flaw({})).toBeUndefined()
    expect(flaw({ startFrom: 100 })).toBeUndefined()
    expect(flaw({ startFrom: -1 })).toBeUndefined()
    expect(flaw({ startFrom: 1_000 }, "a-1")).toBeUndefined()
    expect(flaw({ startFrom: 101 })).toMatch(/last commit position/)
    expect(flaw({ startFrom: 5, prepareFrom: 6 })).toMatch(/prepare position must be less/)
    expect(flaw({ startFrom: 5, prepareFrom: -1 })).toMatch(/both equal to -1/)
    expect(flaw({ strategy: "Random" })).toBe("Consumer strategy Random does not exist.")
    expect(flaw({ readBatchSize: 500 })).toMatch(/ReadBatchSize/)
  })
})
