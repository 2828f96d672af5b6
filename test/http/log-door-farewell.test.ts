/** What the door hears of a client: every byte of it but the frame that says farewell, however it is cut. */
import { Buffer } from "node:buffer"
import { expect, test } from "vitest"
import { withoutFarewell } from "../../http/log-door/farewell.ts"
import { seeded } from "../seeded.ts"

const frame = (type: number, content: Uint8Array) => {
  const header = Buffer.alloc(9)
  header.writeUIntBE(content.length, 0, 3)
  header[3] = type
  return Buffer.concat([header, content])
}
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

test("passes everything but GOAWAY", async () => {
  const dice = seeded()
  for (let round = 0; round < 50; round++) {
    const sent: Array<Buffer> = [preface]
    const wanted: Array<Buffer> = [preface]
    for (let n = 0; n < 40; n++) {
      const content = Buffer.from(Array.from({ length: dice.below(60) }, () => dice.below(256)))
      const one = frame(dice.below(10), content)
      sent.push(one)
      if (one[3] !== 7) wanted.push(one)
    }
    const bytes = Buffer.concat(sent)
    const filter = withoutFarewell()
    const heard: Array<Buffer> = []
    filter.on("data", (chunk: Buffer) => heard.push(chunk))
    const ended = new Promise((done) => filter.once("end", done))
    for (let at = 0; at < bytes.length;) {
      const size = 1 + dice.below(30)
      filter.write(bytes.subarray(at, at + size))
      at += size
    }
    filter.end()
    await ended
    expect(Buffer.concat(heard).equals(Buffer.concat(wanted))).toBe(true)
  }
})
