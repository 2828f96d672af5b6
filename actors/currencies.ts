/** How many decimals a currency has (ISO 4217). Money is kept in the smallest unit. */

const none = new Set(
  "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "),
)
const three = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "))

export const decimalsOf = (currency: string): number =>
  none.has(currency) ? 0 : three.has(currency) ? 3 : 2
