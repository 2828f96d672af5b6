/** Memory over HTTP: its state, its policy simulated and chosen, its archive; long work answers with lines. */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import type { EventLog } from "../../actors/event-log.ts"
import * as folder from "../../adapters/archive-folder.ts"
import { Aios } from "../../projections/aios.ts"
import { aMail } from "../actors/company.ts"
import { memoryHouse } from "../projections/memory-world.ts"
import { epoch } from "../actors/house.ts"
import { type Door, doorTo, token } from "./doors.ts"

const day = 24 * 60 * 60 * 1000
const directory = mkdtempSync(join(tmpdir(), "aios-http-memory-"))

describe("memory", () => {
  let door: Door<EventLog | Aios>
  const linesOf = async (response: Response) =>
    (await response.text()).trimEnd().split("\n").map((line) => JSON.parse(line))
  const last = async (response: Response) => (await linesOf(response)).at(-1)
  beforeAll(async () => {
    // Something to remember is there before the door opens.
    const mails = Array.from(
      { length: 12 },
      (_, n) => aMail({ sentAt: epoch - (n < 6 ? n : 1_000) * day }),
    )
    const taken = Layer.effectDiscard(Effect.flatMap(Aios, (aios) => aios.intake(mails)))
    door = await doorTo(
      taken.pipe(
        Layer.provideMerge(memoryHouse({ clock: { now: epoch } })),
        Layer.provideMerge(folder.layer(directory)),
      ),
    )
  })
  afterAll(async () => {
    await door.close()
    rmSync(directory, { recursive: true })
  })

  test("is told with its tiers, and its policy with what it would do", async () => {
    const memory = await (await door.get("/api/memory")).json()
    expect(memory).toMatchObject({
      tiers: { hot: { items: 6 }, cold: { items: 6, archived: 0 } },
      policy: { version: 1 },
      lastNight: "no night yet",
      waits: [],
    })
    expect(await (await door.get("/api/memory/policy")).json())
      .toMatchObject({ applied: false, evict: 0, keep: 6 })
    expect(await (await door.get("/api/memory/summaries?state=refused")).json())
      .toEqual({ items: [] })
  })

  test("a policy is simulated, refused where it makes no sense, and chosen", async () => {
    const path = "/api/memory/policy"
    const simulated = await (await door.post(path, { set: { "hot.itemsMax": 2 } })).json()
    expect(simulated).toMatchObject({ applied: false, evict: 3, keep: 3, policy: { version: 2 } })
    expect((await (await door.get("/api/memory")).json()).policy.version).toBe(1)
    const refused = await door.post(path, { set: { "hot.itemMax": 2 } })
    expect(refused.status).toBe(422)
    expect((await refused.json()).detail).toContain("hot.itemsMax (now 20,000)")
    expect((await door.post(path, { apply: true })).status).toBe(400)
    const chosen = await door.post(path, { set: { "hot.daysMax": 300 }, apply: true })
    expect(await chosen.json()).toMatchObject({ applied: true, policy: { version: 2 } })
  })

  test("old items are archived and restored, with lines of progress", async () => {
    const dry = await door.post("/api/archive", { dryRun: true })
    expect(dry.headers.get("content-type")).toBe("application/x-ndjson")
    expect(await last(dry)).toMatchObject({ result: { items: 6, dryRun: true } })
    expect((await door.post("/api/archive", { days: 0 })).status).toBe(422)
    const lines = await linesOf(await door.post("/api/archive", {}))
    expect(lines[0].progress.total).toBe(6)
    const { segment } = lines.at(-1).result.segments[0]
    expect((await (await door.get("/api/archive")).json()).items)
      .toMatchObject([{ segment, ok: true, restored: false, items: 6 }])
    expect((await door.post("/api/archive/1-2/restore", {})).status).toBe(404)
    // There is nothing to send, so nothing need be sent; a form is refused all the same.
    const restore = (headers: Record<string, string>) =>
      door.raw(`/api/archive/${segment}/restore`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, ...headers },
      })
    expect((await restore({ "content-type": "application/x-www-form-urlencoded" })).status)
      .toBe(415)
    expect(await last(await restore({}))).toMatchObject({ result: { segment, restored: true } })
  })

  test("recall asks as of a day, an instant or a position, and says since when something is known", async () => {
    const asked = async (query: string) => {
      const response = await door.get(`/api/recall?q=offer${query}`)
      return { status: response.status, body: await response.json() }
    }
    const head = (await asked("")).body.position
    expect((await asked(`&at=${epoch}`)).body.position).toBeGreaterThan(0)
    expect((await asked(`&position=${head}`)).body.position).toBe(head)
    const before = await asked("&at=2020-01-31")
    expect(before.body).toMatchObject({ hits: [], position: -1 })
    expect(before.body.notes[0]).toMatch(/^Before \d+ \w+ \d{4} nothing was known/)
    expect((await asked("&at=2020-01-31T17:00:00Z")).body.position).toBe(-1)
    for (
      const query of [
        "&at=soon",
        "&at=9999-01-01",
        `&position=${head + 1_000}`,
        "&at=2020-01-31&position=0",
      ]
    ) {
      expect((await asked(query)).status).toBe(422)
    }
    const unknown = await asked("&persn=Ada")
    expect(unknown.status).toBe(400)
    expect(unknown.body.detail).toContain('"persn"')
    expect(unknown.body.detail).toContain("q, person, at, position")
  })

  test("a summary that is not there cannot be taken back", async () => {
    const refused = await door.post("/api/memory/summaries/ffffffff/withdraw", { reason: "wrong" })
    expect(refused.status).toBe(404)
    expect((await door.post("/api/memory/summaries/ffffffff/withdraw", {})).status).toBe(400)
  })
})
