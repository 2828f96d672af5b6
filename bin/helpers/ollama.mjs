/**
 * Runs `ollama serve` (argument: the program) and ends it, and the runners it starts, when stdin breaks:
 * Ollama itself would outlive its supervisor.
 */
import { spawn } from "node:child_process"
import process from "node:process"

/** To end in order; then the whole group is killed, this process with it. */
const endMillisMax = 1_500
const exitAbsent = 69

const child = spawn(process.argv[2], ["serve"], { stdio: ["ignore", 2, 2] })
let ending = false
/** The server is the first to end, and its runners are not waited for by it: nobody is left of the group. */
const endGroup = () => {
  try {
    process.kill(-process.pid, "SIGKILL")
  } catch {
    // It leads no group: started by hand.
    child.kill("SIGKILL")
    process.exit(1)
  }
}
const end = () => {
  if (ending) return
  ending = true
  child.kill("SIGTERM")
  setTimeout(endGroup, endMillisMax)
}
child.on("spawn", () => process.stdout.write(`${JSON.stringify({ child: child.pid })}\n`))
child.on("error", (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(exitAbsent)
})
// Of a server that ends by itself the supervisor ends the rest, and tells the code.
child.on("exit", (code) => ending ? endGroup() : process.exit(code ?? 1))
process.stdout.on("error", end)
process.stderr.on("error", end)
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(name, end)
process.stdin.on("end", end).on("error", end).on("close", end).resume()
