/** Arithmetic of vectors that stand for texts. All of ours have length one, so their dot product is the cosine. */

export const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

/** The same direction with length one. What has no direction gets one, so that it can be stored and compared. */
export const unit = (vector: Float32Array): Float32Array => {
  const length = Math.sqrt(dot(vector, vector))
  if (length > 0 && Number.isFinite(length)) return vector.map((value) => value / length)
  const first = new Float32Array(vector.length)
  first[0] = 1
  return first
}
