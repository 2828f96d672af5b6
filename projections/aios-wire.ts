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
  suspicions: Schema.optionalKey(
    Schema.Array(
      Schema.Literals(["forgedFrom", "lookalikeAddress", "activeContent", "oversized"]),
    ),
  ),
  source: Source,
})
const WirePerson = Schema.Struct({
  record: Schema.Literal("person"),
  list: Schema.Literals(["linkedin", "hubspot", "salesforce", "people"]),
  name: Text,
  address: Text,
  company: Text,
  position: Text,
  phone: Text,
  url: Text,
  since: Schema.optionalKey(Schema.Finite),
  source: Source,
})
const at = Schema.optionalKey(Schema.Finite)
const Named = Schema.Struct({ name: Text, url: Text })
const WireMessage = Schema.Struct({
  record: Schema.Literal("message"),
  network: Schema.Literal("linkedin"),
  conversation: Text,
  from: Named,
  to: Schema.Array(Named),
  subject: Text,
  text: Text,
  sentAt: at,
  folder: Text,
  source: Source,
})
const WireMoney = Schema.Struct({ minor: Schema.Int, currency: Text })
const Customer = Schema.Struct({ ...Mailbox.fields, id: Text })
const WireInvoice = Schema.Struct({
  record: Schema.Literal("invoice"),
  system: Schema.Literals(["stripe", "lines"]),
  id: Text,
  number: Text,
  status: Schema.Literals(["draft", "open", "paid", "void", "uncollectible"]),
  customer: Customer,
  total: WireMoney,
  paid: WireMoney,
  issuedAt: at,
  dueAt: at,
  paidAt: at,
  cancels: Schema.optionalKey(Text),
  lines: Schema.Array(
    Schema.Struct({ description: Text, quantity: Schema.Finite, minor: Schema.Int }),
  ),
  more: Schema.Int,
  at,
  source: Source,
})
const WirePayment = Schema.Struct({
  record: Schema.Literal("payment"),
  system: Schema.Literal("stripe"),
  id: Text,
  kind: Schema.Literals(["charge", "refund", "dispute"]),
  status: Schema.Literals(["succeeded", "pending", "failed", "won", "lost", "open"]),
  amount: WireMoney,
  invoice: Schema.optionalKey(Text),
  of: Schema.optionalKey(Text),
  customer: Customer,
  description: Text,
  paidAt: at,
  source: Source,
})
const WireMeeting = Schema.Struct({
  record: Schema.Literal("meeting"),
  uid: Text,
  recurrence: Text,
  sequence: Schema.Int,
  status: Schema.Literals(["confirmed", "tentative", "cancelled"]),
  title: Text,
  location: Text,
  notes: Text,
  organiser: Mailbox,
  attendees: Schema.Array(Mailbox),
  ics: Text,
  startsAt: Schema.Finite,
  endsAt: Schema.Finite,
  allDay: Schema.Boolean,
  timeZone: Text,
  repeats: Schema.Boolean,
  alarms: Schema.Array(Schema.Finite),
  source: Source,
})
const WireFeedItem = Schema.Struct({
  record: Schema.Literal("feedItem"),
  feed: Schema.Struct({ title: Text, url: Text }),
  id: Text,
  title: Text,
  url: Text,
  author: Text,
  summary: Text,
  publishedAt: at,
  source: Source,
})
const WireNote = Schema.Struct({
  record: Schema.Literal("note"),
  kind: Schema.Literals(["note", "draft", "article"]),
  topic: Text,
  title: Text,
  text: Text,
  tags: Texts,
  matter: Schema.Json,
  dueAt: at,
  writtenAt: at,
  source: Source,
})
const Records: Schema.Codec<ReadonlyArray<ParsedRecord>, unknown> = Schema.Array(
  Schema.Union([
    WireMail,
    WirePerson,
    WireMessage,
    WireInvoice,
    WirePayment,
    WireMeeting,
    WireFeedItem,
    WireNote,
  ]),
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
  serveLog: Schema.Tuple([Schema.Boolean]),
  logUsers: Schema.Tuple([Schema.NullOr(Schema.Struct({
    login: Text,
    what: Schema.Literals(["add", "password", "remove"]),
    password: Schema.optionalKey(Text),
    groups: Schema.optionalKey(Texts),
  }))]),
  replay: Schema.Tuple([Schema.NullOr(Text)]),
  rebuild: Schema.Tuple([Schema.NullOr(Text)]),
  doctor: Schema.Tuple([]),
  unclear: Schema.Tuple([]),
  resolve: Schema.Tuple([Text, Schema.Boolean]),
  approveGroup: Schema.Tuple([Text, Schema.NullOr(Schema.Array(Text))]),
  preview: Schema.Tuple([Text]),
  edit: Schema.Tuple([
    Text,
    Schema.Struct({ subject: Schema.optionalKey(Text), text: Text }),
  ]),
  later: Schema.Tuple([Text, Schema.Finite]),
  undo: Schema.Tuple([Text]),
  paid: Schema.Tuple([
    Text,
    Schema.Struct({
      amount: Schema.optionalKey(WireMoney),
      at,
      force: Schema.optionalKey(Schema.Boolean),
    }),
  ]),
  done: Schema.Tuple([Text]),
  review: Schema.Tuple([
    Text,
    Schema.NullOr(Schema.Struct({ passed: Schema.Boolean, reason: Schema.optionalKey(Text) })),
  ]),
  why: Schema.Tuple([Text]),
  whyNot: Schema.Tuple([Text]),
  history: Schema.Tuple([Text]),
  people: Schema.Tuple([Schema.NullOr(Text)]),
  reports: Schema.Tuple([Schema.NullOr(Text)]),
  view: Schema.Tuple([Text]),
  propose: Schema.Tuple([
    Text,
    Schema.Record(Text, Schema.Json),
    Schema.Struct({
      id: Schema.optionalKey(Text),
      revision: Schema.optionalKey(Schema.Int),
      occurredAt: Schema.optionalKey(Schema.Int),
    }),
  ]),
  rows: Schema.Tuple([
    Text,
    Schema.Struct({
      prefix: Schema.optionalKey(Text),
      after: Schema.optionalKey(Text),
      limit: Schema.optionalKey(Schema.Int),
    }),
  ]),
  projections: Schema.Tuple([]),
  backup: Schema.Tuple([]),
  backupDone: Schema.Tuple([Text]),
  exported: Schema.Tuple([Schema.Struct({ after: Schema.Int, limit: Schema.Int })]),
  blob: Schema.Tuple([Schema.Struct({ sha256: Text, subject: Text })]),
  recall: Schema.Tuple([
    Text,
    Schema.Struct({
      person: Schema.optionalKey(Text),
      at,
      position: Schema.optionalKey(Schema.Int),
      deep: Schema.optionalKey(Schema.Boolean),
      segment: Schema.optionalKey(Text),
      limit: Schema.optionalKey(Schema.Int),
      tokensMax: Schema.optionalKey(Schema.Int),
    }),
  ]),
  costs: Schema.Tuple([
    Schema.Struct({ since: at, agent: Schema.optionalKey(Text) }),
  ]),
  memory: Schema.Tuple([]),
  summaries: Schema.Tuple([
    Schema.NullOr(Schema.Literals(["accepted", "refused", "withdrawn", "replaced"])),
  ]),
  withdrawSummary: Schema.Tuple([Text, Text]),
  summarise: Schema.Tuple([]),
  memoryPolicy: Schema.Tuple([Schema.Record(Text, Schema.Json), Schema.Boolean]),
  archive: Schema.Tuple([
    Schema.Struct({
      days: Schema.optionalKey(Schema.Finite),
      dryRun: Schema.optionalKey(Schema.Boolean),
    }),
  ]),
  segments: Schema.Tuple([]),
  restoreSegment: Schema.Tuple([Text]),
  services: Schema.Tuple([]),
  modelPolicy: Schema.Tuple([Schema.NullOr(Schema.Record(Text, Schema.Json))]),
  transcripts: Schema.Tuple([Text]),
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
  name: Exclude<Operation, "follow" | "serveLog">,
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
    case "unclear":
      return aios.unclear
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
      return decoded(name, raw, ([which, happened]) => aios.resolve(which, happened))
    case "approveGroup":
      return decoded(name, raw, ([group, ids]) => aios.approveGroup(group, ids ?? undefined))
    case "preview":
      return decoded(name, raw, ([id]) => aios.preview(id))
    case "edit":
      return decoded(name, raw, ([id, patch]) => aios.edit(id, patch))
    case "later":
      return decoded(name, raw, ([id, until]) => aios.later(id, until))
    case "undo":
      return decoded(name, raw, ([id]) => aios.undo(id))
    case "paid":
      return decoded(name, raw, ([invoice, payment]) => aios.paid(invoice, payment))
    case "done":
      return decoded(name, raw, ([person]) => aios.done(person))
    case "review":
      return decoded(name, raw, ([article, verdict]) => aios.review(article, verdict ?? undefined))
    case "why":
      return decoded(name, raw, ([id]) => aios.why(id))
    case "whyNot":
      return decoded(name, raw, ([agent]) => aios.whyNot(agent))
    case "history":
      return decoded(name, raw, ([person]) => aios.history(person))
    case "people":
      return decoded(name, raw, ([filter]) => aios.people(filter ?? undefined))
    case "reports":
      return decoded(name, raw, ([slot]) => aios.reports(slot ?? undefined))
    case "view":
      return decoded(name, raw, ([stream]) => aios.view(stream))
    case "propose":
      return decoded(name, raw, ([stream, event, options]) => aios.propose(stream, event, options))
    case "rows":
      return decoded(name, raw, ([projection, options]) => aios.rows(projection, options))
    case "projections":
      return aios.projections
    case "logUsers":
      return decoded(name, raw, ([change]) => aios.logUsers(change ?? undefined))
    case "backup":
      return aios.backup(progress)
    case "backupDone":
      return decoded(name, raw, ([folder]) => aios.backupDone(folder))
    case "exported":
      return decoded(name, raw, ([options]) => aios.exported(options))
    case "blob":
      return decoded(name, raw, ([ref]) => aios.blob(ref))
    case "recall":
      return decoded(name, raw, ([question, options]) => aios.recall(question, options))
    case "costs":
      return decoded(name, raw, ([options]) => aios.costs(options))
    case "memory":
      return aios.memory
    case "summaries":
      return decoded(name, raw, ([state]) => aios.summaries(state ?? undefined))
    case "withdrawSummary":
      return decoded(name, raw, ([id, reason]) => aios.withdrawSummary(id, reason))
    case "summarise":
      return aios.summarise(progress)
    case "memoryPolicy":
      return decoded(
        name,
        raw,
        ([patch, apply]) => aios.memoryPolicy(patch as { [name: string]: Json }, apply),
      )
    case "archive":
      return decoded(name, raw, ([options]) => aios.archive(options, progress))
    case "segments":
      return aios.segments
    case "restoreSegment":
      return decoded(name, raw, ([segment]) => aios.restoreSegment(segment, progress))
    case "services":
      return aios.services
    case "transcripts":
      return decoded(name, raw, ([event]) => aios.transcripts(event))
    case "modelPolicy":
      return decoded(
        name,
        raw,
        ([patch]) => aios.modelPolicy(patch as { [name: string]: Json } | null),
      )
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
  const items = (stream: Effect.Effect<Stream.Stream<unknown, OperationFailed>, OperationFailed>) =>
    Stream.unwrap(stream).pipe(
      Stream.map((item): Line => ({ item })),
      Stream.catch((error) => Stream.succeed(errorLine(error))),
    )
  if (name === "follow") {
    return items(decoded(name, raw, ([page]) => Effect.succeed(aios.follow(page))))
  }
  if (name === "serveLog") {
    return items(decoded(name, raw, ([secure]) => Effect.succeed(aios.serveLog(secure))))
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
