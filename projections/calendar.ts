/**
 * The founder's calendar: of each entry the record that counts (greatest sequence, then the newest).
 * Rows: `meeting:<meeting>` `{ sequence, startsAt, endsAt, … }` with the envelope of its content;
 * `on:<starts at>:<meeting>` for what happens once, `series:<meeting>` for what comes again.
 */
import { numberOf, objectOf, padded, sealedOf, sealedRow, textOf } from "./fields.ts"
import { defineProjection } from "./projection.ts"

const place = (row: { readonly [name: string]: unknown }, meeting: string) =>
  row["repeats"] === true
    ? `series:${meeting}`
    : `on:${padded(numberOf(row["startsAt"]))}:${meeting}`

export const calendar = defineProjection({
  name: "calendar",
  version: 1,
  on: {
    MeetingRecorded: (event, rows) => {
      const data = objectOf(event.data)
      const meeting = textOf(data["meeting"])
      const sealed = sealedOf(data["content"])
      const before = rows.get(`meeting:${meeting}`)
      const known = objectOf(before)
      if (before !== undefined && numberOf(known["sequence"]) > numberOf(data["sequence"])) return
      if (before !== undefined) rows.delete(place(known, meeting))
      const row = {
        meeting,
        person: textOf(data["person"]),
        sequence: numberOf(data["sequence"]),
        status: textOf(data["status"]),
        startsAt: numberOf(data["startsAt"]),
        endsAt: numberOf(data["endsAt"]),
        allDay: data["allDay"] === true,
        repeats: data["repeats"] === true,
        timeZone: textOf(data["timeZone"]),
        event: event.id,
        ...(sealed === undefined ? {} : { content: sealedRow(sealed) }),
      }
      rows.set(`meeting:${meeting}`, row)
      rows.set(place(row, meeting), meeting)
    },
  },
})
