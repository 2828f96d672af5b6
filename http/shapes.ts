/**
 * What the answers look like, as Schemas: the shapes of projections/aios.ts, which the compiler holds them
 * to. They document; answers are not checked at run time.
 */
import { Schema } from "effect"
import { ModelUse } from "./shapes-models.ts"

const Text = Schema.String
const Texts = Schema.Array(Text)
const Int = Schema.Int
const Millis = Schema.Finite.annotate({ description: "Epoch milliseconds" })
const maybe = Schema.optionalKey

export const State = Schema.Json.annotate({
  description: "The chart's state: a name, or per region a state",
})
export const Money = Schema.Struct({
  minor: Schema.Finite.annotate({ description: "In the smallest unit of the currency" }),
  currency: Text,
}).annotate({ identifier: "Money" })

const Metadata = Schema.Struct({
  at: Millis,
  occurredAt: maybe(Millis),
  $correlationId: Text,
  $causationId: maybe(Text),
  chart: maybe(Schema.Struct({ name: Text, version: Int, hash: Text })),
  asks: maybe(
    Schema.Array(
      Schema.Struct({
        ask: Schema.Literals(["activity", "spawn", "stop", "timer", "cancel", "tell"]),
      }),
    ).annotate({ description: "What the transition asked for; each kind has fields of its own" }),
  ),
  state: maybe(Text),
  value: maybe(State),
  status: maybe(Text),
  actor: maybe(Text),
  ask: maybe(Text),
  traceparent: maybe(Text),
})

export const Event = Schema.Struct({
  id: Text,
  stream: Text,
  revision: Int,
  position: Int,
  type: Text,
  data: Schema.Json.annotate({ description: "Its fields; what is personal is sealed" }),
  metadata: Metadata,
}).annotate({ identifier: "Event" })

export const Agent = Schema.Struct({
  agent: Text,
  key: Text,
  state: State,
  status: Text,
  revision: Int,
  accepts: Texts,
}).annotate({ identifier: "Agent" })

export const Actor = Schema.Struct({
  stream: Text,
  revision: Int,
  status: Text,
  state: State,
  context: maybe(Schema.Json.annotate({ description: "With `?open=1` only: envelopes opened" })),
  accepts: Texts,
  clock: Millis,
  problem: maybe(Text),
}).annotate({ identifier: "Actor" })

export const Done = Schema.Struct({
  person: Text,
  key: Text,
  state: Text,
  changed: Schema.Boolean,
  outcome: Text,
}).annotate({ identifier: "Done" })

export const Review = Schema.Struct({
  article: Text,
  topic: Text,
  title: Text,
  state: Text,
  text: Text,
  made: Text,
  notes: Int,
  dueAt: maybe(Millis),
  outcome: Text,
}).annotate({ identifier: "Review" })

const Cite = Schema.Struct({ event: Text, quote: Text })
/** What a person wants, as a model or the rules read it. */
const Forecast = Schema.Struct({
  intent: Text,
  warmth: Int,
  by: Schema.Literals(["model", "rules"]),
  made: Text,
  evidence: Schema.Array(Cite),
  refusedModel: maybe(Texts),
  event: Text,
}).annotate({ identifier: "Forecast" })

export const Approval = Schema.Struct({
  id: Text,
  agent: Text,
  activity: Text,
  risk: Text,
  reasons: Texts,
  content: Schema.Json,
  hash: Text,
  events: Texts,
  requestedAt: Millis,
  grade: Schema.Literals(["low", "normal", "high"]),
  rule: Text,
  group: maybe(Text),
  dueAt: maybe(Millis),
  postponedUntil: maybe(Millis),
  unclear: maybe(Schema.Boolean.annotate({
    description: "Nobody knows whether it happened: aios settle ID, not approve",
  })),
  made: maybe(Text),
  evidence: maybe(Schema.Array(Cite)),
  refusedModel: maybe(Texts),
}).annotate({ identifier: "Approval" })

export const Decision = Schema.Struct({
  id: Text,
  decision: Schema.Literals(["approved", "rejected", "postponed"]),
  already: Schema.Boolean,
  outcome: Text,
}).annotate({ identifier: "Decision" })

export const Edited = Schema.Struct({ id: Text, approval: Approval, difference: Text })
  .annotate({ identifier: "Edited" })

export const Undone = Schema.Struct({
  id: Text,
  undone: Schema.Literals(["decision", "effect"]),
  outcome: Text,
}).annotate({ identifier: "Undone" })

export const BriefItem = Schema.Struct({
  what: Text,
  short: Text,
  prepared: Text,
  action: Text,
  more: Schema.Array(Schema.Struct({ prepared: Text, action: Text })),
  why: Texts,
  dueAt: maybe(Millis),
  since: Millis,
  kind: Schema.Literals(["approval", "reply", "lead", "invoice", "content", "meeting", "held"]),
  person: maybe(Text),
  key: maybe(Text),
  approvals: Texts,
  events: Texts,
  rank: Schema.Finite,
}).annotate({ identifier: "BriefItem" })

const Invoice = Schema.Struct({
  key: Text,
  number: Text,
  person: Text,
  state: Text,
  total: Money,
  open: Money,
  dueAt: Millis,
  daysLate: Schema.Finite,
  events: Texts,
}).annotate({ identifier: "Invoice" })

const Owed = Schema.Struct({
  person: Text,
  key: Text,
  subject: Text,
  about: Text,
  since: Millis,
  mails: Int,
  pressing: Schema.Finite,
  dueAt: maybe(Millis),
  quotes: Texts,
  events: Texts,
  reading: maybe(Forecast),
})

const Content = Schema.Struct({
  topic: Text,
  title: Text,
  state: Text,
  dueAt: maybe(Millis),
  notes: Int,
  covered: Int,
  uncovered: Texts,
  events: Texts,
})

export const Brief = Schema.Struct({
  date: Text,
  timeZone: Text,
  now: Schema.Array(BriefItem),
  week: Schema.Array(BriefItem),
  leads: Schema.Array(Schema.Struct({
    person: Text,
    key: Text,
    state: Text,
    score: Schema.Finite,
    reasons: Texts,
    events: Texts,
    reading: maybe(Forecast),
  })),
  approvals: Schema.Array(Approval),
  invoices: Schema.Array(Invoice),
  money: Schema.Struct({
    overdue: Schema.Array(Money),
    overdueCount: Int,
    oldest: maybe(Schema.Struct({ person: Text, days: Schema.Finite })),
    expected: Schema.Array(Money),
    accepted: Schema.Array(Money),
    received: Schema.Array(Money),
  }),
  replies: Schema.Array(Owed),
  content: Schema.Array(Content),
  meetings: Schema.Array(Schema.Struct({
    title: Text,
    startsAt: Millis,
    endsAt: Millis,
    allDay: Schema.Boolean,
    with: Text,
    events: Texts,
  })),
  news: Schema.Struct({
    mails: Int,
    messages: Int,
    people: Int,
    leads: Int,
    payments: Int,
    since: Millis,
    takenIn: Schema.Struct({ records: Int, oldest: maybe(Millis) }),
    known: Schema.Boolean,
  }),
  decided: Schema.Array(Schema.Struct({
    id: Text,
    decision: Text,
    what: Text,
    outcome: Text,
    at: Millis,
    events: Texts,
  })),
  done: Schema.Array(
    Schema.Struct({ what: Text, count: Schema.Int, each: Texts, events: Texts }),
  ),
  held: Schema.Array(Schema.Struct({ what: Text, action: Text, events: Texts })),
  unknown: Texts,
  checklist: Schema.Array(Schema.Struct({ what: Text, fix: Text })),
}).annotate({ identifier: "Brief" })

const Source = Schema.Struct({ file: Text, at: Text })
export const Why = Schema.Struct({
  of: Text,
  causes: Schema.Array(Schema.Struct({
    event: Text,
    type: Text,
    stream: Text,
    at: Millis,
    what: Text,
    source: maybe(Source),
    models: maybe(Schema.Array(ModelUse)),
  })),
}).annotate({ identifier: "Why" })

export const WhyNot = Schema.Struct({
  agent: Text,
  key: Text,
  state: State,
  obstacles: Schema.Array(Schema.Struct({ by: Text, what: Text, events: Texts })),
  accepts: Texts,
}).annotate({ identifier: "WhyNot" })

export const Person = Schema.Struct({
  key: Text,
  name: Text,
  address: Text,
  company: Text,
  mails: Int,
  lastAt: maybe(Millis),
  lists: Texts,
  reading: maybe(Forecast),
}).annotate({ identifier: "Person" })

export const History = Schema.Struct({
  person: Text,
  key: Text,
  address: Text,
  entries: Schema.Array(Schema.Struct({
    at: Millis,
    what: Text,
    detail: Text,
    event: Text,
    source: maybe(Source),
  })),
}).annotate({ identifier: "History" })

export const Report = Schema.Struct({
  slot: Text,
  date: Text,
  title: Text,
  text: Text,
  figures: Schema.Record(Text, Schema.Finite),
  event: Text,
}).annotate({ identifier: "Report" })

export const ReadModel = Schema.Struct({
  name: Text,
  version: Int,
  position: Int,
  head: Int,
  events: Int,
  problem: maybe(Text),
}).annotate({ identifier: "ReadModel" })

export const ServiceRow = Schema.Struct({
  name: Text,
  state: Text.annotate({
    description: "`healthy`, `open` or `probing` (an outage), `absent`, `untried`, `off`",
  }),
  since: Int.annotate({ description: "Epoch ms; 0 where it is not known" }),
  reason: Text,
  fix: Text.annotate({ description: "What mends it; empty where it is well" }),
  without: Text.annotate({ description: "What is done without it" }),
}).annotate({ identifier: "Service" })

export const Row = Schema.Struct({ key: Text, row: Schema.Json }).annotate({ identifier: "Row" })

/** A page of a list; `next` is where the next one begins, absent on the last. */
export const pageOf = <S extends Schema.ConstraintDecoder<unknown>>(item: S) =>
  Schema.Struct({ items: Schema.Array(item), next: maybe(Text) })
