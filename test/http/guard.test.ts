/** Who is let in: token, session, one-time link, Host and Origin; and that looking changes nothing. */
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { EventLog } from "../../actors/event-log.ts"
import { bodyBytesMax } from "../../http/body.ts"
import { keysOf, tokenOf } from "../../http/keys.ts"
import { makeMeter } from "../../http/meter.ts"
import { routesOf } from "../../http/routes.ts"
import { serveOn } from "../../http/server.ts"
import { aiosHouse } from "../projections/aios-house.ts"
import { type Door, doorTo, origin, port, token } from "./doors.ts"

let door: Door<EventLog>
beforeEach(async () => {
  door = await doorTo(aiosHouse())
})
afterEach(() => door.close())

const problemOf = async (response: Response) => {
  expect(response.headers.get("content-type")).toBe("application/problem+json")
  const body = await response.json()
  expect(body).toMatchObject({ status: response.status, detail: expect.any(String) })
  return body
}

describe("the token", () => {
  test("nothing but /livez is open", async () => {
    for (const { method, path } of routesOf(makeMeter())) {
      const response = await door.raw(path.replace("{.+}", ""), { method: method.toUpperCase() })
      expect([path, response.status]).toEqual([path, path === "/livez" ? 200 : 401])
    }
    const refused = await door.raw("/api/brief")
    expect(refused.headers.get("www-authenticate")).toContain("Bearer")
    expect(await problemOf(refused)).toMatchObject({ error: "TokenWanted" })
  })

  test("a wrong one, a part of it and none are the same", async () => {
    for (const given of ["Bearer wrong", `Bearer ${token.slice(0, -1)}`, "Bearer ", token]) {
      const response = await door.raw("/api/agents", { headers: { authorization: given } })
      expect(response.status).toBe(401)
    }
    expect((await door.get("/api/agents")).status).toBe(200)
    expect(
      (await door.raw("/api/agents", { headers: { authorization: `bearer ${token}` } })).status,
    )
      .toBe(200)
  })

  test("is made once, for its owner only; a given one must not be guessable", () => {
    const folder = mkdtempSync(join(tmpdir(), "aios-token-"))
    try {
      const made = tokenOf(folder, undefined)
      expect(Buffer.from(made, "base64url")).toHaveLength(32)
      expect(statSync(join(folder, "token")).mode & 0o777).toBe(0o600)
      expect(tokenOf(folder, undefined)).toBe(made)
      expect(readFileSync(join(folder, "token"), "utf8").trim()).toBe(made)
      expect(tokenOf(folder, "given by the user".replaceAll(" ", "-"))).toBe("given-by-the-user")
      expect(() => tokenOf(folder, "short")).toThrow("AIOS_TOKEN")
      writeFileSync(join(folder, "token"), "")
      expect(() => tokenOf(folder, undefined)).toThrow("holds no token")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe("Host and Origin", () => {
  test("a name that only points here is refused, whatever it brings", async () => {
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1", "127.0.0.1:1", ""]) {
      const response = await door.get("/livez", { host })
      expect([host, response.status]).toEqual([host, 421])
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) {
      expect((await door.get("/api/agents", { host })).status).toBe(200)
    }
  })

  test("changes are not taken from other sites", async () => {
    const path = "/api/approvals/123456/approve"
    for (
      const headers of [
        { origin: "http://evil.example" },
        { origin: "null" },
        { origin: `http://127.0.0.1:1` },
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
      ]
    ) {
      const response = await door.post(path, {}, headers)
      expect(await problemOf(response)).toMatchObject({ status: 403, error: "OtherOrigin" })
    }
    expect((await door.post(path, {}, { origin })).status).toBe(404)
    expect((await door.post(path, {})).status).toBe(404)
  })

  test("nothing is shared with other origins", async () => {
    const response = await door.raw("/api/brief", {
      method: "OPTIONS",
      headers: { origin: "http://evil.example", "access-control-request-method": "GET" },
    })
    expect(response.status).toBe(401)
    expect(response.headers.get("access-control-allow-origin")).toBe(null)
  })
})

describe("a browser", () => {
  const enter = async (code: string, headers: Record<string, string> = { origin }) =>
    await door.raw("/enter", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: new URLSearchParams({ code }).toString(),
    })
  const cookieOf = (response: Response) =>
    (response.headers.get("set-cookie") ?? "").split(";")[0] ?? ""

  test("comes in by a link, once; getting it uses nothing up", async () => {
    const code = door.keys.link()
    for (let i = 0; i < 3; i++) {
      const seen = await door.raw(`/enter?code=${code}`)
      expect(await seen.text()).toContain(code)
      expect(seen.headers.get("set-cookie")).toBe(null)
    }
    const entered = await enter(code)
    expect([entered.status, entered.headers.get("location")]).toEqual([303, "/"])
    expect(entered.headers.get("set-cookie")).toMatch(/HttpOnly; SameSite=Strict$/)
    const cookie = cookieOf(entered)
    expect((await door.raw("/api/agents", { headers: { cookie } })).status).toBe(200)
    expect((await enter(code)).status).toBe(403)
    expect((await enter("guessed")).status).toBe(403)
    expect((await enter(door.keys.link(), { origin: "http://evil.example" })).status).toBe(403)
  })

  test("a session is signed: other words, another token, and its end are refused", async () => {
    const cookie = cookieOf(await enter(token))
    const [name, session] = cookie.split("=") as [string, string]
    expect(door.keys.isSession(session)).toBe(true)
    expect(keysOf("another token, of another AIOS").isSession(session)).toBe(false)
    const [ends, ...rest] = session.split(".")
    const longer = [`${ends}0`, ...rest].join(".")
    for (const given of [`${name}=${longer}`, `${name}=`, `aios_session_1=${session}`]) {
      expect((await door.raw("/api/agents", { headers: { cookie: given } })).status).toBe(401)
    }
  })

  test("a change by session needs its Origin, and a form the word of its session", async () => {
    const cookie = cookieOf(await enter(token))
    const form = (word: string, headers: Record<string, string>) =>
      door.raw("/approvals/123456/approve", {
        method: "POST",
        headers: { cookie, "content-type": "application/x-www-form-urlencoded", ...headers },
        body: new URLSearchParams({ word }).toString(),
      })
    const word = door.keys.formWord(cookie.slice(cookie.indexOf("=") + 1))
    expect((await form(word, {})).status).toBe(403)
    expect(await (await form("wrong", { origin })).text()).toContain("of another session")
    const taken = await form(word, { origin })
    expect(taken.status).toBe(404)
    expect(await taken.text()).toContain("There is no approval 123456")
  })

  test("without a session is shown the way in", async () => {
    const response = await door.raw("/", { headers: { accept: "text/html" } })
    expect([response.status, response.headers.get("location")]).toEqual([303, "/enter"])
    expect(await (await door.raw("/enter")).text()).toContain("enter the token")
  })
})

describe("requests", () => {
  test("bodies are JSON, and no larger than an event", async () => {
    const path = "/api/agents/lead/one/events"
    const sent = (headers: Record<string, string>, body: string) =>
      door.raw(path, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, ...headers },
        body,
      })
    expect((await sent({ "content-type": "text/plain" }, "{}")).status).toBe(415)
    expect((await sent({ "content-type": "application/json" }, "{")).status).toBe(400)
    const large = JSON.stringify({ type: "x".repeat(bodyBytesMax) })
    expect(await problemOf(await sent({ "content-type": "application/json" }, large)))
      .toMatchObject({ status: 413 })
    expect(await problemOf(await sent({ "content-type": "application/json" }, '{"type":1}')))
      .toMatchObject({ status: 400, error: "InvalidRequest" })
  })

  test("other methods and other places are told so", async () => {
    const wrong = await door.get("/api/approvals/123456/approve")
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"])
    expect(await problemOf(await door.get("/api/nothing"))).toMatchObject({ status: 404 })
    expect((await door.post("/aios/approvals", [])).status).toBe(404)
  })

  test("GET and HEAD change nothing", async () => {
    const head = door.run(Effect.flatMap(EventLog, (log) => log.head))
    for (const { method, path } of routesOf(makeMeter())) {
      if (method !== "get" || path.endsWith("/stream")) continue
      await (await door.get(path.replace(/:\w+(\{[^}]*\})?/g, "one"))).text()
    }
    for (const path of ["/", "/agents", "/people", "/reports", "/enter?code=x"]) {
      await (await door.get(path)).text()
    }
    expect(await door.run(Effect.flatMap(EventLog, (log) => log.head))).toBe(await head)
    const response = await door.raw("/api/brief", {
      method: "HEAD",
      headers: { authorization: `Bearer ${token}` },
    })
    expect([response.status, await response.text()]).toEqual([200, ""])
  })
})

test("a port that is taken is named, with what to do", async () => {
  const other = createServer()
  await new Promise<void>((then) => other.listen(0, "127.0.0.1", then))
  const address = other.address()
  const taken = typeof address === "object" && address !== null ? address.port : 0
  const failure = await Effect.runPromise(
    Effect.flip(serveOn({ fetch: () => new Response() }, taken)).pipe(Effect.scoped),
  )
  other.close()
  expect(failure).toMatchObject({ kind: "configuration", error: "PortUnavailable" })
  expect(failure.message).toContain(`Port ${taken} is taken`)
  expect(failure.message).toContain("--port 0")
})
