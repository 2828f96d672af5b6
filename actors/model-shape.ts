/**
 * The shape an answer must have: an Effect Schema as the JSON Schema that model servers take, and an answer
 * read strictly back. A shape fixes the form and not the sense, hence the judge.
 */
import { Schema } from "effect"
import type { Json, JsonObject } from "../machines/agent.ts"

/** Definitions that name each other deeper than this describe no answer of a bounded size. */
const depthMax = 16
/** Of what is wrong with an answer, so much is told. */
const problemsMax = 5
const problemCharsMax = 200

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** References written out (servers follow few of them), and no property but those named. */
const inlined = (
  schema: unknown,
  definitions: { readonly [name: string]: unknown },
  depth = 0,
): Json => {
  if (depth > depthMax) {
    throw new TypeError(
      "The shape of an answer names itself: give it bounds, a model would not end",
    )
  }
  if (Array.isArray(schema)) return schema.map((one) => inlined(one, definitions, depth))
  if (!isObject(schema)) {
    return typeof schema === "string" || typeof schema === "number" || typeof schema === "boolean"
      ? schema
      : null
  }
  const ref = schema["$ref"]
  if (typeof ref === "string") {
    return inlined(definitions[ref.slice(ref.lastIndexOf("/") + 1)], definitions, depth + 1)
  }
  // Several checks of one field may come as `allOf`: they are one set of bounds.
  const { allOf, $ref: _, ...own } = schema
  const joined: { readonly [key: string]: unknown } = Array.isArray(allOf)
    ? Object.assign({}, own, ...allOf.filter(isObject))
    : own
  return {
    ...Object.fromEntries(
      Object.entries(joined).map(([key, value]) => [key, inlined(value, definitions, depth + 1)]),
    ),
    ...(joined["type"] === "object" && isObject(joined["properties"])
      ? { additionalProperties: false }
      : {}),
  }
}

const known = new WeakMap<object, JsonObject>()

/** The JSON Schema of a shape. Throws where the shape has no end: a fault in our code. */
export const formatOf = <A>(shape: Schema.Codec<A, unknown>): JsonObject => {
  const before = known.get(shape)
  if (before !== undefined) return before
  const { definitions, schema } = Schema.toJsonSchemaDocument(shape)
  const format = inlined(schema, definitions)
  if (!isObject(format)) throw new TypeError("The shape of an answer is no JSON Schema")
  known.set(shape, format)
  return format
}

export type Read<A> =
  | { readonly is: "answer"; readonly answer: A }
  /** `garbage`: not even the form; else the form is there and the judge refused it. */
  | {
    readonly is: "misfit"
    readonly garbage: boolean
    readonly problems: ReadonlyArray<string>
  }

const misfit = (problems: ReadonlyArray<string>, garbage: boolean): Read<never> => ({
  is: "misfit",
  garbage,
  problems: problems.slice(0, problemsMax).map((one) => one.slice(0, problemCharsMax)),
})

/** Reads what a model said: JSON and nothing else, of the shape, and of use to the judge. */
export const readAnswer = <A>(
  text: string,
  cutOff: boolean,
  shape: Schema.Codec<A, unknown>,
  judge: ((answer: A) => ReadonlyArray<string>) | undefined,
): Read<A> => {
  // A rambling model is no broken server.
  if (cutOff) return misfit(["it was cut off at the token limit: be brief"], false)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return misfit([text.trim() === "" ? "it is empty" : "it is not JSON"], true)
  }
  const decoded = Schema.decodeUnknownResult(shape, { errors: "all" })(parsed)
  if (decoded._tag === "Failure") {
    return misfit(
      String(decoded.failure.message).split(/\n(?! )/).map((one) =>
        one.replace(/\s+/g, " ").trim()
      ),
      true,
    )
  }
  const problems = judge?.(decoded.success) ?? []
  return problems.length > 0 ? misfit(problems, false) : { is: "answer", answer: decoded.success }
}
