/**
 * The other end of http-query: raw keep-alive connections that ask as fast as they are answered. A process
 * of its own, because a client in the server's process would be measured as well. Started by http-query.ts
 * with a port, paths (one per line on stdin) and the headers to send; prints one line of JSON.
 */
import { connect } from "node:net"
import process from "node:process"

const connections = 32
const [port = "0", millis = "3000", header = ""] = process.argv.slice(2)

const stdin = async (): Promise<string> => {
  let text = ""
  process.stdin.setEncoding("utf8")
  for await (const chunk of process.stdin) text += chunk
  return text
}
const paths = (await stdin()).split("\n").filter((line) => line !== "")
const requests = paths.map((path) =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${header}${header && "\r\n"}\r\n`)
)

const latencies: Array<number> = []
let wrong = 0
let sent = 0
const ends = performance.now() + Number(millis)

/** Where the answer's body ends, or -1 while more is to come. */
const endOf = (data: Buffer): number => {
  const head = data.indexOf("\r\n\r\n")
  if (head < 0) return -1
  const length = /content-length: (\d+)/i.exec(data.subarray(0, head).toString("latin1"))?.[1]
  const end = head + 4 + Number(length ?? 0)
  return data.length >= end ? end : -1
}

const one = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1")
    socket.setNoDelay(true)
    let held = Buffer.alloc(0)
    let started = 0
    const ask = () => {
      started = performance.now()
      if (started > ends) {
        socket.end()
        return resolve()
      }
      socket.write(requests[sent++ % requests.length]!)
    }
    socket.on("connect", ask)
    socket.on("data", (chunk) => {
      held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk])
      const end = endOf(held)
      if (end < 0) return
      if (!held.subarray(0, 12).equals(Buffer.from("HTTP/1.1 200"))) wrong++
      held = held.subarray(end)
      latencies.push(performance.now() - started)
      ask()
    })
    socket.on("error", reject)
  })

const began = performance.now()
await Promise.all(Array.from({ length: connections }, one))
const seconds = (performance.now() - began) / 1000
latencies.sort((a, b) => a - b)
console.log(JSON.stringify({
  rate: latencies.length / seconds,
  p50: latencies[Math.floor(latencies.length * 0.5)],
  p99: latencies[Math.floor(latencies.length * 0.99)],
  wrong,
}))
process.exit(0)
