/**
 * The front of the protocol's door by itself: it carries bytes unchanged both ways, holds up whoever is
 * too fast, leaves nothing behind when a side vanishes, and answers health checks. Behind it stands a
 * plain server on a Unix socket.
 */
import { Effect, Exit, Scope } from "effect"
import { execFile } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import { connect, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect as connectTls } from "node:tls"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { certificatesOf } from "../../http/log-door/certificates.ts"
import { type Front, front, type FrontOptions } from "../../http/log-door/front.ts"
import { OperationFailed } from "../../projections/aios.ts"

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
const folder = mkdtempSync(join(tmpdir(), "aios-front-"))
const upstream = join(folder, "log.sock")
const fronts = Scope.makeUnsafe()
const behind = new Set<Socket>()
/** What the server behind does with a connection. */
let serve: (socket: Socket) => void = (socket) => void socket.pipe(socket)
let server: Server

beforeAll(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    behind.add(socket)
    socket.on("error", () => {})
    socket.once("close", () => behind.delete(socket))
    serve(socket)
  })
  await new Promise<void>((done) => server.listen({ path: upstream }, done))
})
afterAll(async () => {
  await Effect.runPromise(Scope.close(fronts, Exit.void))
  for (const socket of behind) socket.destroy()
  await new Promise((done) => server.close(done))
  rmSync(folder, { recursive: true, force: true })
})

const start = (options: Partial<FrontOptions> = {}): Promise<Front> =>
  Effect.runPromise(
    Scope.provide(
      front({ port: 0, secure: false, upstream: () => upstream, ...options }),
      fronts,
    ),
  )
const refusal = async (options: Partial<FrontOptions>) => {
  const failed = await Effect.runPromise(
    Effect.flip(
      Effect.scoped(front({ port: 0, secure: false, upstream: () => upstream, ...options })),
    ),
  )
  expect(failed).toBeInstanceOf(OperationFailed)
  return failed
}

const dial = (port: number) =>
  new Promise<Socket>((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    socket.once("connect", () => resolve(socket))
    socket.once("error", reject)
  })
const closed = (socket: Socket) =>
  socket.destroyed ? Promise.resolve() : new Promise<void>((done) => {
    socket.once("close", () => done())
    socket.on("error", () => {})
    socket.once("end", () => socket.end())
    socket.resume()
  })
const until = async (what: () => boolean) => {
  for (let i = 0; i < 400 && !what(); i++) await new Promise((done) => setTimeout(done, 5))
  expect(what()).toBe(true)
}
const get = (port: number, path: string, ca?: string, method = "GET") =>
  new Promise<{ status: number | undefined; message: string | undefined; body: string }>(
    (resolve, reject) => {
      const options = { host: "localhost", family: 4, port, path, method }
      const sent = ca === undefined
        ? httpRequest(options, answer)
        : httpsRequest({ ...options, ca }, answer)
      function answer(response: import("node:http").IncomingMessage) {
        let body = ""
        response.setEncoding("utf8")
        response.on("data", (part) => body += part)
        response.on(
          "end",
          () => resolve({ status: response.statusCode, message: response.statusMessage, body }),
        )
      }
      sent.on("error", reject)
      sent.end()
    },
  )

describe("bytes", () => {
  it("travel unchanged both ways, however the first of them arrive, and ends are passed on", async () => {
    const { connections, port } = await start()
    const socket = await dial(port)
    const sent = randomBytes(3_000_000)
    const hash = createHash("sha256")
    let got = 0
    const ended = new Promise<void>((done) => socket.once("end", done))
    socket.on("data", (part) => {
      got += part.length
      hash.update(part)
    })
    socket.write("P")
    await new Promise((done) => setTimeout(done, 20))
    socket.write(preface.slice(1))
    socket.end(sent)
    await ended
    expect(got).toBe(preface.length + sent.length)
    expect(hash.digest("hex")).toBe(
      createHash("sha256").update(preface).update(sent).digest("hex"),
    )
    await until(() => connections() === 0 && behind.size === 0)
  })

  it("an answer still comes after the client has said all", async () => {
    const { port } = await start()
    serve = (socket) => {
      socket.resume()
      socket.once("end", () => setTimeout(() => socket.end("late"), 30))
    }
    const socket = await dial(port)
    let got = ""
    socket.on("data", (part) => got += part)
    socket.end(preface)
    await closed(socket)
    expect(got).toBe("late")
    serve = (socket) => void socket.pipe(socket)
  })

  it("whoever is too fast is held up", async () => {
    const { port } = await start()
    // The server behind reads nothing: what was sent must stay with the sender.
    serve = (socket) => void socket.once("end", () => socket.end()).pause()
    const socket = await dial(port)
    socket.write(preface)
    const part = Buffer.alloc(1024 * 1024)
    let taken = 0
    for (; taken < 64; taken++) {
      if (socket.write(part)) continue
      const drained = await Promise.race([
        new Promise((done) => socket.once("drain", () => done(true))),
        new Promise((done) => setTimeout(() => done(false), 300)),
      ])
      if (drained === false) break
    }
    expect(taken).toBeLessThan(32)
    socket.destroy()
    // Whoever reads again sees that nobody is there any more.
    for (const one of behind) one.resume()
    await until(() => behind.size === 0)
    serve = (socket) => void socket.pipe(socket)
  })

  it("a side that vanishes takes the other with it", async () => {
    const { connections, port } = await start()
    const sockets = await Promise.all(Array.from({ length: 20 }, () => dial(port)))
    for (const socket of sockets) socket.write(preface)
    await until(() => behind.size === 20)
    for (const socket of sockets.slice(0, 10)) socket.destroy()
    await until(() => behind.size === 10 && connections() === 10)
    for (const socket of behind) socket.destroy()
    await Promise.all(sockets.slice(10).map(closed))
    await until(() => connections() === 0)
  })

  it("without a log behind it the client loses its connection and nothing else", async () => {
    let path: string | undefined = join(folder, "nobody.sock")
    const { port } = await start({ upstream: () => path })
    for (const now of [path, undefined]) {
      path = now
      const socket = await dial(port)
      socket.write(preface)
      await closed(socket)
    }
    expect((await get(port, "/health/live")).status).toBe(503)
    path = upstream
    expect((await get(port, "/health/live")).status).toBe(204)
  })

  it("more connections than may be are refused, not queued", async () => {
    const { connections, port } = await start({ connectionsMax: 3 })
    const sockets = await Promise.all(Array.from({ length: 3 }, () => dial(port)))
    for (const socket of sockets) socket.write(preface)
    await until(() => connections() === 3)
    await closed(await dial(port))
    sockets[0]!.destroy()
    await until(() => connections() === 2)
    const next = await dial(port)
    next.write(preface)
    await until(() => connections() === 3)
    for (const socket of [...sockets, next]) socket.destroy()
  })
})

describe("where it listens", () => {
  it("a port that is taken is an error that says what to do", async () => {
    const { port } = await start()
    const failed = await refusal({ port })
    expect(failed.kind).toBe("configuration")
    expect(failed.error).toBe("PortUnavailable")
    expect(failed.message).toContain(`Port ${port} is taken`)
  })

  it("a Unix socket of its own, for this user only; a left one is replaced, another file is not", async () => {
    const path = join(folder, "front.sock")
    const scope = Scope.makeUnsafe()
    await Effect.runPromise(
      Scope.provide(front({ socket: path, secure: false, upstream: () => upstream }), scope),
    )
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const socket = connect({ path })
    socket.end(preface)
    let got = ""
    socket.on("data", (part) => got += part)
    await closed(socket)
    expect(got).toBe(preface)
    expect((await refusal({ socket: path })).error).toBe("SocketUnavailable")
    await Effect.runPromise(Scope.close(scope, Exit.void))
    expect(existsSync(path)).toBe(false)
    writeFileSync(path, "a letter")
    await refusal({ socket: path })
    expect(readFileSync(path, "utf8")).toBe("a letter")
  })

  it("at its end everything it carries is cut", async () => {
    const scope = Scope.makeUnsafe()
    const { port } = await Effect.runPromise(
      Scope.provide(front({ port: 0, secure: false, upstream: () => upstream }), scope),
    )
    const socket = await dial(port)
    socket.write(preface)
    await until(() => behind.size === 1)
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await closed(socket)
    await until(() => behind.size === 0)
    await expect(dial(port)).rejects.toThrow()
  })
})

describe("HTTP/1.1", () => {
  it("answers health checks and says what it is, and nothing else", async () => {
    const { port } = await start()
    expect(await get(port, "/health/live")).toMatchObject({ status: 204, body: "" })
    expect((await get(port, "/health/live", undefined, "HEAD")).status).toBe(204)
    expect(JSON.parse((await get(port, "/info")).body)).toMatchObject({ state: "leader" })
    expect(JSON.parse((await get(port, "/ping")).body)).toEqual({
      msgTypeId: expect.any(Number),
      text: "Ping request successfully handled",
    })
    expect(JSON.parse((await get(port, "/gossip")).body).members).toMatchObject([
      {
        state: "Leader",
        httpEndPointIp: "localhost",
        httpEndPointPort: port,
        // Rust's client reads no member that lacks one of these.
        timeStamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        internalTcpIp: expect.any(String),
        internalTcpPort: 0,
        internalSecureTcpPort: 0,
        externalTcpIp: expect.any(String),
        externalSecureTcpPort: 0,
        lastCommitPosition: 0,
        writerCheckpoint: 0,
        chaserCheckpoint: 0,
        epochPosition: 0,
        epochNumber: 0,
        epochId: expect.any(String),
        nodePriority: 0,
      },
    ])
    const lost = await get(port, "/web/index.html", undefined, "POST")
    expect(lost).toMatchObject({ status: 404, message: "Not Found" })
    expect(lost.body).toContain("gRPC")
  })

  it("what is no HTTP is told so, and what never ends is let go", async () => {
    const { connections, port } = await start()
    const socket = await dial(port)
    let got = ""
    socket.on("data", (part) => got += part)
    socket.write("HELO mail.example\r\n\r\n")
    await closed(socket)
    expect(got).toMatch(/^HTTP\/1.1 400 /)
    const flood = await dial(port)
    flood.write(`GET /${"x".repeat(40_000)}`)
    await closed(flood)
    await until(() => connections() === 0)
  })
})

describe("TLS", () => {
  it("its certificate is of an authority that clients are given", async () => {
    const { ca, caFile, certificate, key } = await certificatesOf(folder)
    expect(statSync(join(folder, "certificates", "ca.key")).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, "certificates", "server.pem")).mode & 0o777).toBe(0o600)
    const { port } = await start({ tls: { certificate, key } })
    expect((await get(port, "/health/live", ca)).status).toBe(204)
    await expect(get(port, "/health/live", certificate)).rejects.toThrow()
    for (const servername of ["localhost", ""]) {
      const socket = connectTls({ host: "127.0.0.1", port, ca, servername, ALPNProtocols: ["h2"] })
      await new Promise((done, failed) => {
        socket.once("secureConnect", done)
        socket.once("error", failed)
      })
      expect(socket.authorized).toBe(true)
      expect(socket.alpnProtocol).toBe("h2")
      let got = ""
      socket.on("data", (part) => got += part)
      socket.write(preface)
      await until(() => got === preface)
      socket.destroy()
    }
    // A plaintext client is let go, and does no harm.
    const plain = await dial(port)
    plain.write(preface)
    await closed(plain)
    expect((await get(port, "/health/live", ca)).status).toBe(204)
    expect(readFileSync(caFile, "utf8")).toBe(ca)
  })

  it("is kept, made anew for another authority, and right for openssl", async (test) => {
    const first = await certificatesOf(folder)
    expect(await certificatesOf(folder)).toEqual(first)
    const openssl = (args: ReadonlyArray<string>) =>
      new Promise<string>((resolve, reject) =>
        execFile(
          "openssl",
          args,
          (cause, out, err) => cause ? reject(new Error(err)) : resolve(out),
        )
      )
    const here = await openssl(["version"]).catch(() => undefined)
    if (here === undefined) test.skip("openssl is not installed")
    const server = join(folder, "certificates", "server.pem")
    expect(
      await openssl([
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-verify_ip",
        "127.0.0.1",
        "-CAfile",
        first.caFile,
        server,
      ]),
    ).toContain("OK")
    rmSync(join(folder, "certificates", "ca.key"))
    const second = await certificatesOf(folder)
    expect(second.ca).not.toBe(first.ca)
    expect(await openssl(["verify", "-CAfile", second.caFile, server])).toContain("OK")
  })

  it("two processes that begin at once have one authority", async () => {
    const fresh = mkdtempSync(join(tmpdir(), "aios-front-"))
    const all = await Promise.all([certificatesOf(fresh), certificatesOf(fresh)])
    expect(all[0]!.ca).toBe(all[1]!.ca)
    rmSync(fresh, { recursive: true, force: true })
  })
})
