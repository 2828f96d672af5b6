/**
 * The entry point and the only file that knows adapters and configuration. It is started by `bin/aios`,
 * which has decided what this process may read, write and reach.
 */
import { Clock, Config, Context, Effect, Exit, Layer, Option, Result, Scope } from "effect"
import { mkdirSync, readdirSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import * as activities from "./actors/activities/mod.ts"
import * as activityRunner from "./actors/activities/runner.ts"
import * as cadence from "./actors/cadence.ts"
import * as circuits from "./actors/circuits-live.ts"
import * as contacts from "./actors/contacts.ts"
import * as intake from "./actors/intake.ts"
import * as modelDesk from "./actors/model-desk.ts"
import { RecordReader } from "./actors/record-reader.ts"
import { quarantineOpen } from "./actors/restored.ts"
import * as router from "./actors/router.ts"
import { routing } from "./actors/routing.ts"
import { ActorSystem } from "./actors/actor-system.ts"
import * as actorSystem from "./actors/system.ts"
import { answers, connect } from "./adapters/aios-remote.ts"
import * as embedder from "./adapters/embedder-chosen.ts"
import { fixedClock } from "./adapters/fixed-clock.ts"
import * as helperChecks from "./adapters/helper-checks.ts"
import * as helpers from "./adapters/helpers.ts"
import * as archive from "./adapters/archive-folder.ts"
import * as backups from "./adapters/backup-folder.ts"
import * as memoryBlobs from "./adapters/blob-store-memory.ts"
import * as dataDirectory from "./adapters/data-directory.ts"
import * as diskSpace from "./adapters/disk-space-statfs.ts"
import { idOf } from "./adapters/installation.ts"
import * as logElsewhere from "./adapters/event-log-elsewhere.ts"
import * as memoryLog from "./adapters/event-log-memory.ts"
import * as outsideFolders from "./adapters/outside-folders.ts"
import * as memoryStore from "./adapters/memory-store-supervised.ts"
import * as keepingFiles from "./adapters/keeping-files.ts"
import * as logAlone from "./adapters/log-alone.ts"
import { heldThere } from "./adapters/log-held.ts"
import * as localModels from "./adapters/local-models-lazy.ts"
import * as inference from "./adapters/inference-lazy.ts"
import * as logMigration from "./adapters/log-migration.ts"
import * as mailer from "./adapters/mailer-lazy.ts"
import { commandOf, ownerOf } from "./adapters/owner-lock.ts"
import * as passages from "./adapters/passage-index-lasting.ts"
import * as memoryRows from "./adapters/read-store-memory.ts"
import * as sqliteRows from "./adapters/read-store-sqlite.ts"
import * as recurrences from "./adapters/recurrences-lazy.ts"
import * as routerCheckpoint from "./adapters/router-checkpoint-file.ts"
import * as memorySnapshots from "./adapters/snapshot-store-memory.ts"
import * as memoryVault from "./adapters/vault-memory.ts"
import * as telemetry from "./adapters/telemetry-lazy.ts"
import * as workerDirectory from "./adapters/worker-directory.ts"
import { Access, type LogListening, type Mode, type WorkOptions } from "./cli/access.ts"
import { run } from "./cli/app.ts"
import { runProcess } from "./cli/process.ts"
import * as logDoor from "./http/log-door/layer.ts"
import { agents, journals } from "./machines/mod.ts"
import { Aios, OperationFailed } from "./projections/aios.ts"
import { failureOf } from "./projections/aios-failures.ts"
import * as aiosLocal from "./projections/aios-local.ts"
import { objectOf } from "./projections/fields.ts"
import * as modelLedger from "./projections/model-ledger-local.ts"
import { LogDoor } from "./projections/log-door.ts"
import { runIndex } from "./projections/memory-index.ts"
import * as memoryIndexer from "./projections/memory-indexer.ts"
import { projections } from "./projections/mod.ts"
import * as openAsks from "./projections/open-asks.ts"
import * as queries from "./projections/queries.ts"
import * as recall from "./projections/recall-local.ts"
import * as reports from "./projections/reports-local.ts"
import * as subjectItems from "./projections/subject-items-local.ts"
import * as probes from "./projections/service-probes.ts"
import * as tiers from "./projections/tiers-local.ts"
import * as projectionsRunner from "./projections/runner.ts"

/** Another command may hold the data directory for a moment: so long we wait for it. */
const ownerWaitMillisMax = 10_000
const ownerPollMillis = 100
const portDefault = 4_680
const logPortDefault = 2_113
const root = dirname(fileURLToPath(import.meta.url))
const sampleFolder = join(root, "sample")

const optional = (name: string) =>
  Config.String(name).pipe(Config.option, Config.map(Option.getOrUndefined))

const Settings = Config.all({
  dataDir: optional("AIOS_DATA_DIR"),
  socket: optional("AIOS_SOCKET"),
  logSocket: optional("AIOS_LOG_SOCKET"),
  logSocketOpen: optional("AIOS_LOG_SOCKET_OPEN"),
  logPort: optional("AIOS_LOG_PORT"),
  now: optional("AIOS_NOW"),
  durability: optional("AIOS_DURABILITY"),
  eventLog: optional("AIOS_EVENT_LOG"),
  blobs: optional("AIOS_BLOBS"),
  control: optional("AIOS_CONTROL"),
  worker: optional("AIOS_WORKER"),
  base: optional("AIOS_CWD"),
  launcher: optional("AIOS_LAUNCHER"),
  port: optional("AIOS_PORT"),
  token: optional("AIOS_TOKEN"),
  helpers: optional("AIOS_HELPERS"),
  chromaUrl: optional("AIOS_CHROMA_URL"),
  ollama: optional("OLLAMA_HOST"),
  model: optional("AIOS_MODEL"),
  otlp: optional("OTEL_EXPORTER_OTLP_ENDPOINT"),
  otlpHeaders: optional("OTEL_EXPORTER_OTLP_HEADERS"),
  otelService: optional("OTEL_SERVICE_NAME"),
  embedder: optional("AIOS_EMBEDDER"),
  modelsDir: optional("AIOS_MODELS_DIR"),
  modelsUrl: optional("AIOS_MODELS_URL"),
})

interface Configuration {
  readonly dataDir: string
  readonly socket: string | undefined
  /** Where the log's door answers, with and without credentials. */
  readonly logSockets: { readonly secure: string; readonly open: string } | undefined
  /** Where clients of the log are let in, if they are. */
  readonly logPort: number | undefined
  readonly now: { readonly text: string; readonly millis: number } | undefined
  readonly synchronous: "FULL" | "NORMAL"
  /** Connection string of the log, checked by the launcher; undefined: `log.db` in the data directory. */
  readonly eventLog: string | undefined
  readonly blobs: "folder" | "log"
  /** Of a worker on another machine: where the control answers. */
  readonly control: string | undefined
  /** Name of this process, should it be a worker. */
  readonly worker: string
  readonly base: string
  readonly port: number
  readonly token: string | undefined
  /** Socket of the launcher's supervisor of helper processes. */
  readonly helpers: string | undefined
  readonly launcher: number | undefined
  readonly chromaUrl: string | undefined
  /** Where Ollama answers; empty: where it usually does. */
  readonly ollama: string
  /** The small model, where the founder chose none. */
  readonly model: string | undefined
  /** Where spans go; undefined: nowhere. */
  readonly telemetry: telemetry.Collector | undefined
  readonly embedder: embedder.Choice
  readonly modelsDir: string
  readonly modelsUrl: string | undefined
}

const wrongConfiguration = (message: string) =>
  new OperationFailed({ kind: "configuration", error: "WrongConfiguration", message })

const configuration = Effect.gen(function* () {
  const given = yield* Effect.orDie(Settings)
  if (given.dataDir === undefined || given.base === undefined) {
    return yield* wrongConfiguration(
      "Start AIOS by its launcher: npm run -s aios -- …, or bin/aios",
    )
  }
  const millis = given.now === undefined ? undefined : Date.parse(given.now)
  if (millis !== undefined && !Number.isFinite(millis)) {
    return yield* wrongConfiguration(
      `AIOS_NOW is no instant: ${given.now}. Give it as 2026-11-24T07:00:00Z, or unset it.`,
    )
  }
  const durability = given.durability ?? "full"
  if (durability !== "full" && durability !== "normal") {
    return yield* wrongConfiguration(
      "AIOS_DURABILITY must be full, or normal (faster; a power failure may lose the last events).",
    )
  }
  const control = given.control || undefined
  const blobs = given.blobs || (control === undefined ? "folder" : "log")
  if (blobs !== "folder" && blobs !== "log") {
    return yield* wrongConfiguration(
      "AIOS_BLOBS must be folder (attachments in the data directory), or log (attachments in the log).",
    )
  }
  const port = Number(given.port ?? portDefault)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    return yield* wrongConfiguration(
      `AIOS_PORT is no port: ${given.port}. Give a number up to 65535, 0 for any free one, or unset it.`,
    )
  }
  const logPort = given.logPort ? Number(given.logPort) : undefined
  if (logPort !== undefined && !(Number.isInteger(logPort) && logPort >= 0 && logPort <= 65_535)) {
    return yield* wrongConfiguration(
      `AIOS_LOG_PORT is no port: ${given.logPort}. Give a number up to 65535, 0 for any free one, or unset it.`,
    )
  }
  const chosenEmbedder = embedder.choiceOf(given.embedder || "local")
  if (chosenEmbedder === undefined) {
    return yield* wrongConfiguration(
      `AIOS_EMBEDDER is ${given.embedder}: give ${embedder.choices.join(", ")}, or unset it.`,
    )
  }
  return {
    dataDir: given.dataDir,
    socket: given.socket,
    logSockets: given.logSocket && given.logSocketOpen
      ? { secure: given.logSocket, open: given.logSocketOpen }
      : undefined,
    logPort,
    now: millis === undefined ? undefined : { text: given.now!, millis },
    synchronous: durability === "full" ? "FULL" : "NORMAL",
    eventLog: given.eventLog?.trim() || undefined,
    blobs,
    control,
    worker: given.worker || "worker",
    base: given.base,
    port,
    token: given.token,
    helpers: given.helpers || undefined,
    launcher: Number(given.launcher) || undefined,
    chromaUrl: given.chromaUrl || undefined,
    ollama: given.ollama ?? "",
    model: given.model?.trim() || undefined,
    telemetry: given.otlp
      ? { endpoint: given.otlp, headers: given.otlpHeaders, service: given.otelService }
      : undefined,
    embedder: chosenEmbedder,
    modelsDir: given.modelsDir || join(given.dataDir, "models"),
    modelsUrl: given.modelsUrl || undefined,
  } satisfies Configuration
})

/**
 * In `read` nothing is delivered, no timer fires and no activity runs. `stay` serves others too. `beside` another
 * process that owns the data directory, a worker runs activities only.
 */
type Way = Mode | "stay" | "beside"

/** What it does of the work. */
type Part = Partial<WorkOptions>

/** Where a process keeps what is its own. */
const ownFolderOf = (config: Configuration, way: Way) =>
  way === "beside" ? workerDirectory.ownFolder(config.dataDir, config.worker) : config.dataDir

/** There is nothing to read yet, and reading makes nothing. */
const isNew = (config: Configuration, way: Way) =>
  way === "read" && !logElsewhere.hasLog(config.dataDir, config.eventLog)

/** The log, the keys, the blobs: of the data directory, or in memory where there is nothing to read yet. */
const foundations = (config: Configuration, way: Way) => {
  if (isNew(config, way)) {
    const log = config.eventLog === undefined
      ? memoryLog.layer
      : logElsewhere.ownerless(config.eventLog)
    const files = Layer.mergeAll(log, memorySnapshots.layer, memoryRows.layer)
    return memoryBlobs.layer.pipe(Layer.provideMerge(memoryVault.layer), Layer.provideMerge(files))
  }
  const rows = sqliteRows.layer(join(ownFolderOf(config, way), "read.db"))
  if (way === "beside" && config.eventLog !== undefined) {
    return rows.pipe(Layer.provideMerge(workerDirectory.layer({
      directory: config.dataDir,
      worker: config.worker,
      eventLog: config.eventLog,
      blobs: config.blobs,
      command: commandOf(words),
      ...(config.control === undefined ? {} : { control: config.control }),
      ...(config.token ? { token: config.token } : {}),
    })))
  }
  return rows.pipe(
    Layer.provideMerge(dataDirectory.layer({
      directory: config.dataDir,
      synchronous: config.synchronous,
      blobs: config.blobs,
      command: commandOf(words),
      ...(config.eventLog === undefined ? {} : { eventLog: config.eventLog }),
      ...(way === "stay" && config.socket ? { socket: config.socket } : {}),
    })),
  )
}

/** From the log to the activities. */
const workshop = (config: Configuration, way: Way, part: Part) => {
  const dispatch = way !== "read"
  const isBeside = way === "beside"
  const own = ownFolderOf(config, way)
  const system = circuits.layer({ dispatch, isEnding: helpers.launcherIsGone(config.launcher) })
    .pipe(
      Layer.provideMerge(actorSystem.layer({
        agents,
        journals,
        dispatch,
        held: dispatch && !isBeside,
        shared: config.eventLog !== undefined,
        delivers: !isBeside,
      })),
      Layer.provideMerge(openAsks.layer),
      Layer.provideMerge(projectionsRunner.layer(projections)),
      Layer.provideMerge(foundations(config, way)),
      Layer.provideMerge(helpers.supervised(config.helpers)),
    )
  const models = Layer.mergeAll(probes.models, probes.memory).pipe(
    Layer.provideMerge(embedder.layer(config.embedder)),
    Layer.provideMerge(inference.layer(config.ollama)),
    Layer.provideMerge(memoryStore.layer({ dataDir: config.dataDir, url: config.chromaUrl })),
    Layer.provideMerge(helperChecks.layer({ embedder: config.embedder === "local" })),
    Layer.provideMerge(system),
  )
  const outside = outsideFolders.layer(config.dataDir)
  const remembering = memoryIndexer.layer({ dispatch: dispatch && !isBeside }).pipe(
    Layer.provide(
      passages.layer(isNew(config, way) ? undefined : join(own, "memory.db")),
    ),
  )
  const reading = Layer.mergeAll(
    recall.layer,
    subjectItems.layer,
    tiers.layer,
    reports.layer.pipe(Layer.provide(outside)),
  ).pipe(
    Layer.provideMerge(remembering),
    Layer.provideMerge(queries.layer),
    Layer.provideMerge(recurrences.layer),
    Layer.provideMerge(models),
  )
  const desk = modelDesk.layer(config.model === undefined ? {} : { model: config.model }).pipe(
    Layer.provide(modelLedger.layer),
    Layer.provide(models),
  )
  return activityRunner.layer({
    ...part,
    dispatch,
    ...(isBeside ? { worker: config.worker } : {}),
  }).pipe(
    Layer.provide(activities.layer),
    Layer.provide(desk),
    Layer.provideMerge(mailer.layer(join(config.dataDir, "outbox"))),
    Layer.provide(outside),
    Layer.provide(contacts.layer),
    Layer.provideMerge(reading),
  )
}

/** Everything, from the log to `Aios`. */
const house = (config: Configuration, way: Way, part: Part) => {
  const intakes = Layer.mergeAll(
    intake.layer.pipe(Layer.provide(diskSpace.layer(config.dataDir))),
    router.layer.pipe(
      Layer.provide(routerCheckpoint.layer(join(config.dataDir, "router.json"))),
    ),
  ).pipe(Layer.provideMerge(workshop(config, way, part)))
  return aiosLocal.layer.pipe(
    Layer.provide(
      backups.layer(config.dataDir, { logIsElsewhere: config.eventLog !== undefined }),
    ),
    Layer.provide(archive.layer(config.dataDir)),
    Layer.provideMerge(logDoor.layer({ ...config, installation: idOf(config.dataDir) })),
    Layer.provideMerge(intakes),
  )
}

/** Builds the house for the scope; what keeps it from being built is said as an operation's failure. */
const opened = (config: Configuration, way: Way, part: Part = {}) =>
  (way === "read" ? Effect.void : folder(config.dataDir)).pipe(
    Effect.andThen(
      Layer.build(Layer.provide(house(config, way, part), telemetry.layer(config.telemetry))).pipe(
        Effect.mapError(failureOf),
      ),
    ),
  )

/** A folder that cannot be is a wrong configuration; a full disk is not, and is told later. */
const folder = (dataDir: string) =>
  Effect.try({
    try: () => mkdirSync(dataDir, { recursive: true, mode: 0o700 }),
    catch: (cause) => cause,
  }).pipe(
    Effect.catch((cause) =>
      objectOf(cause)["code"] === "ENOSPC" ? Effect.void : Effect.fail(wrongConfiguration(
        `The data directory ${dataDir} cannot be made. Give another with --data-dir or AIOS_DATA_DIR.`,
      ))
    ),
  )

const logCommand = "aios serve-log"

/** Whoever serves the log alone takes no commands: they would need the keys. */
const servedAlone = ({ dataDir }: Configuration, pid: number) =>
  new OperationFailed({
    kind: "failed",
    error: "LogServedAlone",
    message:
      `${logCommand} serves the log of ${dataDir} (process ${pid}), and nothing else goes on ` +
      "there. Stop it first; or use its log from another data directory, with " +
      "AIOS_EVENT_LOG=esdb://… and --data-dir.",
  })

/** Owns the data directory, or finds who does: waits a little for one that has no socket or is ending. */
const ownedOr = <A, B>(
  config: Configuration,
  own: Effect.Effect<B, OperationFailed, Scope.Scope>,
  remote: (socket: string) => Effect.Effect<A, OperationFailed>,
  alone: (pid: number) => Effect.Effect<A, OperationFailed> = (pid) =>
    Effect.fail(servedAlone(config, pid)),
) =>
  Effect.gen(function* () {
    const clock = yield* Clock.monotonicTimeNanos
    const end = clock + BigInt(ownerWaitMillisMax) * 1_000_000n
    const scope = yield* Effect.scope
    for (;;) {
      const attempt = yield* Scope.fork(scope)
      const built = yield* Effect.result(Scope.provide(own, attempt))
      if (Result.isSuccess(built)) return { services: built.success }
      yield* Scope.close(attempt, Exit.void)
      if (objectOf(built.failure.detail)["reason"] !== "owned") return yield* built.failure
      const owner = ownerOf(config.dataDir)
      if (owner?.command === logCommand) return { remote: yield* alone(owner.pid) }
      const socket = owner?.socket
      if (socket !== undefined && (yield* answers(socket))) return { remote: yield* remote(socket) }
      if ((yield* Clock.monotonicTimeNanos) > end) return yield* built.failure
      yield* Effect.sleep(ownerPollMillis)
    }
  })

/** What was found of `Aios`, in this process or in another. */
const aiosOf = <A>(found: { remote: A } | { services: Context.Context<Aios> }) =>
  "remote" in found ? found.remote : Context.get(found.services, Aios)

const worksBeside = Effect.fnUntraced(function* (config: Configuration, options: WorkOptions) {
  if (config.eventLog === undefined) {
    return yield* wrongConfiguration(
      "A worker needs a log that several processes share: set AIOS_EVENT_LOG to esdb://… (EventStoreDB, " +
        "KurrentDB, or a running AIOS that serves its own log: aios serve-log). See docs/workers.md.",
    )
  }
  if (config.control !== undefined && options.lanes?.includes("interactive") !== false) {
    return yield* wrongConfiguration(
      "What leaves the house is written where the control is: a worker on another machine (AIOS_CONTROL) takes " +
        "--lanes batch only.",
    )
  }
  const services = yield* Layer.build(
    Layer.provide(workshop(config, "beside", options), telemetry.layer(config.telemetry)),
  ).pipe(Effect.mapError(failureOf))
  const system = Context.get(services, ActorSystem)
  return { name: config.worker, remaining: system.remaining }
})

/** Every file below a folder, named from it. */
const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
    .map((one) => relative(folder, join(one.parentPath, one.name))).sort()

const accessOf = (config: Configuration): Access["Service"] => {
  const path = (written: string) => resolve(config.base, written)
  /** Lets clients of the log in beside everything else, where they are asked for. */
  const letIn = Effect.fnUntraced(function* (door: LogDoor["Service"], asked?: LogListening) {
    const port = asked?.port ?? config.logPort
    if (port === undefined) return undefined
    const insecure = asked?.insecure ?? false
    const held = yield* door.hold(!insecure)
    const { dataDir } = config
    return yield* logDoor.listen({
      dataDir,
      port,
      socket: undefined,
      insecure,
      upstream: () => held,
    })
  })
  return Access.of({
    dataDir: config.dataDir,
    process: process.pid,
    path,
    hostChecks: Effect.flatMap(
      Effect.promise(() => import("./adapters/host.ts")),
      (host) => host.checks(config.dataDir, config.now?.text, config.eventLog),
    ),
    sample: {
      folder: sampleFolder,
      files: () => filesBelow(sampleFolder),
    },
    open: (mode) =>
      ownedOr(config, opened(config, mode), (socket) => Effect.succeed(connect(socket)))
        .pipe(Effect.map(aiosOf)),
    work: (options) => worksBeside(config, options),
    logUsers: (change) =>
      ownedOr<Pick<Aios["Service"], "logUsers">, Context.Context<Aios>>(
        config,
        opened(config, change === undefined ? "read" : "work"),
        (socket) => Effect.succeed(connect(socket)),
        () => Effect.succeed({ logUsers: (asked) => logDoor.usersThere(config, asked) }),
      ).pipe(Effect.flatMap((found) => aiosOf(found).logUsers(change))),
    serveLog: Effect.fnUntraced(function* ({ insecure, port, socket }, told) {
      const { dataDir, synchronous } = config
      const log = logAlone.layer({ directory: dataDir, command: logCommand, synchronous })
      const own = Effect.andThen(
        folder(dataDir),
        Layer.build(logDoor.layer(config).pipe(Layer.provide(log))).pipe(
          Effect.mapError(failureOf),
        ),
      )
      const scope = yield* Effect.scope
      const found = yield* ownedOr(
        config,
        own,
        () => Scope.provide(heldThere(dataDir, !insecure, told), scope),
      )
      const alone = found.services !== undefined
      const path = alone ? yield* Context.get(found.services, LogDoor).hold(!insecure) : ""
      const served = yield* logDoor.listen({
        dataDir,
        port: port === "default" ? config.logPort ?? logPortDefault : port,
        socket: socket === undefined ? undefined : resolve(config.base, socket),
        insecure,
        upstream: alone ? () => path : found.remote,
      })
      return { ...served, alone }
    }),
    stay: Effect.fnUntraced(function* (port, lanes, log) {
      const part = lanes === undefined ? {} : { lanes }
      const found = yield* ownedOr(config, opened(config, "stay", part), () => {
        const owner = ownerOf(config.dataDir)
        return Effect.fail(
          new OperationFailed({
            kind: "failed",
            error: "AlreadyRunning",
            message: `AIOS runs on ${config.dataDir} already (process ${owner?.pid}). ` +
              "Other commands reach it; stop that one first to start another.",
          }),
        )
      })
      const { services } = found
      if (services === undefined) return yield* Effect.never
      const aios = Context.get(services, Aios)
      const inside = Effect.provideContext(services)
      const web = yield* Effect.promise(() => import("./http/mod.ts"))
      if (config.socket) yield* web.serve(yield* inside(web.app), config.socket)
      const open = yield* inside(web.open(config.dataDir, config.token, port ?? config.port))
      yield* Effect.forkScoped(inside(cadence.run))
      yield* Effect.forkScoped(inside(routing))
      yield* Effect.forkScoped(inside(runIndex))
      const served = yield* letIn(Context.get(services, LogDoor), log)
      return {
        aios,
        socket: config.socket || undefined,
        ...open,
        ...(served === undefined ? {} : { log: served }),
      }
    }),
  })
}

/** Holds back, in a folder just restored, what may have happened since. */
const quarantine = (config: Configuration) => (folder: string, madeAt: string) =>
  Effect.scoped(
    Effect.flatMap(
      opened({ ...config, dataDir: folder, eventLog: undefined, socket: undefined }, "read"),
      (services) => Effect.provideContext(quarantineOpen(madeAt), services),
    ),
  ).pipe(Effect.mapError(failureOf))

/** Reads files with the parsers loaded only now. */
const recordReader = RecordReader.of({
  open: (path, beside) =>
    Effect.gen(function* () {
      const { layer } = yield* Effect.promise(() => import("./adapters/records-files.ts"))
      return yield* Effect.provide(
        Effect.flatMap(RecordReader, (reader) => reader.open(path, beside)),
        layer,
      )
    }),
})

const program = (words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const config = yield* configuration
    const real = yield* Clock.clockWith(Effect.succeed)
    const clock = config.now === undefined ? real : fixedClock(real, config.now.millis)
    yield* run(words).pipe(
      Effect.provideService(Access, accessOf(config)),
      Effect.provide(keepingFiles.layer(quarantine(config))),
      Effect.provide(localModels.layer(config, config.helpers)),
      Effect.provideService(RecordReader, recordReader),
      Effect.provide(logMigration.layer),
      Effect.provideService(Clock.Clock, clock),
    )
  })

const words = process.argv.slice(2)
await runProcess(words, program(words))
