/**
 * Milliseconds on a clock that is the same in every process of the machine, so that what one
 * process sees can be timed by another.
 */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
