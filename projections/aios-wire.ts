/**
 * How the operations of `Aios` travel between two processes of one machine: names, arguments, lines.
 * Both sides must be the same version of AIOS; the header says so before anything is read.
 */
import { Effect, Queue, Schema, Stream } from "effect"
import type { ParsedRecord } from "../actors/intake.ts"
import type { Json } from "../machines/agent.ts"
import { type Aios, OperationFailed, type Progress } from "./aios.ts"

/** The version of AIOS: what `aios --version` says and what both ends of the socket must share. */
export const aiosVersion = "0.1.0"
export const versionHeader = "aios-version"

const Mailbox = Schema.Struct({ name: Schema.String, address: Schema.String })
const Source = Schema.Struct({ file: Schema.String, at: Schema.String })
const Text = Schema.String
const Texts = Schema.Array(Schema.String)

const WireMail = Schema.Struct({
  record: Schema.Literal("mail"),
  digest: Text,
  messageId: Text,
  inReplyTo: Text,
  references: Texts,
  from: Mailbox,
  to: Schema.Array(Mailbox),
  cc: Schema.Array(Mailbox),
  deliveredTo: Texts,
  subject: Text,
  text: Text,
  sentAt: Schema.optionalKey(Schema.Finite),
  labels: Texts,
  kind: Schema.Literals(["personal", "list", "automatic", "bounce"]),
  attachments: Schema.Array(Schema.Struct({
    name: Text,
    mediaType: Text,
    content: Schema.Uint8ArrayFromBase64,
  })),
  source: Source,
})
const WirePerson = Schema.Struct({
  record: Schema.Literal("person"),
  list: Schema.Literals(["linkedin", "hubspot", "people"]),
  name: Text,
  address: Text,
  company: Text,
  position: Text,
  phone: Text,
  url: Text,
  since: Schema.optionalKey(Schema.Finite),
  source: Source,
})
const Records: Schema.Codec<ReadonlyArray<ParsedRecord>, unknown> = Schema.Array(
  Schema.Union([WireMail, WirePerson]),
)

const Page = {
  stream: Schema.optionalKey(Text),
  after: Schema.optionalKey(Schema.Int),
  limit: Schema.optionalKey(Schema.Int),
}

/** The arguments of every operation, in the order of its parameters. */
export const Arguments = {
  settings: Schema.Tuple([]),
  configure: Schema.Tuple([Schema.Record(Text, Schema.Json)]),
  intake: Schema.Tuple([Records]),
  settle: Schema.Tuple([Schema.Finite]),
  brief: Schema.Tuple([Schema.NullOr(Text)]),
  approvals: Schema.Tuple([]),
  approve: Schema.Tuple([Text]),
  reject: Schema.Tuple([Text, Text]),
  agents: Schema.Tuple([Schema.NullOr(Text)]),
  events: Schema.Tuple([Schema.Struct(Page)]),
  follow: Schema.Tuple([Schema.Struct(Page)]),
  replay: Schema.Tuple([Schema.NullOr(Text)]),
  rebuild: Schema.Tuple([Schema.NullOr(Text)]),
  doctor: Schema.Tuple([]),
  resolve: Schema.Tuple([Text, Schema.Boolean]),
}
export type Operation = keyof typeof Arguments
export type ArgumentsOf<Name extends Operation> = (typeof Arguments)[Name]["Type"]

export const isOperation = (name: string): name is Operation => Object.hasOwn(Arguments, name)

/** One line of an answer: steps of progress or items of a stream, then one result or error. */
export type Line =
  | { readonly progress: Parameters<Progress>[0] }
  | { readonly item: unknown }
  | { readonly result: unknown }
  | { readonly error: typeof OperationFailed.Encoded }

/** Progress waits for nobody: a slow reader sees the newest steps. */
const progressQueued = 16

const decoded = <Name extends Operation, A, E>(
  name: Name,
  raw: unknown,
  run: (args: ArgumentsOf<Name>) => Effect.Effect<A, E>,
): Effect.Effect<A, E | OperationFailed> =>
  Schema.decodeUnknownEffect(Arguments[name] as Schema.Codec<ArgumentsOf<Name>, unknown>)(raw).pipe(
    Effect.mapError((error) =>
      new OperationFailed({
        kind: "usage",
        error: "InvalidArguments",
        message: `${name}: ${error.message}`,
      })
    ),
    Effect.flatMap(run),
  )

const call = (
  aios: Aios["Service"],
  name: Exclude<Operation, "follow">,
  raw: unknown,
  progress: Progress,
): Effect.Effect<unknown, OperationFailed> => {
  switch (name) {
    case "settings":
      return aios.settings
    case "approvals":
      return aios.approvals
    case "doctor":
      return aios.doctor
    case "configure":
      return decoded(name, raw, ([patch]) => aios.configure(patch as { [name: string]: Json }))
    case "intake":
      return decoded(name, raw, ([batch]) => aios.intake(batch))
    case "settle":
      return decoded(name, raw, ([millisMax]) => aios.settle(millisMax))
    case "brief":
      return decoded(name, raw, ([date]) => aios.brief(date ?? undefined))
    case "approve":
      return decoded(name, raw, ([id]) => aios.approve(id))
    case "reject":
      return decoded(name, raw, ([id, reason]) => aios.reject(id, reason))
    case "agents":
      return decoded(name, raw, ([filter]) => aios.agents(filter ?? undefined))
    case "events":
      return decoded(name, raw, ([page]) => aios.events(page))
    case "replay":
      return decoded(name, raw, ([filter]) => aios.replay(filter ?? undefined, progress))
    case "rebuild":
      return decoded(name, raw, ([which]) => aios.rebuild(which ?? undefined, progress))
    case "resolve":
      return decoded(name, raw, ([ask, happened]) => aios.resolve(ask, happened))
  }
}

const encodeError = Schema.encodeSync(OperationFailed)
/** The error without its cause: what the other process can show. */
export const errorLine = (error: OperationFailed): Line => ({ error: encodeError(error) })

/** Carries one call out and gives its answer as lines. It never fails: an error is the last line. */
export const answer = (
  aios: Aios["Service"],
  name: Operation,
  raw: unknown,
): Stream.Stream<Line> => {
  if (name === "follow") {
    return Stream.unwrap(
      decoded(name, raw, ([page]) => Effect.succeed(aios.follow(page))),
    ).pipe(
      Stream.map((item): Line => ({ item })),
      Stream.catch((error) => Stream.succeed(errorLine(error))),
    )
  }
  return Stream.callback<Line>((queue) =>
    call(aios, name, raw, (step) => {
      Queue.offerUnsafe(queue, { progress: step })
    }).pipe(
      Effect.match({
        onFailure: errorLine,
        onSuccess: (result): Line => ({ result: result ?? null }),
      }),
      Effect.flatMap((line) => Queue.offer(queue, line)),
      Effect.andThen(Queue.end(queue)),
    ), { bufferSize: progressQueued, strategy: "sliding" })
}
