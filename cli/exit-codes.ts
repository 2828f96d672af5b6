/** Every way a command can end, as an exit code and a sentence that says what to do next. */
import { Cause } from "effect"
import { CliError } from "effect/cli"
import { OperationFailed } from "../projections/aios.ts"

export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  later: 75,
  configuration: 78,
  /** 128 and the signal's number, as shells say it. */
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
} as const

export interface Ending {
  readonly code: number
  /** The typed error's tag, for scripts. Empty where all was said already. */
  readonly error: string
  readonly message: string
  readonly detail?: unknown
}

const issueHint =
  "This is a defect of AIOS. Nothing that was acknowledged is lost; `aios doctor` " +
  "shows what is wrong."

/** How a failed command ends. */
export const endingOf = (cause: Cause.Cause<unknown>): Ending => {
  const error = cause.reasons.find(Cause.isFailReason)?.error ??
    cause.reasons.find(Cause.isDieReason)?.defect
  if (error instanceof OperationFailed) {
    return {
      code: exitCode[error.kind],
      error: error.error,
      message: error.message,
      ...(error.detail === undefined ? {} : { detail: error.detail }),
    }
  }
  // The presenter has shown help or what was wrong with the words.
  if (CliError.isCliError(error)) return { code: exitCode.usage, error: "", message: "" }
  return {
    code: exitCode.failed,
    error: "Defect",
    message: `${Cause.pretty(cause)}\n${issueHint}`,
  }
}
