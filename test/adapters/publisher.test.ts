/** Every publisher against the one contract; and what only files can get wrong. */
import { Effect } from "effect"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { parse } from "yaml"
import { Publisher } from "../../actors/publisher.ts"
import * as folder from "../../adapters/publisher-folder.ts"
import * as memory from "../../adapters/publisher-memory.ts"
import { article, publisherContract } from "../contract/publisher.ts"

const roots: Array<string> = []
const fresh = () => {
  const root = mkdtempSync(join(tmpdir(), "aios-publisher-"))
  roots.push(root)
  return join(root, "published")
}
afterEach(() => roots.splice(0).forEach((root) => rmSync(root, { recursive: true })))

publisherContract("memory", () => {
  const shelf = new Map<string, string>()
  return { layer: memory.layerWith(shelf), seen: () => shelf }
})
publisherContract("folder", () => {
  const where = fresh()
  return {
    layer: folder.layer(where),
    seen: () =>
      new Map(
        (existsSync(where) ? readdirSync(where) : []).filter((name) => name.endsWith(".md"))
          .map((name) => [name, readFileSync(join(where, name), "utf8")]),
      ),
  }
})

const publish = (where: string, what = article, key = "k") =>
  Effect.runPromise(
    Effect.provide(
      Effect.flatMap(Publisher, (publisher) => publisher.publish(what, key)),
      folder.layer(where),
    ),
  )

describe("a folder of articles", () => {
  it("has front matter that says what was given, whatever that is", async () => {
    const where = fresh()
    const title = 'A: "b" # c\n---\nowned: true'
    const done = await publish(where, { ...article, title })
    expect(done.where).toBe("published/2026-11-26-a-b-c-owned-true.md")
    const text = readFileSync(join(where, done.where.slice("published/".length)), "utf8")
    const [, matter = "", ...rest] = text.split(/^---$/m)
    expect(parse(matter)).toEqual({
      title: 'A: "b" # c --- owned: true',
      date: "2026-11-26T08:00:00.000Z",
      topic: "newsletter-47",
    })
    expect(rest.join("---").trim()).toBe(article.text.trim())
  })
  it("a crash between the name and the file: the file is made when the key comes again", async () => {
    const where = fresh()
    const first = await publish(where)
    const path = join(where, first.where.slice("published/".length))
    const whole = readFileSync(path, "utf8")
    rmSync(path)
    writeFileSync(join(where, `.${first.where.slice("published/".length)}.tmp`), "---\nti")
    expect(await publish(where)).toEqual(first)
    expect(readFileSync(path, "utf8")).toBe(whole)
    expect(readdirSync(where).filter((name) => name.endsWith(".tmp"))).toEqual([])
  })
  it("leaves alone what the founder put there under the same name", async () => {
    const where = fresh()
    mkdirSync(where)
    writeFileSync(join(where, "2026-11-26-pricing-honestly.md"), "mine")
    expect((await publish(where)).where).toBe("published/2026-11-26-pricing-honestly-2.md")
    expect(readFileSync(join(where, "2026-11-26-pricing-honestly.md"), "utf8")).toBe("mine")
  })
})
