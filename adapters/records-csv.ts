/**
 * Cuts CSV of any delimiter into rows, line by line, so that one quote that is never closed costs its own
 * row and not the rest of the file. The header may stand below some lines of notes; which line it is, is
 * told by whoever reads the rows.
 */
import { parse } from "csv-parse/sync"
import { plainCell } from "./csv-cells.ts"

/** Lines before the header, such as LinkedIn's notes. */
export const preambleLinesMax = 30
/** A quoted field may run over this many lines; beyond, its quote is taken as never closed. */
const rowLinesMax = 2_000
const rowCharsMax = 256 * 1024
/** Lines read in vain after quotes that were never closed; after so many a row is a line. */
const vainLinesMax = 100_000
export const delimiters = [",", ";", "\t", "|"]

/** Column names are compared without case, spaces and punctuation. */
export const normaliseColumn = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")

/** Fields by their names, as columns of a header; a field may stand in several. */
export const columnsOf = <Field extends string>(
  names: ReadonlyArray<string>,
  known: ReadonlyMap<string, Field>,
): ReadonlyMap<Field, ReadonlyArray<number>> => {
  const columns = new Map<Field, Array<number>>()
  for (const [index, name] of names.entries()) {
    const field = known.get(name)
    if (field !== undefined) columns.set(field, [...columns.get(field) ?? [], index])
  }
  return columns
}

/** A table of names, comma separated, turned round. */
export const namesOf = <Field extends string>(
  table: Readonly<Record<Field, string>>,
): ReadonlyMap<string, Field> => {
  const found = new Map<string, Field>()
  for (const field in table) for (const name of table[field].split(",")) found.set(name, field)
  return found
}

export interface CsvLayout {
  readonly delimiter: string
  /** Columns of the header. */
  readonly width: number
  /** A row must reach this column; what is missing after it is taken as empty. */
  readonly lastNeeded: number
}

export type CsvItem =
  | { readonly at: string; readonly cells: ReadonlyArray<string> }
  | {
    readonly at: string
    readonly reason: string
    /** The row's only field, where it has no other: often no row, but a line below the table. */
    readonly alone?: string
  }

/** The first of a head's lines that is a header, as its reader sees it. */
export const headerIn = <L>(head: string, layoutOf: (row: string) => L | undefined) => {
  for (const text of head.split(/\r\n|\n|\r/, preambleLinesMax)) {
    const layout = layoutOf(text)
    if (layout !== undefined) return layout
  }
  return undefined
}

/** Cuts a row whose quotes are as they should be; undefined where they are not. A tenth of the cost. */
const cutQuoted = (row: string, delimiter: string): ReadonlyArray<string> | undefined => {
  const cells: Array<string> = []
  let at = 0
  while (true) {
    while (row[at] === " ") at++
    if (row[at] !== '"') {
      const next = row.indexOf(delimiter, at)
      const cell = row.slice(at, next < 0 ? row.length : next)
      if (cell.includes('"')) return undefined
      cells.push(cell.trim())
      if (next < 0) return cells
      at = next + 1
      continue
    }
    let doubled = false
    let end = row.indexOf('"', at + 1)
    while (end >= 0 && row[end + 1] === '"') {
      doubled = true
      end = row.indexOf('"', end + 2)
    }
    if (end < 0) return undefined
    const cell = row.slice(at + 1, end)
    cells.push(doubled ? cell.replaceAll('""', '"') : cell)
    at = end + 1
    while (row[at] === " ") at++
    if (at >= row.length) return cells
    if (row[at] !== delimiter) return undefined
    at++
  }
}

export const cellsOf = (row: string, delimiter: string): ReadonlyArray<string> | undefined => {
  if (!row.includes('"')) return row.split(delimiter).map((cell) => cell.trim())
  const cut = cutQuoted(row, delimiter)
  if (cut !== undefined) return cut
  try {
    const rows: Array<Array<string>> = parse(row, {
      delimiter,
      relax_quotes: true,
      relax_column_count: true,
      trim: true,
      record_delimiter: ["\u0000"],
      max_record_size: rowCharsMax,
    })
    return rows[0]
  } catch {
    return undefined
  }
}

/** Where quoting stands at the end of a line: within a quote, and whether text followed a closing one. */
interface Quoting {
  readonly open: boolean
  readonly broken: boolean
}

const quotingAfter = (text: string, delimiter: string, before: Quoting): Quoting => {
  if (!before.open && !text.includes('"')) return before
  let { open, broken } = before
  let at = 0
  while (at <= text.length) {
    if (!open) {
      while (text[at] === " ") at++
      if (text[at] === '"') {
        open = true
        at++
      }
    }
    if (open) {
      while (true) {
        const quote = text.indexOf('"', at)
        if (quote < 0) return { open, broken }
        at = quote + 1
        if (text[at] !== '"') break
        at++
      }
      open = false
      while (text[at] === " ") at++
      if (at < text.length && text[at] !== delimiter) broken = true
    }
    const next = text.indexOf(delimiter, at)
    if (next < 0) break
    at = next + 1
  }
  return { open, broken }
}

interface Line {
  readonly number: number
  readonly text: string
}

/** Lines as they come. One that is too long is cut there, so that it can be named and passed over. */
async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<ReadonlyArray<Line>> {
  let rest = ""
  let number = 0
  for await (const text of texts) {
    const pieces = (rest + text).split(/\r\n|\n|\r(?!$|\n)/)
    rest = pieces.pop() ?? ""
    yield pieces.map((piece) => ({ number: ++number, text: piece }))
    if (rest.length > rowCharsMax) {
      rest = rest.slice(0, rowCharsMax + 1) + (rest.endsWith("\r") ? "\r" : "")
    }
  }
  const last = rest.replace(/\r$/, "")
  if (last !== "") yield [{ number: number + 1, text: last }]
}

/** Rows in order. `texts` are the decoded characters of the file, in pieces, without a byte order mark. */
export async function* readRows<L extends CsvLayout>(
  texts: AsyncIterable<string>,
  layoutOf: (row: string) => L | undefined,
): AsyncGenerator<CsvItem & { readonly layout?: L }> {
  const blocks = linesOf(texts)
  let block: ReadonlyArray<Line> = []
  let index = 0
  /** Lines to be read again, after a quote that was never closed. */
  let again: Array<Line> = []
  let vain = 0
  const more = async (): Promise<boolean> => {
    while (index >= block.length) {
      const step = await blocks.next()
      if (step.done === true) return false
      block = step.value
      index = 0
    }
    return true
  }

  let layout: L | undefined
  while (again.length > 0 || index < block.length || await more()) {
    const first = again.pop() ?? block[index++]!
    if (layout === undefined) {
      layout = layoutOf(first.text)
      if (layout === undefined && first.number > preambleLinesMax) {
        yield { at: `line ${first.number}`, reason: "no line with column names found" }
        return
      }
      continue
    }
    const { delimiter, lastNeeded, width } = layout
    const at = `line ${first.number}`
    if (first.text.trim() === "") continue
    let quoting = quotingAfter(first.text, delimiter, { open: false, broken: false })
    let row = first.text
    if (quoting.open) {
      const taken: Array<Line> = []
      const pieces = [first.text]
      let size = first.text.length
      const most = vain > vainLinesMax ? 1 : rowLinesMax
      while (quoting.open && pieces.length < most && size < rowCharsMax) {
        if (again.length === 0 && index >= block.length && !(await more())) break
        const next = again.pop() ?? block[index++]!
        taken.push(next)
        pieces.push(next.text)
        size += next.text.length
        quoting = quotingAfter(next.text, delimiter, quoting)
      }
      if (quoting.open || quoting.broken && taken.length > 0) {
        vain += taken.length
        again = [...again, ...taken.toReversed()]
        yield {
          at,
          reason: "a quote that opens in this line is never closed: close it or remove it",
        }
        continue
      }
      row = pieces.join("\n")
    }
    if (row.length > rowCharsMax) {
      yield { at, reason: `the row is longer than ${rowCharsMax} characters` }
      continue
    }
    const cells = cellsOf(row, delimiter)
    if (cells === undefined) {
      yield { at, reason: "the row cannot be cut into columns: check its quotes" }
      continue
    }
    if (cells.every((cell) => cell === "")) {
      yield { at, cells, layout }
      continue
    }
    // More mean that it is cut wrongly; empty ones at the end are some program's habit.
    if (cells.length > width && cells.slice(width).some((cell) => cell !== "")) {
      yield {
        at,
        reason: `the row has ${cells.length} fields, the header ${width}: quote the delimiter`,
      }
      continue
    }
    if (cells.length <= lastNeeded) {
      yield {
        at,
        reason: `the row has ${cells.length} fields, the header ${width}: give it the missing ones`,
        ...(cells.length === 1 ? { alone: cells[0] ?? "" } : {}),
      }
      continue
    }
    yield { at, cells, layout }
  }
}

const tidy = /^[^\s]*(?: [^\s]+)*$/

/** A field of a row; of several columns the first that is not empty. On one line, cut at `most`. */
export const cellIn = <Field extends string>(
  cells: ReadonlyArray<string>,
  columns: ReadonlyMap<Field, ReadonlyArray<number>>,
  field: Field,
  most: number,
): string => {
  for (const index of columns.get(field) ?? []) {
    const text = plainCell(cells[index] ?? "")
    if (text !== "") {
      const short = text.length > most ? text.slice(0, most) : text
      // Most cells are as they should be, and the rest costs more.
      return (tidy.test(short) ? short : short.replace(/\s+/g, " ")).toWellFormed()
    }
  }
  return ""
}
