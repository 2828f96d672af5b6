/** The rules of a service AIOS leans on: what is told to the coordinator, and what is remembered of outages. */
import { describe, it } from "vitest"
import { integration } from "../../machines/integration.ts"
import { after, epoch, given, givenActor, minute } from "../given.ts"

const answered = { type: "ServiceAnswered" }
const opened = (trouble = "absent") => ({
  type: "CircuitOpened",
  trouble,
  reason: "nobody answers",
  failures: 1,
})
const probed = { type: "ProbeFailed", reason: "connection refused" }
const closed = { type: "CircuitClosed", millis: 1 }
const ollama = (...steps: Parameters<typeof givenActor>[2][]) =>
  givenActor(integration, "ollama", ...steps)

describe("a service", () => {
  it("that answered is healthy, and nobody is told", () =>
    void ollama().when(answered).is("healthy").knows({ service: "ollama", outages: 0 })
      .tellsNobody())
  it("that fails is left alone, and the coordinator is told why", () =>
    void ollama(answered).when(opened()).is("open")
      .knows({ trouble: "absent", outages: 1, since: epoch + minute })
      .tells("coordinator-main", {
        type: "AdapterDegraded",
        adapter: "ollama",
        reason: "nobody answers",
      }))
  it("may fail at its first answer already", () =>
    void ollama().when(opened("garbage")).is("open").tells("coordinator-main", {
      type: "AdapterDegraded",
    }))
  it("that fails its probe too says so once", () =>
    void ollama(answered, opened()).when(probed).is("probing")
      .knows({ reason: "connection refused" }).tellsNobody().when(probed).isRefused())
  it("that works again is told, with how long it was out", () => {
    const recovered = { type: "AdapterRecovered", adapter: "ollama" }
    const from = epoch + minute
    ollama(answered, opened()).when(closed).is("healthy").tells("coordinator-main", recovered)
    ollama(answered, opened(), probed, after(13 * minute)).when(closed).is("healthy")
      .knows({ trouble: null, reason: "", since: from + 15 * minute })
      .knows({ past: [{ from, until: from + 15 * minute, trouble: "absent" }] })
      .tells("coordinator-main", recovered)
  })
  it("cannot recover from nothing, nor fail twice at once", () => {
    ollama(answered).when(closed).isRefused()
    ollama(answered, opened()).when(opened()).isRefused()
  })
  it("that comes and goes keeps the last ten outages, and counts all", () => {
    const steps = Array.from({ length: 12 }, () => [opened(), closed]).flat()
    const then = ollama(answered, ...steps)
    then.knows({ outages: 12 })
    if ((then.state.snapshot.context["past"] as ReadonlyArray<unknown>).length !== 10) {
      throw new Error("Too many outages are kept")
    }
  })
  it("is told by its key only", () =>
    void given(integration, answered).when(opened()).tells("coordinator-main", {
      adapter: "main",
    }))
})
