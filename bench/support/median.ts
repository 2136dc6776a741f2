/** The middle of the values, or the upper one of the two in the middle. */
export function median(values: Iterable<number>): number {
  return quantile(values, 0.5)
}

/** The value below which this part of the values lies. */
export function quantile(values: Iterable<number>, part: number): number {
  const sorted = Float64Array.from(values).toSorted()
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
  if (value === undefined) throw new RangeError('Expected at least one value')
  return value
}
