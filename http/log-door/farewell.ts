/**
 * What a client sends, without its farewell (the GOAWAY frame of HTTP/2). It says no more than the end of the
 * connection behind it, and Deno's HTTP/2 server aborts its process, with the log in it, when one
 * arrives together with calls that are being broken off.
 */
import { Buffer } from "node:buffer"
import { Transform } from "node:stream"

/** What every client sends first, before any frame. */
const prefaceBytes = 24
const headerBytes = 9
const goaway = 0x7

/** Passes bytes on as they come; only a frame's header that is not whole yet waits for the rest of it. */
export const withoutFarewell = (): Transform => {
  /** Of what is under way now: passed on, or left out. */
  let left = prefaceBytes
  let passes = true
  let held: Buffer = Buffer.alloc(0)

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      held = Buffer.alloc(0)
      const passed: Array<Buffer> = []
      while (bytes.length > 0) {
        if (left > 0) {
          if (passes) passed.push(bytes.subarray(0, left))
          const taken = Math.min(left, bytes.length)
          left -= taken
          bytes = bytes.subarray(taken)
          continue
        }
        if (bytes.length < headerBytes) {
          held = bytes
          break
        }
        passes = bytes[3] !== goaway
        left = headerBytes + bytes.readUIntBE(0, 3)
      }
      done(null, passed.length === 1 ? passed[0] : Buffer.concat(passed))
    },
  })
}
