/** Why a helper is not to be had, in words that say what to do. */

/** `reason`: absent | off | noModel | failed | timedOut. */
export class Refusal extends Error {
  constructor(reason, message, retryable = reason === "failed" || reason === "timedOut") {
    super(message)
    this.reason = reason
    this.retryable = retryable
  }
}
