/**
 * The service `Aios` of another process of this user, over its Unix socket. It fails with `later` where
 * nobody answers: then the owner of the data directory is just starting, ending, or has no socket.
 */
import { Cause, Effect, Queue, Schema, Stream } from "effect"
import { type ClientRequest, request } from "node:http"
import type { RecordedEvent } from "../actors/event-log.ts"
import { Aios, OperationFailed, type Progress } from "../projections/aios.ts"
import {
  aiosVersion,
  Arguments,
  type ArgumentsOf,
  type Line,
  type Operation,
  versionHeader,
} from "../projections/aios-wire.ts"

/** A line is one event, or one result as a whole. */
const lineCharsMax = 512 * 1024 * 1024
/** Events that wait for a slow reader of `follow`; beyond it the socket waits. */
const itemsQueued = 256
/** To see whether somebody listens. */
const connectMillisMax = 2_000

const unreachable = (socket: string, cause: unknown) =>
  new OperationFailed({
    kind: "later",
    error: "OwnerUnreachable",
    message: `AIOS runs on this data directory, and nobody answers at ${socket} (${
      cause instanceof Error ? cause.message : String(cause)
    }). Try again in a moment, or stop it.`,
  })

const brokenOff = (operation: string) =>
  new OperationFailed({
    kind: "later",
    error: "AnswerBrokenOff",
    message:
      `The running AIOS ended before it had answered (${operation}). Run the same command again: ` +
      "nothing is done twice.",
  })

/** Posts a call and gives each line to `take`, which may hold up the socket by a promise. */
const post = (
  socket: string,
  operation: Operation,
  body: string,
  take: (line: Line) => void | Promise<void>,
  done: (failure: OperationFailed | undefined) => void,
): ClientRequest => {
  let ended = false
  const finish = (failure?: OperationFailed) => {
    if (!ended) done(failure)
    ended = true
  }
  const sent = request({
    socketPath: socket,
    path: `/aios/${operation}`,
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      [versionHeader]: aiosVersion,
    },
  }, async (response) => {
    response.setEncoding("utf8")
    const parts: Array<string> = []
    let held = 0
    try {
      for await (const chunk of response) {
        const pieces = String(chunk).split("\n")
        for (const [i, piece] of pieces.entries()) {
          held += piece.length
          if (held > lineCharsMax) throw new Error("an answer longer than 512 MB")
          parts.push(piece)
          if (i === pieces.length - 1) break
          const text = parts.join("")
          parts.length = 0
          held = 0
          if (text !== "") await take(JSON.parse(text))
        }
      }
      finish(brokenOff(operation))
    } catch {
      finish(brokenOff(operation))
    }
  })
  sent.on("error", (cause) => finish(unreachable(socket, cause)))
  sent.end(body)
  return sent
}

const encoded = <Name extends Operation>(name: Name, args: ArgumentsOf<Name>): string =>
  JSON.stringify(
    Schema.encodeSync(Arguments[name] as Schema.Codec<ArgumentsOf<Name>, unknown>)(args),
  )

const decodeError = Schema.decodeUnknownSync(OperationFailed)

/** The `Aios` at `socket`. Shapes are those of the same version on the other side: the header is checked. */
export const connect = (socket: string): Aios["Service"] => {
  const call = <A, Name extends Operation>(
    name: Name,
    args: ArgumentsOf<Name>,
    progress?: Progress,
  ): Effect.Effect<A, OperationFailed> =>
    Effect.callback<A, OperationFailed>((resume) => {
      const sent = post(
        socket,
        name,
        encoded(name, args),
        (line) => {
          if ("progress" in line) progress?.(line.progress)
          else if ("error" in line) resume(Effect.fail(decodeError(line.error)))
          else if ("result" in line) resume(Effect.succeed(line.result as A))
        },
        (failure) => {
          if (failure !== undefined) resume(Effect.fail(failure))
        },
      )
      return Effect.sync(() => sent.destroy())
    })

  /** One item after the other, as they come. Whoever stops reading ends the call. */
  const items = <A, Name extends Operation>(name: Name, args: ArgumentsOf<Name>) =>
    Stream.callback<A, OperationFailed>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() =>
          post(
            socket,
            name,
            encoded(name, args),
            async (line) => {
              if ("error" in line) {
                Queue.failCauseUnsafe(queue, Cause.fail(decodeError(line.error)))
              } else if ("item" in line) {
                await Effect.runPromise(Queue.offer(queue, line.item as A))
              }
            },
            (failure) => {
              if (failure !== undefined) Queue.failCauseUnsafe(queue, Cause.fail(failure))
            },
          )
        ),
        (sent) => Effect.sync(() => sent.destroy()),
      ), { bufferSize: itemsQueued })

  return Aios.of({
    settings: call("settings", []),
    configure: (patch) => call("configure", [patch]),
    intake: (batch) => call("intake", [batch]),
    settle: (millisMax) => call("settle", [millisMax]),
    brief: (date) => call("brief", [date ?? null]),
    approvals: call("approvals", []),
    approve: (id) => call("approve", [id]),
    reject: (id, reason) => call("reject", [id, reason]),
    agents: (filter) => call("agents", [filter ?? null]),
    events: (options) => call("events", [options]),
    follow: (options) => items<RecordedEvent, "follow">("follow", [options]),
    logUsers: (change) => call("logUsers", [change ?? null]),
    serveLog: (secure) => items<string, "serveLog">("serveLog", [secure]),
    replay: (filter, progress) => call("replay", [filter ?? null], progress),
    rebuild: (projection, progress) => call("rebuild", [projection ?? null], progress),
    doctor: call("doctor", []),
    unclear: call("unclear", []),
    resolve: (which, happened) => call("resolve", [which, happened]),
    approveGroup: (group, ids) => call("approveGroup", [group, ids ?? null]),
    preview: (id) => call("preview", [id]),
    edit: (id, patch) => call("edit", [id, patch]),
    later: (id, until) => call("later", [id, until]),
    undo: (id) => call("undo", [id]),
    paid: (invoice, payment) => call("paid", [invoice, payment]),
    done: (person) => call("done", [person]),
    review: (article, verdict) => call("review", [article, verdict ?? null]),
    why: (id) => call("why", [id]),
    whyNot: (agent) => call("whyNot", [agent]),
    history: (person) => call("history", [person]),
    people: (filter) => call("people", [filter ?? null]),
    reports: (slot) => call("reports", [slot ?? null]),
    view: (stream) => call("view", [stream]),
    propose: (stream, event, options) => call("propose", [stream, event, options]),
    rows: (projection, options) => call("rows", [projection, options]),
    projections: call("projections", []),
    backup: (progress) => call("backup", [], progress),
    backupDone: (folder) => call("backupDone", [folder]),
    exported: (options) => call("exported", [options]),
    blob: (ref) => call("blob", [ref]),
    recall: (question, options) => call("recall", [question, options]),
    costs: (options) => call("costs", [options]),
    memory: call("memory", []),
    summaries: (state) => call("summaries", [state ?? null]),
    withdrawSummary: (id, reason) => call("withdrawSummary", [id, reason]),
    summarise: (progress) => call("summarise", [], progress),
    memoryPolicy: (patch, apply) => call("memoryPolicy", [patch, apply]),
    archive: (options, progress) => call("archive", [options], progress),
    segments: call("segments", []),
    restoreSegment: (segment, progress) => call("restoreSegment", [segment], progress),
    services: call("services", []),
    modelPolicy: (patch) => call("modelPolicy", [patch]),
    transcripts: (event) => call("transcripts", [event]),
  })
}

/** Whether somebody listens at `socket`. A file that nobody serves was left by a killed process. */
export const answers = (socket: string): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const sent = request(
      { socketPath: socket, path: "/", timeout: connectMillisMax },
      (response) => {
        response.resume()
        resume(Effect.succeed(true))
      },
    )
    sent.on("timeout", () => sent.destroy(new Error("timeout")))
    sent.on("error", () => resume(Effect.succeed(false)))
    sent.end()
    return Effect.sync(() => sent.destroy())
  })
