/**
 * Ends its own process when stdin breaks, which it does when the supervisor is gone, whatever became of it.
 * Runs as a Worker: the main thread may be stuck in native code and hears nothing.
 */
import { readSync } from "node:fs"
import { parentPort } from "node:worker_threads"

/** To end in order; then the process kills itself. */
const endMillisMax = 1_500
const againMillis = 100

const sleep = (millis) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis)

parentPort.postMessage("watching")
const bytes = new Uint8Array(64)
for (;;) {
  try {
    if (readSync(0, bytes) === 0) break
  } catch (error) {
    if (error.code !== "EAGAIN" && error.code !== "EINTR") break
    sleep(againMillis)
  }
}
process.kill(process.pid, "SIGTERM")
sleep(endMillisMax)
process.kill(process.pid, "SIGKILL")
