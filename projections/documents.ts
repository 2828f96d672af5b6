/**
 * The documents of the cadence, as they were composed. Row `<slot>:<date>`: title, figures and the
 * envelope of the text; a document that was composed again takes the place of the first.
 */
import { objectOf, sealedOf, sealedRow, textOf } from "./fields.ts"
import { defineProjection } from "./projection.ts"

export const documents = defineProjection({
  name: "documents",
  version: 1,
  on: {
    ActivitySucceeded: (event, rows) => {
      if (!event.stream.startsWith("coordinator-")) return
      const { date, figures, slot, text, title } = objectOf(objectOf(event.data)["output"])
      if (typeof slot !== "string" || typeof date !== "string" || text === undefined) return
      const sealed = sealedOf(text)
      rows.set(`${slot}:${date}`, {
        slot,
        date,
        title: textOf(title),
        text: sealed === undefined ? text : sealedRow(sealed),
        figures: objectOf(figures),
        event: event.id,
        at: event.metadata.at,
      })
    },
  },
})
