/** An `Aios` that answers at will, over a log in memory: for tests that are about the way there and back. */
import { Effect, Layer, Stream } from "effect"
import * as memoryBlobs from "../../adapters/blob-store-memory.ts"
import * as memoryLog from "../../adapters/event-log-memory.ts"
import * as memoryVault from "../../adapters/vault-memory.ts"
import { Aios, OperationFailed } from "../../projections/aios.ts"

const nothing = Effect.fail(
  new OperationFailed({ kind: "failed", error: "NotHere", message: "Not in this test." }),
)
export const standIn: Aios["Service"] = {
  settings: nothing,
  configure: () => nothing,
  intake: () => nothing,
  settle: () => nothing,
  brief: () => nothing,
  approvals: nothing,
  approve: () => nothing,
  reject: () => nothing,
  agents: () => nothing,
  events: () => nothing,
  follow: () => Stream.fail(new OperationFailed({ kind: "failed", error: "NotHere", message: "" })),
  logUsers: () => Effect.succeed([]),
  serveLog: () =>
    Stream.fail(new OperationFailed({ kind: "failed", error: "NotHere", message: "" })),
  replay: () => nothing,
  rebuild: () => nothing,
  doctor: nothing,
  unclear: nothing,
  resolve: () => nothing,
  approveGroup: () => nothing,
  preview: () => nothing,
  edit: () => nothing,
  later: () => nothing,
  undo: () => nothing,
  paid: () => nothing,
  done: () => nothing,
  review: () => nothing,
  why: () => nothing,
  whyNot: () => nothing,
  history: () => nothing,
  people: () => nothing,
  reports: () => nothing,
  view: () => nothing,
  propose: () => nothing,
  rows: () => nothing,
  projections: nothing,
  backup: () => nothing,
  backupDone: () => nothing,
  exported: () => nothing,
  blob: () => nothing,
  recall: () => nothing,
  costs: () => nothing,
  memory: nothing,
  summaries: () => nothing,
  withdrawSummary: () => nothing,
  summarise: () => nothing,
  memoryPolicy: () => nothing,
  archive: () => nothing,
  segments: nothing,
  restoreSegment: () => nothing,
  services: nothing,
  modelPolicy: () => nothing,
  transcripts: () => nothing,
}

/** What is behind the door: the parts given, and nothing else. */
export const behind = (parts: Partial<Aios["Service"]>) =>
  Layer.mergeAll(
    Layer.succeed(Aios, { ...standIn, ...parts }),
    memoryLog.layer,
    memoryBlobs.layer.pipe(Layer.provideMerge(memoryVault.layer)),
  )
