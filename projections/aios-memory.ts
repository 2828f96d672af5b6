/** Shapes of the operations of `Aios` that concern memory, models and the services they lean on. */
import type { StateValue } from "../machines/agent.ts"
import type { MemoryPolicy } from "../machines/memory.ts"

/** One thing that is remembered, with where it is known from. */
export interface Hit {
  readonly tier: "hot" | "warm" | "cold"
  /** 0 to 1; comparable within one answer. */
  readonly score: number
  readonly text: string
  /** Ids of the events it stands for, for `why`. */
  readonly events: ReadonlyArray<string>
  /** Name or address; empty where it is about nobody. */
  readonly person: string
  readonly kind: "person" | "product" | "campaign" | "task"
  readonly what: string
  readonly at: number
  /** Spam, not from whom it says, or it speaks to an AI: not to be relied upon. */
  readonly suspect?: true
  /** The imported line, where it is one. */
  readonly source?: { readonly file: string; readonly at: string }
}

export interface RecallOptions {
  /** Name, address or key. */
  readonly person?: string
  /** As of then, epoch ms. */
  readonly at?: number
  /** As of a position of the log, in place of `at`. */
  readonly position?: number
  /** Reads the whole log instead of the index. */
  readonly deep?: boolean
  /** Reads this segment of the archive instead of the index. */
  readonly segment?: string
  readonly limit?: number
  readonly tokensMax?: number
}

export interface Recalled {
  readonly hits: ReadonlyArray<Hit>
  /** `hybrid`: by meaning and by words; `lexical`: by words only; `deep`: from the log itself, or from a segment. */
  readonly mode: "hybrid" | "lexical" | "deep"
  /** Of the log: what was known up to here was searched. */
  readonly position: number
  /** It was answered before, and nothing new came since. */
  readonly cached: boolean
  /** Why it is not better, and the command that makes it so; empty where all is well. */
  readonly notes: ReadonlyArray<string>
}

export interface CostRow {
  readonly agent: string
  readonly activity: string
  readonly model: string
  readonly calls: number
  readonly cached: number
  readonly tokensIn: number
  readonly tokensOut: number
  readonly millis: number
  readonly failures: number
  /** Millionths of the currency's unit, by the founder's price list. */
  readonly micros: number
}
export interface Costs {
  readonly rows: ReadonlyArray<CostRow>
  /** Of today, by agent that has one. */
  readonly budgets: ReadonlyArray<{
    readonly agent: string
    readonly spent: { readonly tokens: number; readonly millis: number; readonly micros: number }
    readonly budget: {
      readonly tokens?: number
      readonly millis?: number
      readonly micros?: number
    }
    readonly state: "fine" | "warning" | "stopped"
  }>
}

/** One question to a model, as an outcome tells it. */
export interface ModelUse {
  readonly model: string
  /** Name and hash of the prompt template. */
  readonly template: string
  readonly tokensIn: number
  readonly tokensOut: number
  readonly millis: number
  readonly cached: boolean
  /** `ok`, or why the answer was of no use. */
  readonly outcome: string
  /** Question and answer are kept and can be shown. */
  readonly kept: boolean
}
/** Question and answer word for word; neither where there was no answer, or its subject was forgotten. */
export interface TranscriptRow {
  readonly model: string
  readonly template: string
  readonly outcome: string
  readonly messages?: ReadonlyArray<{ readonly role: string; readonly content: string }>
  readonly answer?: string
  readonly forgotten?: boolean
}

/** How memory stands. */
export interface MemoryState {
  readonly tiers: {
    readonly hot: { readonly items: number; readonly vectors: number; readonly waiting: number }
    readonly warm: { readonly items: number }
    readonly cold: { readonly items: number; readonly archived: number }
  }
  /** By kind of memory. */
  readonly kinds: { readonly [kind: string]: number }
  readonly policy: MemoryPolicy
  readonly summaries: {
    readonly accepted: number
    readonly refused: number
    readonly withdrawn: number
  }
  /** State of the agent's chart, and the last night's figures in words. */
  readonly state: StateValue
  readonly lastNight: string
  /** The last night, or the one that goes on; absent before the first. */
  readonly night?: {
    readonly startedAt: number
    readonly endedAt?: number
    readonly accepted: number
    readonly refused: number
    /** Could not be asked for. */
    readonly skipped: number
    /** Wait to be summarised, in this night or another. */
    readonly left: number
    readonly tokens: number
    /** Why it waits, or ended early; empty where all is well. */
    readonly problem: string
  }
  /** What waits, and for what, a sentence each with what to do; empty where nothing does. */
  readonly waits: ReadonlyArray<string>
}

export interface SummaryRow {
  /** Of its item: names it to `withdrawSummary`. */
  readonly id: string
  readonly of: string
  /** What it is about, in words. */
  readonly about: string
  /** `replaced`: a newer one of the same subject stands in its place. */
  readonly state: "accepted" | "refused" | "withdrawn" | "replaced"
  readonly text: string
  readonly made: string
  readonly facts: { readonly found: number; readonly kept: number }
  readonly questions: { readonly asked: number; readonly answered: number }
  readonly refused: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
  readonly at: number
  /** Only where it is taken back: it had been before, and nothing changed. */
  readonly already?: boolean
}

/** What a policy would do, or did. */
export interface PolicyEffect {
  readonly policy: MemoryPolicy
  readonly applied: boolean
  readonly evict: number
  /** Left once, and fit again. */
  readonly recall: number
  /** Hot afterwards. */
  readonly keep: number
  /** Of these, stay only because no summary stands for them. */
  readonly spared: number
  readonly because: { readonly [reason: string]: number }
}

export interface Segment {
  readonly segment: string
  readonly bytes: number
  readonly sha256: string
  readonly items: number
  readonly from: number
  readonly to: number
  readonly at: number
  /** Its file is there and whole. */
  readonly ok: boolean
  /** `missing`, `damaged`, or empty. The log has all that was in it: it can be written again. */
  readonly problem: string
  readonly restored: boolean
}

/** What was archived, or with `dryRun` would be. */
export interface Archived {
  readonly dryRun: boolean
  /** Days that an item must be old. */
  readonly days: number
  readonly items: number
  /** Written now; none in a dry run. */
  readonly segments: ReadonlyArray<Segment>
  /** Were missing or damaged, and were written again from the log. */
  readonly again: ReadonlyArray<string>
}

/** A service AIOS leans on. */
export interface ServiceRow {
  readonly name: string
  /** As its chart calls it: `healthy`, `open`, `probing`. */
  readonly state: string
  readonly since: number
  readonly reason: string
  /** One command or sentence that mends it; empty where it is well. */
  readonly fix: string
  /** What is done without it meanwhile. */
  readonly without: string
}
