/** The HTTP door as `main.ts` opens it: the app of the socket, and a TCP port with its token. */
import { Effect } from "effect"
import { door } from "./app.ts"
import { keysOf, tokenIn } from "./keys.ts"
import { serveOn } from "./server.ts"

export { app } from "./app.ts"
export { serve } from "./socket.ts"

/** Opens the port for the scope: where it is, and how a browser gets in. */
export const open = Effect.fnUntraced(function* (
  dataDir: string,
  given: string | undefined,
  wanted: number,
) {
  const token = yield* tokenIn(dataDir, given)
  const keys = keysOf(token)
  let port = wanted
  port = yield* serveOn(yield* door({ keys, port: () => port }), wanted)
  const url = `http://127.0.0.1:${port}`
  return { url, link: () => `${url}/enter?code=${keys.link()}` }
})
