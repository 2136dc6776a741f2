/**
 * Tells slow from stuck: a machine that is busy needs time, and gets it as long as there is less and
 * less left.
 *
 * @returns what says whether the number it is given has not fallen for so long
 */
export function progressWatch(patienceMs: number): (left: number) => boolean {
  let least = Infinity
  let since = performance.now()
  return left => {
    if (left < least) {
      least = left
      since = performance.now()
    }
    return performance.now() - since > patienceMs
  }
}
