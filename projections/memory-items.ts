/**
 * What can be remembered: one item per fact that was recorded, per piece of work that was done, and per
 * accepted summary. An item names the events it stands for; its text is opened from them when it is needed.
 */
export type Tier = "hot" | "warm" | "cold"

/** People and their preferences; the state of products and money; campaigns (what was written and published); work and its reasons. */
export type MemoryKind = "person" | "product" | "campaign" | "task"

export interface MemoryItem {
  /** Id of the event that made it. */
  readonly id: string
  readonly tier: Tier
  readonly kind: MemoryKind
  /** `mail`, `message`, `note`, `meeting`, `invoice`, `payment`, `feedItem`, `listing`, `sent`, `published`, `decision`, `summary`. */
  readonly what: string
  readonly person?: string
  /** What it belongs to: a thread, a topic, a campaign; summaries are made of these. */
  readonly thread?: string
  /** When it happened in the world, epoch ms. */
  readonly at: number
  readonly position: number
  /** Stream of the event that made it. */
  readonly stream: string
  /** Ids of the events it stands for: itself, or those a summary is made of. */
  readonly events: ReadonlyArray<string>
  /** 0 to 1. */
  readonly importance: number
  /** Positions at which it left the hot tier and came back, in order: as of a past position it may have been there. */
  readonly moved: ReadonlyArray<{ readonly position: number; readonly tier: Tier }>
  /** The accepted summary that stands for it. */
  readonly summary?: string
  /** In a compressed segment, and out of the index. */
  readonly segment?: string
}
