/** Amounts and quantities as lists write them, exactly: no floating point on the way. */

/** Digits kept behind the point. */
const scaleDigits = 12
export const scale = 10n ** BigInt(scaleDigits)
const numberCharsMax = 40

/**
 * `1,234.50`, `1.234,50`, `£2.55`, `(12.00)`, `-3`, `1e3` times `scale`; undefined where it is no number.
 * `commaIsPoint` decides what `1,234` means; whoever separates fields by semicolons writes so.
 */
export const parseDecimal = (text: string, commaIsPoint = false): bigint | undefined => {
  const simple = /^(-?)(\d{1,15})(?:\.(\d{1,12}))?$/.exec(text)
  if (simple !== null && !(commaIsPoint && simple[3]?.length === 3)) {
    const value = BigInt(simple[2]! + (simple[3] ?? "").padEnd(scaleDigits, "0"))
    return simple[1] === "" ? value : -value
  }
  let clean = text.trim()
  if (clean.length > numberCharsMax) return undefined
  const negative = /^\(.*\)$/.test(clean) || /^[^\d]*[-−]/.test(clean) || /\d\s*[-−]$/.test(clean)
  clean = clean.replace(
    /[()\s\u00a0\u202f'’+−-]/g,
    (sign) => sign === "-" || sign === "+" ? "~" : "",
  )
  const power = /[eE](~?)(\d{1,2})$/.exec(clean)
  if (power !== null) clean = clean.slice(0, power.index)
  clean = clean.replace(/^[^\d.,]+/, "").replace(/[^\d.,]+$/, "")
  const [comma, point] = [clean.lastIndexOf(","), clean.lastIndexOf(".")]
  const decimalComma = comma >= 0 && point >= 0
    ? comma > point
    : comma >= 0 && clean.indexOf(",") === clean.lastIndexOf(",") &&
      (commaIsPoint || !/^\d{1,3},\d{3}$/.test(clean))
  // Where the comma is the point, the point parts thousands.
  const thousands = commaIsPoint && comma < 0 && /^[1-9]\d{0,2}\.\d{3}$/.test(clean)
  const plain = thousands
    ? clean.replace(".", "")
    : decimalComma
    ? clean.replaceAll(".", "").replace(",", ".")
    : clean.indexOf(".") !== clean.lastIndexOf(".")
    ? clean.replaceAll(".", "").replaceAll(",", "")
    : clean.replaceAll(",", "")
  const parts = /^(\d*)(?:\.(\d*))?$/.exec(plain)
  if (parts === null || (parts[1] === "" && (parts[2] ?? "") === "")) return undefined
  const digits = BigInt(parts[1] === "" ? "0" : parts[1]!)
  const behind = (parts[2] ?? "").slice(0, scaleDigits).padEnd(scaleDigits, "0")
  let value = digits * scale + BigInt(behind)
  if (power !== null) {
    const factor = 10n ** BigInt(Math.min(20, Number(power[2])))
    value = power[1] === "" ? value * factor : value / factor
  }
  return negative ? -value : value
}

/** A scaled number as a plain one, where its digits do not matter any more. */
export const plainNumber = (scaled: bigint): number => Number(scaled) / Number(scale)

/** A scaled amount in units of `10^-decimals`, halves away from zero; undefined beyond exact numbers. */
export const minorOf = (scaled: bigint, decimals: number): number | undefined => {
  const unit = scale / 10n ** BigInt(decimals)
  const half = unit / 2n
  const rounded = scaled < 0n ? -((-scaled + half) / unit) : (scaled + half) / unit
  const plain = Number(rounded)
  return Number.isSafeInteger(plain) ? plain : undefined
}
