/**
 * What the source text of a chart's function tells. It is a look at text, not a parser: errors are only
 * reported for forms that cannot be meant otherwise, everything else is a warning.
 */

type Finding = readonly [what: string, remedy: string]

const withoutComments = (text: string) =>
  text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/[^\n]*/g, "$1")

/** The text between the parentheses that open at `at`. */
const argumentsAt = (text: string, at: number): string => {
  let depth = 0
  for (let n = at; n < text.length; n++) {
    if ("([{".includes(text[n]!)) depth++
    else if (")]}".includes(text[n]!) && --depth === 0) return text.slice(at + 1, n)
  }
  return ""
}

/** Forms that cannot work: waiting, spawning without an id, enqueueing a custom action. */
export const textProblemsOf = (
  given: unknown,
  actions: Readonly<Record<string, unknown>>,
): ReadonlyArray<Finding> => {
  const text = withoutComments(String(given))
  const found: Array<Finding> = []
  if (/^async\b/.test(text)) {
    found.push(["an async function, whose result XState would not wait for", "Invoke an activity"])
  }
  for (const { index } of text.matchAll(/\bspawn\(/g)) {
    const inside = argumentsAt(text, index + "spawn".length).trim()
    const options = /^(?:"[^"]*"|'[^']*'|[\w$.]+)\s*(?:,\s*(\{[\s\S]*\})?\s*,?\s*)?$/.exec(inside)
    if (options !== null && !/\bid\b|\.\.\./.test(options[1] ?? "")) {
      found.push([
        `spawn(${inside.split(",")[0]}) without an id`,
        "Give it an explicit id: made-up ids differ from run to run",
      ])
    }
  }
  for (const [, name] of text.matchAll(/\benqueue\(\s*(?:\{\s*type:\s*)?["'`]([^"'`]+)["'`]/g)) {
    const action = actions[name!]
    if (typeof action === "function" && !("resolve" in action)) {
      found.push([
        `enqueues action "${name}", a function with a side effect of its own`,
        "Make it an activity and spawn or invoke it",
      ])
    }
  }
  if (/\benqueue\(\s*(?:async\b|function\b|\([^()]*\)\s*=>|[\w$]+\s*=>)/.test(text)) {
    found.push([
      "enqueues a function with a side effect of its own",
      "Make it an activity and spawn or invoke it, or use enqueue.assign()",
    ])
  }
  return found
}

/** What is said of a chart that does so; such a chart works on copies, which costs time. */
export const changesInPlace = "a change of the context in place, which costs a copy for every event"

const smells: ReadonlyArray<readonly [RegExp, string, string]> = [
  [
    /\bIntl\.|\.toLocale\w*\(|\.localeCompare\(/,
    "text that depends on the machine's language, which throws in a chart",
    "Format where it is shown; compare with < and >",
  ],
  [
    /\bTemporal\.|\bperformance\./,
    "a clock that throws in a chart",
    "Use Date, which is the actor's own clock here",
  ],
  [
    /\bcrypto\./,
    "crypto, which throws in a chart",
    "Use Math.random, which is seeded by the event, or an activity",
  ],
  [
    /\bfetch\(|\bXMLHttpRequest\b|\blocalStorage\b|\bdocument\.|\bwindow\./,
    "the outside world, which a chart must not touch",
    "Make it an activity",
  ],
  [
    /\bprocess\.|\bDeno\.|\bnavigator\./,
    "the process it runs in, which differs from run to run",
    "Pass it in as input or in an event",
  ],
  [
    /\bset(?:Timeout|Interval)\(|\bqueueMicrotask\(|\.then\(|\bnew Promise\b/,
    "work that goes on after the transition",
    "Use after, a delayed raise, or an activity",
  ],
  [
    /\.(?:getSnapshot|subscribe)\(|\.send\(/,
    "another actor's state or mailbox, which throws in a chart",
    "Exchange events with sendTo()",
  ],
  [
    /\bnew (?:Map|Set)\b/,
    "a Map or Set, which cannot be kept in the context",
    "Use plain objects and arrays",
  ],
  [
    /\bcontext(?:\??\.\w+|\[[^\]]*\])*(?:\.(?:push|pop|shift|unshift|splice|sort|reverse|fill)\(|\s*(?:=(?![=>])|[-+*/%]=|\+\+|--))|\bdelete context\b/,
    changesInPlace,
    "Return a new value from assign()",
  ],
]

/** What may fail or differ when it runs. */
export const smellsOf = (given: unknown): ReadonlyArray<Finding> => {
  const text = withoutComments(String(given))
  return smells.filter(([pattern]) => pattern.test(text)).map(([, what, remedy]) => [what, remedy])
}
