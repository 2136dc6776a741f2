// How much the tests of the promises try: small enough for every change. `npm run prove:long` sets
// these by its flags.

/** A size from the environment, or else the small one. */
function size(name: string, small: number): number {
  const given = process.env[`ERASURE_TEST_${name}`]
  return given === undefined ? small : Number(given)
}

/**
 * How long a file of proofs may take, runner or none: three times what the longest takes on a busy
 * machine. A file that hangs is then named before the gate's own limit ends it. 0 would also take
 * the runner's limit away.
 */
export const FILE_LIMIT_MS: number = 45 * 60_000

export const SIZES = {
  /** SIGKILLs at random moments and at boundaries. */
  kills: size('KILLS', 40),
  /** Power cuts, torn pages included. */
  cuts: size('CUTS', 60),
  /** Backups of a database that is written at full speed. */
  backups: size('BACKUPS', 12),
  /** Schedules of the model. */
  schedules: size('SCHEDULES', 200),
  /** Requests of the fuzzer. */
  requests: size('REQUESTS', 5000),
  /** Requests to several processes on one database. */
  shared: size('SHARED', 300),
  /** Random faults of those processes, besides one of each kind. */
  faults: size('FAULTS', 0),
  /** Where every random sequence begins; printed, so that a failure can be repeated. */
  seed: size('SEED', 20_261_123),
}
