/**
 * CSV that spreadsheets open without running anything: a cell that a spreadsheet would take for a formula
 * gets an apostrophe in front, which our own reader takes off again.
 */

/** What begins a formula, or is skipped in front of one. An apostrophe of one's own is doubled by the rule. */
const dangerous = /^'*[=+\-@\t\r\n]/
/** A phone number or an amount computes nothing: digits, and signs between them. */
const harmless = /^[+-]?[\d][\d\s().,/-]*$/

/** The cell's text, safe to open. */
export const safeCell = (text: string): string =>
  dangerous.test(text) && !harmless.test(text) ? `'${text}` : text

/** The text as it was before `safeCell`. */
export const plainCell = (cell: string): string =>
  cell.startsWith("'") && dangerous.test(cell.slice(1)) && !harmless.test(cell.slice(1))
    ? cell.slice(1)
    : cell

const quoted = (cell: string) =>
  /[",\r\n;\t]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell

/** One line with its end, as RFC 4180 has it. */
export const csvLine = (cells: ReadonlyArray<string>): string =>
  `${cells.map((cell) => quoted(safeCell(cell.replaceAll("\0", "")))).join(",")}\r\n`

export const csvFile = (rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  rows.map(csvLine).join("")
