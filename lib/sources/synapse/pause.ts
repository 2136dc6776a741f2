const FIRST_BACKOFF_MS = 1000
/** Outages end; an hour's interval is no reason to wait an hour to notice. */
const MAX_BACKOFF_MS = 5 * 60 * 1000

/**
 * How long after its beginning a scan is followed by the next, in milliseconds: an interval, stretched
 * so that the homeserver makes lists for no more than a share of the time.
 *
 * @param busyMs - how long the homeserver took for its pages
 * @param maxBusyPercent - the share
 */
export function stretch(
  intervalMs: number,
  busyMs: number,
  maxBusyPercent: number,
): number {
  return Math.max(intervalMs, (100 / maxBusyPercent) * busyMs)
}

/**
 * How long to wait after a failure, in milliseconds: from a second, doubled each time, to the interval,
 * with jitter, and no less than the homeserver asked for.
 *
 * @param failures - how many there were in a row, from 1
 */
export function backOff(
  intervalMs: number,
  failures: number,
  retryAfterMs: number,
): number {
  const most = Math.min(intervalMs, MAX_BACKOFF_MS)
  const waitMs = Math.min(most, FIRST_BACKOFF_MS * 2 ** (failures - 1))
  return Math.max(retryAfterMs, waitMs * (1 - Math.random() / 2))
}
