/** The system's Chromium before a door of ours: one page per test, signed in the way a founder is. */
import { Clock, Effect, Layer, Scope } from "effect"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { type BrowserContext, chromium, type Page } from "playwright-core"
import { door } from "../../http/app.ts"
import { keysOf } from "../../http/keys.ts"
import { serveOn } from "../../http/server.ts"
import { Aios } from "../../projections/aios.ts"
import { behind, standIn } from "../http/stand-in.ts"
import { company, now } from "./company.ts"

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

const places = [
  process.env["CHROMIUM"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
]
export const chromiumPath = places.find((path) => path !== "" && existsSync(path))

export interface Opened {
  readonly page: Page
  readonly url: string
  readonly link: () => string
  readonly company: Effect.Success<typeof company>
  readonly close: () => Promise<void>
}

export interface Looks {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
  readonly scripts?: boolean
}

/** A door over the company of these tests. */
const doorOf = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const log = yield* Layer.build(behind({})).pipe(Scope.provide(scope))
  const here = Effect.provideContext(log)
  const world = yield* here(company)
  const keys = keysOf("a token for the tests of pages")
  let port = 0
  const app = yield* door({ keys, port: () => port }).pipe(
    Effect.provideService(Aios, { ...standIn, ...world.parts }),
    here,
    Effect.provideService(Clock.Clock, stoppedAt(now, yield* Clock.clockWith(Effect.succeed))),
  )
  port = yield* serveOn(app, 0).pipe(Scope.provide(scope))
  return { scope, world, keys, url: `http://127.0.0.1:${port}` }
})

/** What is said about times stays the same whenever the tests run. */
const stoppedAt = (millis: number, real: Clock.Clock): Clock.Clock => ({
  ...real,
  currentTimeMillisUnsafe: () => millis,
  currentTimeMillis: Effect.succeed(millis),
  currentTimeNanosUnsafe: () => BigInt(millis) * 1_000_000n,
  currentTimeNanos: Effect.succeed(BigInt(millis) * 1_000_000n),
  monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: real.monotonicTimeNanos,
  sleep: (duration) => real.sleep(duration),
})

export const opened = async (looks: Looks = {}): Promise<Opened> => {
  const { keys, scope, url, world } = await Effect.runPromise(doorOf)
  const profile = mkdtempSync(join(tmpdir(), "aios-browser-"))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath!,
    headless: true,
    args: flags,
    viewport: { width: looks.width ?? 1440, height: looks.height ?? 900 },
    colorScheme: looks.dark === true ? "dark" : "light",
    javaScriptEnabled: looks.scripts ?? true,
  })
  const page = context.pages()[0] ?? await context.newPage()
  const link = () => `${url}/enter?code=${keys.link()}`
  return {
    page,
    url,
    link,
    company: world,
    close: async () => {
      await context.close()
      await Effect.runPromise(Scope.close(scope, await Effect.runPromiseExit(Effect.void)))
      rmSync(profile, { recursive: true, force: true })
    },
  }
}
