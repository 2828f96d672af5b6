/**
 * The proof by killing: a real Ollama is killed, robbed of its weights, stopped and replaced by nonsense while
 * a company works. What has to be done is done without it, nothing is lost or done twice, and once it is back
 * everything goes on without anybody doing anything.
 */
import type { ChildProcess } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { Effect } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import { connect } from "../../adapters/aios-remote.ts"
import { objectOf } from "../../projections/fields.ts"
import { ended, founder, run, says, start } from "../cli/aios.ts"
import { ownOllama, pause, until } from "./own-ollama.ts"
import { realFolder, withModels } from "./real.ts"

/** On a slow machine a small model thinks for a while. */
const testMillisMax = 480_000
/** What it was at when it was stopped comes first. */
const wellMillisMax = 300_000

withModels("a company whose Ollama goes away", () => {
  let ollama: Awaited<ReturnType<typeof ownOllama>>
  let folder: string
  let staying: ChildProcess
  let env: Record<string, string | undefined>
  let written = 0
  let decided = 0

  const aios = (...args: Array<string>) =>
    run([...args, "--data-dir", join(folder, "data")], { env })
  const json = async <A>(...args: Array<string>): Promise<A> => {
    const { code, err, out } = await aios(...args, "--json")
    if (code !== 0) throw new Error(`aios ${args.join(" ")} ended with ${code}:\n${err}${out}`)
    return JSON.parse(out)
  }
  /** The running AIOS, asked without a process for each question. */
  const house = <A>(ask: (aios: ReturnType<typeof connect>) => Effect.Effect<A, unknown>) =>
    Effect.runPromise(ask(connect(join(folder, "data", "aios.sock"))))
  const brief = () => house((aios) => aios.brief(undefined))
  const eventsOf = (stream: string) => house((aios) => aios.events({ stream }))
  const changes = async () => (await eventsOf("integration-ollama")).map(({ type }) => type)
  const outages = async () => (await changes()).filter((type) => type === "CircuitOpened").length
  const last = (type: string) => async () => (await changes()).at(-1) === type
  const fixes = async () =>
    (await brief()).checklist.filter(({ what }) => what.startsWith("Ollama"))
  const approvals = () => house((aios) => aios.approvals)
  const outbox = () => {
    const at = join(folder, "data", "outbox")
    return existsSync(at) ? readdirSync(at).filter((name) => name.endsWith(".eml")) : []
  }
  const stateOf = async (agent: string) => (await house((aios) => aios.agents(agent)))[0]?.state

  /** Mails of strangers who ask for a price, in a file. */
  const mails = (count: number) => {
    const file = join(folder, `box-${written}.mbox`)
    const now = new Date(Date.now() - 60_000)
    const one = () => {
      const name = `client${written++}`
      return [
        `From ${name}@client.example ${now.toUTCString()}`,
        `From: ${name} Example <${name}@client.example>`,
        "To: Mara Lindqvist <mara@northlight.example>",
        `Subject: A website for ${name}`,
        `Message-ID: <${name}@client.example>`,
        `Date: ${now.toUTCString().replace("GMT", "+0000")}`,
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Dear Mara,",
        "",
        "How much would a small website cost? We would like to start soon.",
        "",
        name,
        "",
      ].join("\n")
    }
    writeFileSync(file, Array.from({ length: count }, one).join("\n"))
    return file
  }
  const drafted = () =>
    until("every mail has a draft", async () => (await approvals()).length === written - decided)
  /** Takes mails in to the end: each stranger has an answer drafted, by whatever is there. */
  const answered = async (count: number) => {
    const { imported } = await json<{ readonly imported: number }>("import", mails(count))
    expect(imported).toBe(count)
    await drafted()
  }

  beforeAll(async () => {
    ollama = await ownOllama()
    folder = mkdtempSync(join(tmpdir(), "aios-degraded-"))
    env = {
      OLLAMA_HOST: ollama.host,
      // Nobody but this test starts it again.
      AIOS_OLLAMA: "off",
      AIOS_MODELS_DIR: realFolder,
      AIOS_NOW: undefined,
    }
    await ollama.start()
    expect((await aios("init", ...founder)).code).toBe(0)
    staying = start(["start", "--data-dir", join(folder, "data")], { env })
    await says(staying, "Ready")
    // The first brief looks who is there.
    await brief()
    await until("the model answers", last("ServiceAnswered"))
  }, testMillisMax)
  afterAll(async () => {
    if (staying?.pid !== undefined && staying.exitCode === null) {
      const end = ended(staying)
      process.kill(staying.pid, "SIGTERM")
      await end
    }
    await ollama?.end()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  it(
    "killed in the middle: drafts are made, decisions carried out once, and its return is news",
    async () => {
      const importing = aios("import", mails(4), "--json")
      await until("work at the model", async () => (await approvals()).length < written)
      await ollama.kill()
      expect((await importing).code).toBe(0)
      await drafted()
      await until("the outage is known", async () => (await changes()).includes("CircuitOpened"))
      const [fix, ...more] = await fixes()
      expect(more).toEqual([])
      expect(fix?.what).toMatch(
        /^Ollama does not answer since \d\d:\d\d: drafts are templates, summaries wait$/,
      )
      expect(fix?.fix).toBe("ollama serve")
      expect(await stateOf("memory/main")).toMatchObject({ services: "degraded" })
      const [first] = await approvals()
      expect((await aios("approve", first!.id)).code).toBe(0)
      expect((await aios("approve", first!.id)).code).toBe(0)
      expect(outbox()).toHaveLength(1)
      decided++
      // So that its return is worth a line.
      await pause(11_000)
      await ollama.start()
      await until("it is well again", last("CircuitClosed"))
      await until(
        "memory knows",
        async () => JSON.stringify(await stateOf("memory/main")).includes('"services":"healthy"'),
      )
      expect(await fixes()).toEqual([])
      const { done } = await brief()
      expect(
        done.flatMap(({ each }) => each).join("\n"),
      ).toMatch(/Ollama works again, after \d+/)
      await answered(1)
    },
    testMillisMax,
  )

  /** Takes `count` mails in while something is amiss, and gives what the brief says about it. */
  const amiss = async (count: number, how: () => unknown, mend: () => unknown) => {
    await until("it is well before that", async () => (await fixes()).length === 0)
    const before = await outages()
    await how()
    try {
      await answered(count)
      await until("the outage is known", async () => await outages() > before)
      return await fixes()
    } finally {
      await mend()
    }
  }
  const wellAgain = async () => {
    await until("it is well again", last("CircuitClosed"), wellMillisMax)
    expect(await fixes()).toEqual([])
  }

  it("robbed of its weights: says what brings them, and goes on when they are back", async () => {
    const found = await amiss(1, ollama.takeWeights, ollama.bringWeights)
    expect(found).toMatchObject([{
      what: expect.stringMatching(/^Ollama has no model since/),
      fix: "aios models pull",
    }])
    await wellAgain()
  }, testMillisMax)

  it("stopped: nobody waits for long, and it is trusted once it does its work", async () => {
    const found = await amiss(2, ollama.stop, ollama.goOn)
    expect(found).toMatchObject([{
      what: expect.stringMatching(/^Ollama (answers too late|does not answer) since/),
    }])
    await wellAgain()
  }, testMillisMax)

  it("with somebody else in its place who talks nonsense: drafts are templates", async () => {
    const replaced = async () => {
      await ollama.kill()
      await ollama.talkNonsense(true)
    }
    const found = await amiss(2, replaced, async () => {
      await ollama.talkNonsense(false)
      await ollama.start()
    })
    expect(found).toHaveLength(1)
    await wellAgain()
  }, testMillisMax)

  it(
    "whose Chroma and embedder are killed: recall goes on by words, and by meaning again",
    async () => {
      const recalled = () => house((aios) => aios.recall("what does a website cost", {}))
      const pidOf = async (name: string) => {
        const { checks } = JSON.parse((await aios("doctor", "--json")).out) as {
          readonly checks: ReadonlyArray<{ readonly name: string; readonly detail: string }>
        }
        const { detail } = checks.find((check) => check.name === `process ${name}`)!
        return Number(/process (\d+)/.exec(detail)?.[1])
      }
      await until("it is found by meaning", async () => (await recalled()).mode === "hybrid")
      const pids = [await pidOf("chroma"), await pidOf("embedder")]
      for (const pid of pids) process.kill(pid, "SIGKILL")
      const { hits, mode, notes } = await recalled()
      expect(hits.length).toBeGreaterThan(0)
      if (mode === "lexical") expect(notes.join()).not.toBe("")
      await until("it is found by meaning again", async () => (await recalled()).mode === "hybrid")
      expect(await pidOf("chroma")).not.toBe(pids[0])
      expect(await pidOf("embedder")).not.toBe(pids[1])
    },
    testMillisMax,
  )

  it(
    "after all that nothing is lost or there twice, and every state comes from the log again",
    async () => {
      const all = await house((aios) => aios.events({ limit: 10_000 }))
      const outcomes = all.filter(({ type }) => /^Activity(Succeeded|Failed|Skipped)$/.test(type))
        .map(({ data, stream }) => `${stream}/${objectOf(data)["ask"]}`)
      expect(outcomes.length).toBeGreaterThan(10)
      expect(new Set(outcomes).size).toBe(outcomes.length)
      const mailsIn = all.filter(({ type }) => type === "MailReceived").length
      expect(mailsIn).toBe(written)
      expect(await approvals()).toHaveLength(written - decided)
      expect(outbox()).toHaveLength(1)
      expect(await json("replay")).toMatchObject({ divergences: [] })
      // Each outage began once and ended once; on a slow machine there may be more of them.
      const [first, ...rest] = (await changes()).filter((type) => type !== "ProbeFailed")
      expect(first).toBe("ServiceAnswered")
      expect(rest.length).toBeGreaterThanOrEqual(8)
      expect(rest).toEqual(
        Array.from({ length: rest.length / 2 }, () => ["CircuitOpened", "CircuitClosed"]).flat(),
      )
      expect((await aios("doctor")).out).toMatch(/service ollama: works/)
    },
    testMillisMax,
  )
})
