/** Addresses of services as users write them: what the launcher makes of OLLAMA_HOST and AIOS_CHROMA_URL. */
import { describe, expect, it } from "vitest"
import { chromaAddress, ollamaAddress } from "../../bin/helpers/addresses.mjs"

describe("OLLAMA_HOST", () => {
  it.each([
    [undefined, "http://127.0.0.1:11434", true],
    ["", "http://127.0.0.1:11434", true],
    ["http://127.0.0.1:11434", "http://127.0.0.1:11434", true],
    ["localhost", "http://localhost:11434", true],
    ["gpu.lan", "http://gpu.lan:11434", false],
    ["gpu.lan:8080", "http://gpu.lan:8080", false],
    [":8080", "http://127.0.0.1:8080", true],
    ["0.0.0.0", "http://127.0.0.1:11434", true],
    ["0.0.0.0:8080", "http://127.0.0.1:8080", true],
    ["http://gpu.lan", "http://gpu.lan:80", false],
    ["https://gpu.lan", "https://gpu.lan:443", false],
    ["https://gpu.lan:8443/ollama/", "https://gpu.lan:8443/ollama", false],
    ["gpu.lan:8080/ollama", "http://gpu.lan:8080/ollama", false],
    ["::1", "http://[::1]:11434", true],
    ["[::1]", "http://[::1]:11434", true],
    ["[::1]:8080", "http://[::1]:8080", true],
    [" 'gpu.lan' ", "http://gpu.lan:11434", false],
  ])("%j is %s", (written, url, loopback) => {
    expect(ollamaAddress(written)).toMatchObject({ url, loopback })
  })

  it.each([
    ...["ftp://gpu.lan", "gpu.lan:99999", "a b", "user@gpu.lan", "a,b", "gpu.lan:0", "a:b:c"],
    ...["http://[bad", "http://[bad]", "[::1", "bad]", "[]:8080"],
  ])(
    "%j is none",
    (written) => expect(ollamaAddress(written)).toBeUndefined(),
  )

  it("says what is to be granted", () => {
    expect(ollamaAddress("https://gpu.lan/x")?.net).toBe("gpu.lan:443")
    expect(ollamaAddress("[::1]")?.net).toBe("[::1]:11434")
  })
})

describe("AIOS_CHROMA_URL", () => {
  it.each([
    ["http://10.0.0.2:8000", "http://10.0.0.2:8000", "10.0.0.2:8000"],
    ["https://chroma.example/base/", "https://chroma.example:443/base", "chroma.example:443"],
    ["http://[::1]:8000", "http://[::1]:8000", "[::1]:8000"],
  ])("%j", (written, url, net) => expect(chromaAddress(written)).toMatchObject({ url, net }))

  it.each(["chroma.example", "ftp://x", "http://user:word@x", "http://x?y=1", "http://"])(
    "%j is none",
    (written) => expect(chromaAddress(written)).toBeUndefined(),
  )
})
