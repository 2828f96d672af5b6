/** The pages' style sheet and scripts, as they lie in http/assets: there is no build step. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Hono } from "hono"
import type { Guarded } from "../route.ts"

const types = {
  "aios.css": "text/css; charset=utf-8",
  "aios.js": "text/javascript; charset=utf-8",
  "morph.js": "text/javascript; charset=utf-8",
  "enter.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const

export const assets = (hono: Hono, guarded: Guarded): void => {
  for (const [name, type] of Object.entries(types)) {
    const bytes = readFileSync(new URL(`../assets/${name}`, import.meta.url))
    const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"`
    const headers = {
      "content-type": type,
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
      etag,
    }
    hono.get(
      `/assets/${name}`,
      guarded((c) =>
        c.req.header("if-none-match") === etag
          ? new Response(null, { status: 304, headers })
          : new Response(new Uint8Array(bytes), { headers })
      ),
    )
  }
}
