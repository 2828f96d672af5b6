/**
 * How a model reads a conversation: what the person wants, how warm they are, and the words that show it.
 * It is a forecast with its evidence, nothing is decided by it; where no model can be asked, or what it
 * says does not hold, the rules' own reading stands. The region that asks for it is in `analyst.ts`.
 */
import { Schema } from "effect"
import { activity, personal, staleAfterMillisDefault } from "./agent.ts"
import { Findings } from "./conversation.ts"
import { Evidence, Instant, PersonKey } from "./record.ts"

/** What somebody wants, by the names the rules have for it. */
export const ReadIntent = Schema.Literals([
  "accepts",
  "declines",
  "complains",
  "asksPrice",
  "asksMeeting",
  "asks",
  "thanks",
  "other",
])
export type ReadIntent = typeof ReadIntent.Type

/** How often one that waits for a model looks for it again. */
const awayMillis = 30_000

export const readConversation = activity({
  name: "readConversation",
  input: Schema.Struct({
    person: PersonKey,
    /** Newest last, at most 10. */
    mails: Schema.Array(Schema.Struct({
      record: Schema.String,
      direction: Schema.Literals(["inward", "outward"]),
      sentAt: Instant,
      findings: Findings,
    })),
    /** Stream of the person's newest mail, and the words the rules read it from. */
    record: Schema.String,
    quotes: personal(Schema.Array(Schema.String)),
  }),
  output: Schema.Struct({
    person: PersonKey,
    intent: ReadIntent,
    /** 0 to 100: how near the person is to saying yes. */
    warmth: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
    /** 1 to 3; of the rules' reading none where they had no words for it. */
    evidence: personal(Schema.Array(Evidence)),
    by: Schema.Literals(["model", "rules"]),
    /** `gemma3:270m readConversation@1f2e3d4c`, or the rules' name. */
    made: Schema.String,
    /** Why what a model said does not stand, a line each, nothing personal. Absent where none was asked. */
    refusedModel: Schema.optionalKey(Schema.Array(Schema.String)),
    /** When the newest mail was sent that was read. */
    upTo: Instant,
  }),
  lane: "batch",
  timeoutMillis: 330_000,
  // It waits for a model that is away: nobody waits for it.
  retryDelayMillisMin: 5_000,
  retryDelayMillisMax: awayMillis,
  retriesMax: Math.ceil(staleAfterMillisDefault / awayMillis),
  staleAfterMillis: staleAfterMillisDefault,
})
