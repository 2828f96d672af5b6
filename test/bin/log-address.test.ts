/** Connection strings as users write them: what the launcher makes of AIOS_EVENT_LOG. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { isConnection, logAddress, netOf } from "../../bin/helpers/log-address.mjs"

const here = mkdtempSync(join(tmpdir(), "aios-log-address-"))
writeFileSync(join(here, "my ca.pem"), "-----BEGIN CERTIFICATE-----\n")
writeFileSync(join(here, "user.crt"), "")
writeFileSync(join(here, "user.key"), "")
afterAll(() => rmSync(here, { recursive: true }))

describe("AIOS_EVENT_LOG", () => {
  it.each([
    ["esdb://127.0.0.1:2113?tls=false", "esdb://127.0.0.1:2113?tls=false", "esdb://127.0.0.1:2113"],
    [" esdb://log.lan/ ", "esdb://log.lan:2113", "esdb://log.lan:2113"],
    ["esdb://log.lan/?tls=true", "esdb://log.lan:2113?tls=true", "esdb://log.lan:2113"],
    ["esdb://a,b:1,c:2", "esdb://a:2113,b:1,c:2", "esdb://a:2113,b:1,c:2"],
    [
      "esdb+discover://cluster.lan",
      "esdb+discover://cluster.lan:2113",
      "esdb+discover://cluster.lan:2113",
    ],
    ["kurrentdb://log.lan", "esdb://log.lan:2113", "esdb://log.lan:2113"],
    [
      "kurrentdb+discover://log.lan",
      "esdb+discover://log.lan:2113",
      "esdb+discover://log.lan:2113",
    ],
    [
      "esdb://admin:top%40secret@log.lan",
      "esdb://admin:top%40secret@log.lan:2113",
      "esdb://log.lan:2113",
    ],
    ["esdb://localhost?tls=false", "esdb://127.0.0.1:2113?tls=false", "esdb://localhost:2113"],
    ["esdb://localhost", "esdb://localhost:2113", "esdb://localhost:2113"],
    [
      "esdb://x?node_preference=read-only-replica",
      "esdb://x:2113?nodePreference=read-only-replica",
      "esdb://x:2113",
    ],
    [
      "esdb://x?TLS=false&keepAliveInterval=-1",
      "esdb://x:2113?tls=false&keepAliveInterval=-1",
      "esdb://x:2113",
    ],
  ])("%j", (written, connection, shown) => {
    expect(logAddress(written, here)).toMatchObject({ connection, shown })
  })

  it.each([
    ["", "esdb://"],
    ["log.lan:2113", "esdb://"],
    ["https://log.lan", "https://"],
    ["esdb://", "no host"],
    ["esdb://a,,b", "comma"],
    ["esdb://[::1]:2113", "IPv6"],
    ["esdb://a:b:c", "IPv6"],
    ["esdb://a:0", "0 is no port"],
    ["esdb://a:99999", "99999 is no port"],
    ["esdb://hidden@a", "user:password"],
    ["esdb://u:hid:den@@a", "user:password"],
    ["esdb://u:hidden%@a", "%25"],
    ["esdb+discover://a,b", "one name"],
    ["esdb://a?secure=true", "no parameter secure"],
    ["esdb://a?tls=maybe", "tls is true or false"],
    ["esdb://a?tls", "tls has no value"],
    ["esdb://a?keepAliveTimeout=soon", "keepAliveTimeout is no whole number"],
    ["esdb://a?nodePreference=best", "nodePreference is one of"],
    ["esdb://a?tlsVerifyCert=false", "tlsCAFile"],
    ["esdb://a?tlsCAFile=none.pem", "there is no file"],
    ["esdb://a?userCertFile=user.crt", "belong together"],
    ["esdb://a?tlsCAFile=user.key", "holds no certificate"],
    ["esdb://127.0.0.1:2113", "write localhost, or tls=false"],
    ["esdb://a,10.0.0.4?tls=true", "not of 10.0.0.4: write the host's name"],
  ])("%j is none", (written, problem) => {
    const answer = logAddress(written, here)
    expect(answer.problem).toContain(problem)
    expect(JSON.stringify(answer)).not.toMatch(/hid/)
  })

  it("names the files it needs by their full path", () => {
    const written = "esdb://a?tlsCAFile=my%20ca.pem&userCertFile=user.crt&userKeyFile=user.key"
    const { connection, files } = logAddress(written, here)
    expect(files).toEqual(["my ca.pem", "user.crt", "user.key"].map((name) => join(here, name)))
    expect(connection).toContain(`tlsCAFile=${encodeURIComponent(join(here, "my ca.pem"))}`)
  })

  it("grants the name, and each of its addresses with the port", async () => {
    expect(await netOf([{ host: "127.0.0.1", port: 2113 }, { host: "127.0.0.1", port: 2114 }]))
      .toEqual(["127.0.0.1:2113", "127.0.0.1:2114"])
    const granted = await netOf([{ host: "localhost", port: 2113 }])
    expect(granted.slice(0, 2)).toEqual(["localhost", "localhost:2113"])
    expect(granted.slice(2)).toContain("127.0.0.1:2113")
    expect(await netOf([{ host: "no-such-host.invalid", port: 1 }]))
      .toEqual(["no-such-host.invalid", "no-such-host.invalid:1"])
  })

  it("is told from a path", () => {
    expect(isConnection("esdb://x")).toBe(true)
    expect(isConnection("/var/lib/aios")).toBe(false)
    expect(isConnection("C:\\aios")).toBe(false)
  })
})
