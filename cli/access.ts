/**
 * Port: how a command gets at AIOS. Either this process owns the data directory for as long as the
 * scope lives, or another one does and is spoken to; the command cannot tell which.
 */
import { Context, Effect, type Scope } from "effect"
import { Flag, GlobalFlag } from "effect/cli"
import type { Happening } from "../actors/activities/job.ts"
import type { Remaining } from "../actors/actor-system.ts"
import type { Aios, Check, OperationFailed, Progress } from "../projections/aios.ts"
import type { LogUser, LogUserChange } from "../projections/log-door.ts"
import { Output, type ProgressLine } from "./output.ts"

/** `read` appends nothing, fires no timer and runs no activity. */
export type Mode = "read" | "work"

export interface Staying {
  readonly aios: Aios["Service"]
  /** Where other processes reach this one; undefined where no socket could be made. */
  readonly socket: string | undefined
  /** The page and the API: `http://127.0.0.1:4680`. */
  readonly url: string
  /** A fresh link that lets one browser in, once, within ten minutes. */
  readonly link: () => string
  /** Where clients of the log come in, if they may. */
  readonly log?: LogServed
}

/** How clients of the log are let in. */
export interface LogListening {
  /** Of 127.0.0.1; 0 takes any that is free; undefined: no TCP. */
  readonly port: number | undefined
  /** Path of a Unix socket. */
  readonly socket: string | undefined
  /** In plaintext, without credentials: everybody is an administrator. */
  readonly insecure: boolean
}

/** Where they come in, as scripts are told too. */
export interface LogServed {
  readonly port?: number
  readonly socket?: string
  /** For `EventStoreDBClient`; PASSWORD stands for the text of `passwordFile`. */
  readonly connection?: string
  /** The authority's certificate, for clients. */
  readonly caFile?: string
  readonly passwordFile?: string
  readonly insecure: boolean
}

/** Work that is shared by claims. */
export interface WorkOptions {
  readonly lanes: ReadonlyArray<Happening["lane"]>
  /** Is told of each run at once. */
  readonly note: (happening: Happening) => void
}
export interface Working {
  readonly name: string
  readonly remaining: Effect.Effect<Remaining>
}

export class Access extends Context.Service<Access, {
  open(mode: Mode): Effect.Effect<Aios["Service"], OperationFailed, Scope.Scope>
  /**
   * Owns the data directory, serves the socket and a TCP port (default: AIOS_PORT, else 4680; 0 takes any
   * that is free), and works on its own (timers, cadence, activities).
   */
  stay(
    port: number | undefined,
    /** Other work is left to workers. Default: all lanes. */
    lanes?: WorkOptions["lanes"],
    log?: LogListening,
  ): Effect.Effect<Staying, OperationFailed, Scope.Scope>
  /** Runs activities only, beside the process that owns the data directory. */
  work(options: WorkOptions): Effect.Effect<Working, OperationFailed, Scope.Scope>
  /**
   * Lets clients of the log in until the scope closes. The log is that of the AIOS that runs on the data
   * directory; where none does, this process owns it. `told` hears of an owner that goes or comes back.
   */
  serveLog(
    listening: Omit<LogListening, "port"> & { readonly port: number | "default" | undefined },
    told: (news: "away" | "back") => Effect.Effect<void>,
  ): Effect.Effect<LogServed & { readonly alone: boolean }, OperationFailed, Scope.Scope>
  /** Who may come in by the log's door, after the change, if there is one; whoever serves the log. */
  logUsers(
    change?: LogUserChange,
  ): Effect.Effect<ReadonlyArray<LogUser>, OperationFailed, Scope.Scope>
  /** Checks of the machine rather than of the log: they also work where AIOS does not start. */
  readonly hostChecks: Effect.Effect<ReadonlyArray<Check>>
  /** The sample company's files, for the demo: names below its folder, in order. */
  readonly sample: {
    readonly folder: string
    readonly files: () => ReadonlyArray<string>
  }
  /** This process, as its owner file names it. */
  readonly process: number
  /** An absolute path for what the user wrote. */
  path(written: string): string
  readonly dataDir: string
}>()("cli/Access") {}

export const Json = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withDescription("Print data as JSON"),
    Flag.withDefault(false),
    Flag.withoutNegation,
  ),
})

/** For the parser and the help: the launcher has read it before, it decides what may be written. */
export const DataDir = GlobalFlag.Setting("data-dir")({
  flag: Flag.String("data-dir").pipe(
    Flag.withMetavar("<folder>"),
    Flag.withDescription(
      "Where AIOS keeps everything (else AIOS_DATA_DIR, else the XDG data home)",
    ),
    Flag.optional,
  ),
})

/** After a command, what is runnable gets this long. */
export const settleMillisMax = 60_000

export const open = Effect.fnUntraced(function* (mode: Mode) {
  const access = yield* Access
  return yield* access.open(mode)
})

/** Prints `value` as JSON, or as `human` writes it. */
export const print = Effect.fnUntraced(function* (value: unknown, human: () => string) {
  const output = yield* Output
  yield* output.data((yield* Json) ? `${JSON.stringify(value, null, 2)}\n` : human())
})

/** Shows the steps of long work on stderr. */
export const watch = (line: ProgressLine): Progress => (step) =>
  line.step(step.done, step.total, step.what)
