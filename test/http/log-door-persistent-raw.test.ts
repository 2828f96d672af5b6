/**
 * Persistent subscriptions as clients other than the official one may call them: older fields, ids as two
 * numbers, strategies by name, nonsense; and who may do what.
 */
import { type Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js"
import grpc from "@eventstore/db-client/generated/persistent_grpc_pb.js"
import messages from "@eventstore/db-client/generated/persistent_pb.js"
import operators from "@eventstore/db-client/generated/operations_grpc_pb.js"
import operating from "@eventstore/db-client/generated/operations_pb.js"
import shared from "@eventstore/db-client/generated/shared_pb.js"
import { jsonEvent } from "@eventstore/db-client"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { User } from "../../http/log-door/access.ts"
import { accessDenied, unauthenticated } from "../../http/log-door/errors.ts"
import { idOf } from "../../http/log-door/names.ts"
import { numbered, type Served, served, until } from "./log-door-groups.ts"

const users: Readonly<Record<string, User>> = {
  admin: { name: "admin", groups: ["$admins"] },
  ops: { name: "ops", groups: ["$ops"] },
  reader: { name: "reader", groups: [] },
  anonymous: { groups: [] },
}

let at: Served
let client: grpc.PersistentSubscriptionsClient
beforeAll(async () => {
  at = await served({
    authenticate: (headers) => {
      const [name] = headers.get("user")
      // The official client shows nothing here and prepares the streams.
      if (name === undefined) return users["admin"]!
      const user = users[String(name)]
      if (user === undefined) throw unauthenticated()
      return user
    },
    access: () => ({
      check: (user, stream) =>
        stream === "secret-1" && !user.groups.includes("$admins")
          ? Promise.reject(accessDenied())
          : Promise.resolve(),
    }),
  })
  client = new grpc.PersistentSubscriptionsClient(
    `unix:${at.socket}`,
    credentials.createInsecure(),
  )
  await at.client.appendToStream("secret-1", numbered(2))
  await at.client.appendToStream("open-1", numbered(3))
})
afterAll(async () => {
  ;(client as unknown as Client).close()
  await at.close()
})

const as = (user: string) => {
  const metadata = new Metadata()
  metadata.set("user", user)
  return metadata
}
const nothing = new shared.Empty()
const identifier = (stream: string) =>
  new shared.StreamIdentifier().setStreamName(new TextEncoder().encode(stream))

type Answered<A> = (cause: ServiceError | null, answer: A) => void
/** The answer, or the status and the exception it failed with. */
const asked = <A>(call: (done: Answered<A>) => unknown): Promise<A | string> =>
  new Promise((resolve) => {
    call((cause, answer) => {
      if (cause === null) return resolve(answer)
      const [exception = ""] = cause.metadata.get("exception")
      resolve(`${status[cause.code]} ${String(exception)}`.trim())
    })
  })

const settings = () =>
  new messages.CreateReq.Settings()
    .setMessageTimeoutMs(30_000)
    .setCheckpointAfterMs(1_000)
    .setMinCheckpointCount(10)
    .setMaxCheckpointCount(100)
    .setMaxRetryCount(5)
    .setLiveBufferSize(500)
    .setReadBatchSize(20)
    .setHistoryBufferSize(500)
const creation = (stream: string, group: string, of = settings()) =>
  new messages.CreateReq().setOptions(
    new messages.CreateReq.Options()
      .setGroupName(group)
      .setStream(
        new messages.CreateReq.StreamOptions()
          .setStreamIdentifier(identifier(stream))
          .setStart(nothing),
      )
      .setSettings(of),
  )
const create = (request: messages.CreateReq, user = "admin") =>
  asked<messages.CreateResp>((done) => client.create(request, as(user), done))
const info = (stream: string, group: string, user = "admin") =>
  asked<messages.GetInfoResp>((done) =>
    client.getInfo(
      new messages.GetInfoReq().setOptions(
        new messages.GetInfoReq.Options()
          .setStreamIdentifier(identifier(stream))
          .setGroupName(group),
      ),
      as(user),
      done,
    )
  )
const infoOf = async (stream: string, group: string) => {
  const answer = await info(stream, group)
  if (typeof answer === "string") throw new Error(answer)
  return answer.getSubscriptionInfo()!
}

/** A reading call, with what came and how it ended. */
const reading = (user: string, ...requests: ReadonlyArray<messages.ReadReq>) => {
  const call = client.read(as(user))
  const came: Array<messages.ReadResp> = []
  let ended: string | undefined
  call.on("data", (answer: messages.ReadResp) => came.push(answer))
  call.on("error", (cause: ServiceError) => {
    const [exception = ""] = cause.metadata?.get("exception") ?? []
    ended = `${status[cause.code]} ${String(exception)}`.trim()
  })
  for (const request of requests) call.write(request)
  return { call, came, ended: () => ended }
}
const options = (stream: string, group: string, bufferSize = 10) =>
  new messages.ReadReq.Options()
    .setStreamIdentifier(identifier(stream))
    .setGroupName(group)
    .setBufferSize(bufferSize)
    .setUuidOption(new messages.ReadReq.Options.UUIDOption().setStructured(nothing))
const reads = (of: messages.ReadReq.Options) => new messages.ReadReq().setOptions(of)

describe("other clients", () => {
  it("give strategies by name or by number, times in ticks, and the stream in the old place", async () => {
    const old = new messages.CreateReq().setOptions(
      new messages.CreateReq.Options()
        .setGroupName("old")
        .setStreamIdentifier(identifier("open-1"))
        .setSettings(
          settings()
            .setRevision("2")
            .setMessageTimeoutTicks("20000000")
            .setCheckpointAfterTicks("10000000")
            .setNamedConsumerStrategy(messages.CreateReq.ConsumerStrategy.PINNED),
        ),
    )
    expect(await create(old)).not.toBeTypeOf("string")
    const found = await infoOf("open-1", "old")
    expect(found.getNamedConsumerStrategy()).toBe("Pinned")
    expect(found.getStartFrom()).toBe("2")
    expect(found.getMessageTimeoutMilliseconds()).toBe(2_000)
    expect(found.getCheckPointAfterMilliseconds()).toBe(1_000)

    const named = settings().setConsumerStrategy("PinnedByCorrelation")
    expect(await create(creation("open-1", "named", named))).not.toBeTypeOf("string")
    expect((await infoOf("open-1", "named")).getNamedConsumerStrategy()).toBe("PinnedByCorrelation")
    const unknown = settings().setConsumerStrategy("Random")
    expect(await create(creation("open-1", "unknown", unknown))).toBe(
      "INTERNAL persistent-subscription-failed",
    )
  })

  it("may have ids as two numbers, and acknowledge so", async () => {
    await create(creation("open-1", "structured"))
    const { call, came } = reading("admin", reads(options("open-1", "structured", 2)))
    await until(() => came.length >= 3)
    expect(came[0]?.getSubscriptionConfirmation()?.getSubscriptionId()).toBe("open-1::structured")
    const ids = came.slice(1).map((answer) => answer.getEvent()!.getEvent()!.getId()!)
    expect(ids.every((id) => id.hasStructured())).toBe(true)
    expect(new Set(ids.map(idOf)).size).toBe(2)
    call.write(new messages.ReadReq().setAck(new messages.ReadReq.Ack().setIdsList(ids)))
    await until(() => came.length >= 4)
    expect(came[3]?.getEvent()?.getEvent()?.getStreamRevision()).toBe("2")
    expect(came[3]?.getEvent()?.hasRetryCount()).toBe(true)
    call.cancel()
    await until(async () =>
      (await infoOf("open-1", "structured")).getConnectionsList().length === 0
    )
  })

  it("that do not read are given no more than they have room for, however late they are", async () => {
    const large = () => jsonEvent({ type: "Large", data: { text: "x".repeat(300_000) } })
    for (let n = 0; n < 30; n++) await at.client.appendToStream("large-1", large())
    await create(
      creation("large-1", "stuck", settings().setMessageTimeoutMs(100).setMaxRetryCount(1_000)),
    )
    const call = client.read(as("admin"))
    call.on("error", () => {})
    // It takes the first and then no more: what comes stays in the connection.
    call.on("data", () => call.pause())
    call.write(reads(options("large-1", "stuck", 5)))
    const given = async () =>
      Number((await infoOf("large-1", "stuck")).getConnectionsList()[0]?.getTotalItems() ?? 0)
    let last = -1
    await until(async () => {
      await new Promise((resolve) => setTimeout(resolve, 500))
      const before = last
      last = await given()
      return last > 0 && last === before
    })
    const other = reading("admin", reads(options("large-1", "stuck", 50)))
    await until(() => other.came.length >= 31)
    call.cancel()
    other.call.cancel()
  })

  it("are told what is wrong with a call", async () => {
    await create(creation("open-1", "calls"))
    for (
      const [first, ending] of [
        [new messages.ReadReq().setAck(new messages.ReadReq.Ack()), "INVALID_ARGUMENT"],
        [reads(options("open-1", "calls", 0)), "INVALID_ARGUMENT"],
        [reads(options("open-1", "none")), "NOT_FOUND persistent-subscription-does-not-exist"],
      ] as const
    ) {
      const { ended } = reading("admin", first)
      await until(() => ended() !== undefined)
      expect(ended()).toBe(ending)
    }
    expect(await create(creation("", "calls"))).toBe("INTERNAL persistent-subscription-failed")
    const regex = new messages.CreateReq.AllOptions.FilterOptions.Expression().setRegex("(")
    const filtered = new messages.CreateReq().setOptions(
      new messages.CreateReq.Options().setGroupName("regex").setSettings(settings()).setAll(
        new messages.CreateReq.AllOptions().setStart(nothing).setFilter(
          new messages.CreateReq.AllOptions.FilterOptions().setEventType(regex).setCount(nothing),
        ),
      ),
    )
    expect(await create(filtered)).toBe("INVALID_ARGUMENT")
  })
})

describe("who may", () => {
  const denied = "PERMISSION_DENIED access-denied"
  const every = (user: string): ReadonlyArray<() => Promise<unknown>> => {
    const headers = as(user)
    const on = identifier("open-1")
    return [
      () => create(creation("open-1", `of-${user}`), user),
      () =>
        asked((done) =>
          client.update(
            new messages.UpdateReq().setOptions(
              new messages.UpdateReq.Options().setGroupName(`of-${user}`)
                .setStreamIdentifier(on)
                .setSettings(
                  new messages.UpdateReq.Settings().setReadBatchSize(1).setHistoryBufferSize(5),
                ),
            ),
            headers,
            done,
          )
        ),
      () =>
        asked((done) =>
          client.replayParked(
            new messages.ReplayParkedReq().setOptions(
              new messages.ReplayParkedReq.Options().setGroupName(`of-${user}`)
                .setStreamIdentifier(on).setNoLimit(nothing),
            ),
            headers,
            done,
          )
        ),
      () =>
        asked((done) =>
          client.delete(
            new messages.DeleteReq().setOptions(
              new messages.DeleteReq.Options().setGroupName(`of-${user}`).setStreamIdentifier(on),
            ),
            headers,
            done,
          )
        ),
      () => asked((done) => client.restartSubsystem(nothing, headers, done)),
    ]
  }
  /** One after the other: each builds on the one before. */
  const inOrder = async (user: string) => {
    const answers: Array<unknown> = []
    for (const ask of every(user)) answers.push(await ask())
    return answers
  }

  it("manage: administrators and operators", async () => {
    for (const user of ["admin", "ops"]) {
      expect((await inOrder(user)).filter((answer) => typeof answer === "string")).toEqual([])
    }
    for (const user of ["reader", "anonymous"]) {
      expect(new Set(await inOrder(user))).toEqual(new Set([denied]))
    }
    expect(await create(creation("open-1", "x"), "nobody")).toBe("UNAUTHENTICATED")
  })

  it("see: whoever showed credentials", async () => {
    await create(creation("open-1", "seen"))
    expect(await info("open-1", "seen", "reader")).not.toBeTypeOf("string")
    expect(await info("open-1", "seen", "anonymous")).toBe(denied)
    const list = (user: string) =>
      asked<messages.ListResp>((done) =>
        client.list(
          new messages.ListReq().setOptions(
            new messages.ListReq.Options().setListAllSubscriptions(nothing),
          ),
          as(user),
          done,
        )
      )
    expect(await list("reader")).not.toBeTypeOf("string")
    expect(await list("anonymous")).toBe(denied)
  })

  it("consume: whoever may read the stream", async () => {
    await create(creation("open-1", "consumed"))
    await create(creation("secret-1", "consumed"))
    for (
      const [user, stream, may] of [
        ["reader", "open-1", true],
        ["anonymous", "open-1", false],
        ["reader", "secret-1", false],
        ["admin", "secret-1", true],
      ] as const
    ) {
      const { call, came, ended } = reading(user, reads(options(stream, "consumed")))
      await until(() => came.length > 0 || ended() !== undefined)
      expect([user, stream, ended()]).toEqual([user, stream, may ? undefined : denied])
      call.cancel()
    }
  })
})

describe("what operators do", () => {
  const denied = "PERMISSION_DENIED access-denied"
  let operations: operators.OperationsClient
  beforeAll(() => {
    operations = new operators.OperationsClient(
      `unix:${at.socket}`,
      credentials.createInsecure(),
    )
  })
  afterAll(() => (operations as unknown as Client).close())

  const harmless = (user: string): ReadonlyArray<() => Promise<unknown>> => [
    () => asked((done) => operations.mergeIndexes(nothing, as(user), done)),
    () => asked((done) => operations.resignNode(nothing, as(user), done)),
    () =>
      asked((done) =>
        operations.setNodePriority(
          new operating.SetNodePriorityReq().setPriority(1),
          as(user),
          done,
        )
      ),
    () => asked((done) => operations.restartPersistentSubscriptions(nothing, as(user), done)),
  ]
  const refused = (user: string): ReadonlyArray<() => Promise<unknown>> => [
    () =>
      asked((done) => operations.startScavenge(new operating.StartScavengeReq(), as(user), done)),
    () => asked((done) => operations.stopScavenge(new operating.StopScavengeReq(), as(user), done)),
    () => asked((done) => operations.shutdown(nothing, as(user), done)),
  ]
  const answers = (calls: ReadonlyArray<() => Promise<unknown>>) =>
    Promise.all(calls.map((call) => call()))

  it("is done where a log of one member has nothing to do for it, and else refused", async () => {
    for (const user of ["admin", "ops"]) {
      expect(await answers(harmless(user))).toEqual(Array(4).fill(expect.any(shared.Empty)))
      expect(await answers(refused(user))).toEqual(Array(3).fill("UNIMPLEMENTED"))
    }
    for (const user of ["reader", "anonymous"]) {
      const all = [...harmless(user), ...refused(user)]
      expect(new Set(await answers(all))).toEqual(new Set([denied]))
    }
  })

  it("ends who consumes, for them to come again, when persistent subscriptions begin anew", async () => {
    await create(creation("open-1", "restarted"))
    const first = reading("admin", reads(options("open-1", "restarted")))
    await until(() => first.came.length > 0)
    const [, , , restart] = harmless("ops")
    await restart!()
    await until(() => first.ended() !== undefined)
    const second = reading("admin", reads(options("open-1", "restarted")))
    await until(() => second.came.length > 3)
    second.call.cancel()
  })
})
