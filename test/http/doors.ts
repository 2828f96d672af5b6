/** The TCP door without a port: requests go straight into the app, as the token's holder sends them. */
import { Effect, type Layer, ManagedRuntime } from "effect"
import { door } from "../../http/app.ts"
import { keysOf } from "../../http/keys.ts"
import type { Services } from "../../http/route.ts"

export const port = 4680
export const origin = `http://127.0.0.1:${port}`
export const token = "a token for the tests of the door"

export interface Door<R> {
  readonly keys: ReturnType<typeof keysOf>
  /** As sent, with the Host of ours and nothing else. */
  readonly raw: (path: string, init?: RequestInit) => Promise<Response>
  /** With the token. */
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>
  readonly post: (
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ) => Promise<Response>
  readonly run: <A, E>(effect: Effect.Effect<A, E, R>) => Promise<A>
  readonly close: () => Promise<void>
}

export const doorTo = async <R>(
  behind: Layer.Layer<R | Services, unknown>,
): Promise<Door<R | Services>> => {
  const runtime = ManagedRuntime.make(behind)
  const keys = keysOf(token)
  const app = await runtime.runPromise(door({ keys, port: () => port }))
  const raw = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    if (!headers.has("host")) headers.set("host", `127.0.0.1:${port}`)
    return await app.request(`${origin}${path}`, { ...init, headers })
  }
  const authorization = `Bearer ${token}`
  return {
    keys,
    raw,
    get: (path, headers = {}) => raw(path, { headers: { authorization, ...headers } }),
    post: (path, body, headers = {}) =>
      raw(path, {
        method: "POST",
        headers: { authorization, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    run: (effect) => runtime.runPromise(effect),
    close: () => runtime.dispose(),
  }
}
