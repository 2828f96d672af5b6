/** The door of a real `aios start`: its port, its token, the link it prints, and its end. */
import { afterEach, expect, test } from "vitest"
import { readFileSync, statSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"
import process from "node:process"
import { ended, type Home, home, run, start } from "../cli/aios.ts"

const homes: Array<Home> = []
const ends: Array<() => void> = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
  for (const one of homes.splice(0)) one.remove()
})
const newHome = () => {
  const one = home()
  homes.push(one)
  return one
}

interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

const send = (
  url: string,
  options: { readonly method?: string; readonly headers?: Record<string, string>; body?: string } =
    {},
): Promise<Got> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method: options.method ?? "GET", headers: options.headers ?? {} })
    sent.on("response", (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (text) => body += text)
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    sent.on("error", reject)
    sent.end(options.body)
  })

/** `aios start`, once it has said where it is. */
const up = (one: Home, env: Record<string, string> = {}) => {
  const child = start(["start", "--port", "0", "--data-dir", one.dir], {
    env: { AIOS_NOW: "2026-11-24T07:00:00Z", ...env },
  })
  ends.push(() => child.kill("SIGKILL"))
  const link = new Promise<string>((resolve, reject) => {
    let all = ""
    child.stderr?.setEncoding("utf8").on("data", (text) => {
      all += text
      const found = /http:\/\/127\.0\.0\.1:\d+\/enter\?code=\S+/.exec(all)?.[0]
      if (found !== undefined && all.includes("Ready")) resolve(found)
    })
    child.on("close", () => reject(new Error(all)))
  })
  return { child, link, end: ended(child) }
}

test("start serves the API and the page, lets a browser in by its link, and ends in order", async () => {
  const one = newHome()
  const { child, end, link } = up(one)
  const url = new URL(await link)
  const token = readFileSync(join(one.dir, "token"), "utf8").trim()
  expect(statSync(join(one.dir, "token")).mode & 0o777).toBe(0o600)
  expect(JSON.parse((await send(`${url.origin}/livez`)).body)).toEqual({ ok: true })
  expect((await send(`${url.origin}/api/brief`)).status).toBe(401)
  const authorization = `Bearer ${token}`
  const brief = await send(`${url.origin}/api/brief`, { headers: { authorization } })
  expect(JSON.parse(brief.body)).toMatchObject({ date: "2026-11-24" })

  const code = url.searchParams.get("code")!
  expect((await send(url.href)).body).toContain(code)
  const entered = await send(`${url.origin}/enter`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: url.origin },
    body: new URLSearchParams({ code }).toString(),
  })
  expect(entered.status).toBe(303)
  const cookie = String(entered.headers["set-cookie"]).split(";")[0]!
  const page = await send(`${url.origin}/`, { headers: { cookie } })
  expect([page.status, page.body.includes("Tuesday 24 November")]).toEqual([200, true])

  // What another command does is seen here, and an open stream does not hold up the end.
  const stream = request(`${url.origin}/api/events/stream`, { headers: { authorization } })
  const seen = new Promise<string>((resolve) => {
    stream.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk
        if (text.includes("SettingsRecorded")) resolve(text)
      })
    })
  })
  stream.on("error", () => {})
  stream.end()
  await new Promise((then) => setTimeout(then, 300))
  await one.json("settings", "--name", "Mara")
  expect(await seen).toMatch(/id: \d+\ndata: \{/)
  process.kill(child.pid!, "SIGTERM")
  expect((await end).code).toBe(0)
})

test("AIOS_TOKEN is the token; a taken port is told with what to do", async () => {
  const one = newHome()
  const token = "a-token-of-ones-own"
  const { link } = up(one, { AIOS_TOKEN: token })
  const { origin, port } = new URL(await link)
  const headers = { authorization: `Bearer ${token}` }
  expect((await send(`${origin}/readyz`, { headers })).status).toBe(200)
  const other = newHome()
  const second = await run(["start", "--port", port, "--data-dir", other.dir])
  expect([second.code, second.err]).toEqual([78, expect.stringContaining(`Port ${port} is taken`)])
  expect(second.err).toContain("--port 0")
  const wrong = await run(["start", "--port", "99999", "--data-dir", other.dir])
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("99999 is no port")])
})
