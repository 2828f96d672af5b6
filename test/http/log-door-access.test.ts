/**
 * Who may do what at the log's door: the official client over TLS as an administrator, as users, with wrong
 * credentials and with none; streams that say who may; and users, made by the protocol's own service.
 */
import { EventStoreDBClient, jsonEvent, START } from "@eventstore/db-client"
import { UsersClient } from "@eventstore/db-client/generated/users_grpc_pb.js"
import messages from "@eventstore/db-client/generated/users_pb.js"
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { EventLog } from "../../actors/event-log.ts"
import { layer as memory } from "../../adapters/event-log-memory.ts"
import { doors, listen } from "../../http/log-door/mod.ts"

const token = "a-token-that-is-long-enough"
const folder = mkdtempSync(join(tmpdir(), "aios-access-"))
const sockets = { secure: join(folder, "log.sock"), open: join(folder, "log-open.sock") }
const scope = Scope.makeUnsafe()
const clients: Array<{ dispose(): Promise<unknown> }> = []
let connection = ""
let log: EventLog["Service"]
let users: UsersClient

beforeAll(async () => {
  await Effect.runPromise(Scope.provide(
    Effect.gen(function* () {
      log = Context.get(yield* Layer.build(memory), EventLog)
      const { hold } = yield* doors({ log, sockets, dataDir: folder, token })
      const upstream = yield* hold(true)
      yield* hold(false)
      const served = yield* listen({
        dataDir: folder,
        port: 0,
        socket: undefined,
        insecure: false,
        upstream: () => upstream,
      })
      connection = served.connection ?? ""
    }),
    scope,
  ))
  users = new UsersClient(`unix:${sockets.secure}`, credentials.createInsecure())
})
afterAll(async () => {
  users.close()
  await Promise.all(clients.map((client) => client.dispose()))
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true, force: true })
})

/** As a user, as `admin`, or as somebody without credentials. */
const as = (who: readonly [login: string, password: string] | "admin" | "nobody") => {
  const shown = who === "nobody"
    ? ""
    : who === "admin"
    ? `admin:${token}@`
    : `${encodeURIComponent(who[0])}:${encodeURIComponent(who[1])}@`
  const client = EventStoreDBClient.connectionString(
    connection.replace("admin:PASSWORD@", shown),
  )
  clients.push(client)
  return client
}
const note = () => jsonEvent({ type: "NoteWritten", data: { text: "…" } })
const read = async (client: EventStoreDBClient, stream: string) => {
  let events = 0
  for await (const _ of client.readStream(stream, { fromRevision: START })) events++
  return events
}
const readAll = async (client: EventStoreDBClient) => {
  let events = 0
  for await (const _ of client.readAll({ maxCount: 10 })) events++
  return events
}
const denied = { type: "access-denied" }

const metadataOf = (login?: string, password = token) => {
  const metadata = new Metadata()
  if (login !== undefined) {
    metadata.set("authorization", `Basic ${Buffer.from(`${login}:${password}`).toString("base64")}`)
  }
  return metadata
}
type Unary<I> = (
  request: I,
  metadata: Metadata,
  done: (cause: ServiceError | null) => void,
) => unknown
/** The error a call ends with, if it does. */
const ended = <I>(call: Unary<I>, request: I, metadata = metadataOf("admin")) =>
  new Promise<ServiceError | undefined>((resolve) =>
    call.call(users, request, metadata, (cause) => resolve(cause ?? undefined))
  )
const create = (login: string, password: string, groups: ReadonlyArray<string> = []) =>
  new messages.CreateReq().setOptions(
    new messages.CreateReq.Options().setLoginName(login).setPassword(password)
      .setFullName(`${login} of the test`).setGroupsList([...groups]),
  )
const made = async (login: string, groups: ReadonlyArray<string> = []) => {
  expect(await ended(users.create, create(login, `${login}'s: secret é`, groups))).toBeUndefined()
  return [login, `${login}'s: secret é`] as const
}
const details = (login: string, metadata = metadataOf("admin")) =>
  new Promise<ReadonlyArray<messages.DetailsResp.UserDetails.AsObject>>((resolve, reject) => {
    const found: Array<messages.DetailsResp.UserDetails.AsObject> = []
    const call = users.details(
      new messages.DetailsReq().setOptions(
        new messages.DetailsReq.Options().setLoginName(login),
      ),
      metadata,
    )
    call.on("data", (one: messages.DetailsResp) => {
      const user = one.getUserDetails()
      if (user !== undefined) found.push(user.toObject())
    })
    call.on("error", reject)
    call.on("end", () => resolve(found))
  })

describe("credentials", () => {
  it("wrong ones end as unauthenticated and late, none as denied, and neither says more", async () => {
    const began = performance.now()
    await expect(as(["admin", "guess"]).appendToStream("note-a", note())).rejects
      .toMatchObject(denied)
    expect(performance.now() - began).toBeGreaterThan(900)
    await expect(as("nobody").appendToStream("note-a", note())).rejects.toMatchObject(denied)
    const wrong = await ended(users.create, create("x", "y"), metadataOf("admin", "guess"))
    expect(wrong).toMatchObject({ code: status.UNAUTHENTICATED })
    expect(wrong?.details).not.toContain("admin")
    const broken = new Metadata()
    broken.set("authorization", "Basic !!!")
    expect(await ended(users.create, create("x", "y"), broken)).toMatchObject({
      code: status.UNAUTHENTICATED,
    })
    const none = await ended(users.create, create("x", "y"), metadataOf())
    expect(none).toMatchObject({ code: status.PERMISSION_DENIED, details: "Access Denied" })
    expect(none?.metadata.get("exception")).toEqual(["access-denied"])
    await as("admin").appendToStream("note-a", note())
    expect(await readAll(as("admin"))).toBeGreaterThan(0)
  })

  it("of many guesses at once few are looked at, and who is known does not wait for them", async () => {
    const guesses = Array.from(
      { length: 12 },
      (_, n) =>
        ended(users.create, create("x", "y"), metadataOf("admin", `guess ${n}`)).then((cause) => ({
          cause,
          at: performance.now(),
        })),
    )
    const began = performance.now()
    expect(await ended(users.create, create("patient", "well")), "the administrator")
      .toBeUndefined()
    expect(performance.now() - began).toBeLessThan(900)
    const ends = (await Promise.all(guesses)).map(({ at }) => at - began)
    expect(Math.max(...ends)).toBeGreaterThan(2_500)
  })
})

describe("streams", () => {
  it("ordinary ones are open to whoever is known, those of the system and $all to administrators", async () => {
    const mara = as(await made("mara"))
    const boss = as(await made("boss", ["$admins"]))
    await mara.appendToStream("note-b", note())
    expect(await read(mara, "note-b")).toBe(1)
    await expect(read(as("nobody"), "note-b")).rejects.toMatchObject(denied)
    await expect(readAll(mara)).rejects.toMatchObject(denied)
    await expect(mara.appendToStream("$secret", note())).rejects.toMatchObject(denied)
    await expect(read(mara, "$user-mara")).rejects.toMatchObject(denied)
    expect(await readAll(boss)).toBeGreaterThan(0)
    await boss.appendToStream("$secret", note())
    expect(await read(boss, "$user-mara")).toBe(1)
  })

  it("say themselves who may what, by name, by group and for all", async () => {
    const ada = as(await made("ada", ["writers"]))
    const eve = as(await made("eve"))
    const admin = as("admin")
    await admin.setStreamMetadata("story-1", {
      acl: { readRoles: ["ada", "eve"], writeRoles: ["writers"], metaReadRoles: ["ada"] },
    })
    await ada.appendToStream("story-1", note())
    await expect(eve.appendToStream("story-1", note())).rejects.toMatchObject(denied)
    expect([await read(ada, "story-1"), await read(eve, "story-1")]).toEqual([1, 1])
    expect((await ada.getStreamMetadata("story-1")).metadata?.acl?.writeRoles).toBeDefined()
    await expect(eve.getStreamMetadata("story-1")).rejects.toMatchObject(denied)
    await admin.setStreamMetadata("story-1", { acl: { readRoles: ["$all"], writeRoles: [] } })
    expect(await read(as("nobody"), "story-1")).toBe(1)
    await expect(ada.appendToStream("story-1", note())).rejects.toMatchObject(denied)
    await admin.appendToStream("story-1", note())
  })

  it("metadata is not deleted nor closed, by whomever: it goes with its stream", async () => {
    const admin = as("admin")
    await admin.appendToStream("story-2", note())
    await admin.setStreamMetadata("story-2", { maxCount: 5 })
    for (const client of [admin, as(await made("dora", ["$admins"]))]) {
      await expect(client.deleteStream("$$story-2")).rejects.toMatchObject(denied)
      await expect(client.tombstoneStream("$$story-2")).rejects.toMatchObject(denied)
    }
    expect((await admin.getStreamMetadata("story-2")).metadata).toMatchObject({ maxCount: 5 })
    await admin.deleteStream("story-2")
  })

  it("that say nothing follow $settings, where it says something", async () => {
    const ida = as(await made("ida"))
    const admin = as("admin")
    await ida.appendToStream("plan-1", note())
    const said = (userStreamAcl: unknown) =>
      admin.appendToStream(
        "$settings",
        jsonEvent(
          {
            type: "update-default-acl",
            data: {
              $userStreamAcl: userStreamAcl,
              $systemStreamAcl: { $r: ["$admins", "ida"], $w: "$admins" },
            },
          } as Parameters<typeof jsonEvent>[0],
        ),
      )
    await said({ $r: "$admins", $w: ["$admins"] })
    await expect(read(ida, "plan-1")).rejects.toMatchObject(denied)
    await expect(ida.appendToStream("plan-1", note())).rejects.toMatchObject(denied)
    expect(await readAll(ida)).toBeGreaterThan(0)
    await said({ $r: "$all", $w: "$all" })
    expect(await read(ida, "plan-1")).toBe(1)
  })

  it("an insecure door takes everybody for an administrator", async () => {
    const open = new EventStoreDBClient({ endpoint: `unix:${sockets.open}` }, { insecure: true })
    clients.push(open)
    expect(await readAll(open)).toBeGreaterThan(0)
    await open.appendToStream("$secret", note())
  })
})

describe("users", () => {
  it("change, are shut out, come back, and are gone with nothing readable left", async () => {
    const login = "vera"
    const options = new messages.DisableReq.Options().setLoginName(login)
    const first = await made(login, ["writers"])
    // A call that is open goes on as who it began: each step is a client of its own.
    await as(first).appendToStream("note-v", note())
    expect(await ended(users.create, create(login, `${login}'s: secret é`))).toBeUndefined()
    const conflict = await ended(users.create, create(login, "another"))
    expect(conflict).toMatchObject({ code: status.FAILED_PRECONDITION })
    expect(conflict?.metadata.get("exception")).toEqual(["user-conflict"])
    expect(await ended(users.disable, new messages.DisableReq().setOptions(options)))
      .toBeUndefined()
    await expect(as(first).appendToStream("note-v", note())).rejects.toMatchObject(denied)
    expect((await details(login))[0]).toMatchObject({
      loginName: login,
      fullName: "vera of the test",
      groupsList: ["writers"],
      disabled: true,
    })
    expect(
      await ended(
        users.enable,
        new messages.EnableReq().setOptions(
          new messages.EnableReq.Options().setLoginName(login),
        ),
      ),
    ).toBeUndefined()
    await as(first).appendToStream("note-v", note())

    const change = (current: string, next: string) =>
      new messages.ChangePasswordReq().setOptions(
        new messages.ChangePasswordReq.Options().setLoginName(login)
          .setCurrentPassword(current).setNewPassword(next),
      )
    const own = metadataOf(login, "vera's: secret é")
    expect(await ended(users.changePassword, change("wrong", "new"), own)).toMatchObject({
      code: status.PERMISSION_DENIED,
    })
    expect(await ended(users.changePassword, change("vera's: secret é", "new"), own))
      .toBeUndefined()
    await expect(as(first).appendToStream("note-v", note())).rejects.toMatchObject(denied)
    await as([login, "new"]).appendToStream("note-v", note())
    expect((await details(login, metadataOf(login, "new")))[0]?.loginName).toBe(login)
    await expect(details("", metadataOf(login, "new"))).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    })

    expect(
      await ended(
        users.delete,
        new messages.DeleteReq().setOptions(
          new messages.DeleteReq.Options().setLoginName(login),
        ),
      ),
    ).toBeUndefined()
    await expect(as([login, "new"]).appendToStream("note-v", note())).rejects.toMatchObject(denied)
    await expect(details(login)).rejects.toMatchObject({ code: status.NOT_FOUND })
    await expect(read(as("admin"), `$user-${login}`)).rejects.toMatchObject({
      type: "stream-not-found",
    })
    // The same login may be used again, by somebody else with another password.
    expect(await ended(users.create, create(login, "third"))).toBeUndefined()
    await as([login, "third"]).appendToStream("note-v", note())
    await expect(as([login, "new"]).appendToStream("note-v", note())).rejects.toMatchObject(denied)
    expect(await read(as("admin"), `$user-${login}`)).toBe(1)
  })

  it("are made by administrators only; admin itself is built in; passwords stand nowhere", async () => {
    const [login, password] = await made("carl")
    expect(await ended(users.create, create("x", "y"), metadataOf(login, password))).toMatchObject(
      { code: status.PERMISSION_DENIED },
    )
    expect(await ended(users.create, create("two words", "y"))).toMatchObject({
      code: status.INVALID_ARGUMENT,
    })
    expect(
      await ended(
        users.delete,
        new messages.DeleteReq().setOptions(
          new messages.DeleteReq.Options().setLoginName("admin"),
        ),
      ),
    ).toMatchObject({ code: status.FAILED_PRECONDITION })
    expect(
      await ended(
        users.disable,
        new messages.DisableReq().setOptions(
          new messages.DisableReq.Options().setLoginName("nobody"),
        ),
      ),
    ).toMatchObject({ code: status.NOT_FOUND })
    const logins = (await details("")).map((one) => one.loginName)
    expect(logins[0]).toBe("admin")
    expect(logins).toContain("carl")
    const all = JSON.stringify(await Effect.runPromise(log.readAll({ limit: 10_000 })))
    expect(all).toContain("scrypt$")
    expect(all).not.toContain(token)
    expect(all).not.toContain("secret é")
  })
})
