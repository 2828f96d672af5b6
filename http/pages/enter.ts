/**
 * The way in for a browser. The link that `aios start` prints is opened with GET, which changes nothing: a
 * preview or prefetch cannot use it up. The page posts the code, by its script or by its button, and gets
 * the session's cookie for it. Whoever has the token may type it instead.
 */
import { Effect } from "effect"
import type { Hono } from "hono"
import { limitedText } from "../body.ts"
import { cookieName, type Gate } from "../guard.ts"
import type { Guarded } from "../route.ts"
import { html, nothing } from "./html.ts"
import { page } from "./layout.ts"
import { respond } from "./respond.ts"

/** Pages that ask for no session. */
export const openPages = ["/enter"]

const codeCharsMax = 512

const enterPage = (code: string, wrong: boolean): string =>
  page(
    undefined,
    { title: "Open AIOS", script: "enter.js" },
    html`<main id="main"><h1>AIOS</h1>${
      wrong
        ? html`
          <p class="wrong"
            role="alert">This link was used already, or is older than 10 minutes. Start AIOS again for a new one, or enter the token.</p>
        `
        : nothing
    }${
      code === ""
        ? html`
          <p
            class="lede">Open the link that <code>aios start</code> printed, or enter the token: it is in the file <code>token</code> in the data directory.</p>
          <form method="post"
            action="/enter"><label>Token <input type="password" name="code" id="code" required autocomplete="current-password" maxlength="${codeCharsMax}"></label> <button class="primary">Open</button></form>
        `
        : html`
          <p class="lede">This browser will stay signed in to this AIOS for 30 days.</p>
          <form method="post" action="/enter"
            id="enter"><input type="hidden" name="code" value="${code}"><button class="primary">Open AIOS</button></form>
        `
    }</main>`,
  )

export const enter = (hono: Hono, gate: Gate, guarded: Guarded): void => {
  hono.get(
    "/enter",
    guarded((c) => {
      const code = (c.req.query("code") ?? "").slice(0, codeCharsMax)
      return respond(enterPage(code, false))
    }),
  )
  hono.post(
    "/enter",
    guarded(async (c) => {
      const text = await Effect.runPromise(Effect.orElseSucceed(limitedText(c.req.raw), () => ""))
      const code = (new URLSearchParams(text).get("code") ?? "").trim().slice(0, codeCharsMax)
      const session = gate.keys.redeem(code)
      if (session === undefined) return respond(enterPage("", true), 403)
      const port = gate.port()
      return new Response(null, {
        status: 303,
        headers: {
          location: "/",
          "cache-control": "no-store",
          "set-cookie": `${
            cookieName(port)
          }=${session}; Path=/; Max-Age=${gate.keys.sessionSeconds}; HttpOnly; SameSite=Strict`,
        },
      })
    }),
  )
}
