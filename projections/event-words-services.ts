/** What events about the services AIOS leans on say, in the founder's words. */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import type { JsonObject } from "../machines/agent.ts"
import type { Words } from "./event-words-outcomes.ts"
import { numberOf, textOf } from "./fields.ts"
import { isTrouble, outageWords, serviceName, troubleWords } from "./service-words.ts"

const failing = (service: string, trouble: string) =>
  isTrouble(trouble) ? troubleWords(service, trouble) : `${serviceName(service)} does not work`

export const serviceTeller: {
  readonly [type: string]: (fields: JsonObject, known: unknown, event: RecordedEvent) => Words
} = {
  ServiceAnswered: (_, __, event) => ({
    what: `${serviceName(keyOf(event.stream))} answered for the first time`,
    detail: "",
  }),
  CircuitOpened: (fields, _, event) => ({
    what: `${
      failing(keyOf(event.stream), textOf(fields["trouble"]))
    }: it is left alone for a while`,
    detail: textOf(fields["reason"]),
  }),
  ProbeFailed: (fields, _, event) => ({
    what: `${serviceName(keyOf(event.stream))} was tried again, in vain`,
    detail: textOf(fields["reason"]),
  }),
  CircuitClosed: (fields, _, event) => ({
    what: `${serviceName(keyOf(event.stream))} works again, after ${
      outageWords(numberOf(fields["millis"]))
    }`,
    detail: "",
  }),
  RunCutOff: (fields) => ({
    what: `Work of a model for ${textOf(fields["agent"])} was cut off, and is done anew`,
    detail: textOf(fields["activity"]),
  }),
  AdapterDegraded: (fields) => ({
    what: `The coordinator heard that ${textOf(fields["adapter"])} does not work`,
    detail: textOf(fields["reason"]),
  }),
  AdapterRecovered: (fields) => ({
    what: `The coordinator heard that ${textOf(fields["adapter"])} works again`,
    detail: "",
  }),
  ServiceDegraded: (fields) => ({
    what: `Memory heard that ${textOf(fields["service"])} does not work`,
    detail: textOf(fields["reason"]),
  }),
  ServiceRecovered: (fields) => ({
    what: `Memory heard that ${textOf(fields["service"])} works again`,
    detail: "",
  }),
  NightReached: (fields) => ({
    what: `Memory heard that the night of ${textOf(fields["date"])} has come`,
    detail: "",
  }),
}
