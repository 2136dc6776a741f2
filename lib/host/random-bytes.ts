import { randomFillSync } from 'node:crypto'

/** How many draws one call of the system's generator covers: a call each would cost 5 µs. */
const DRAWS = 1024

/**
 * Makes a source of cryptographically random bytes, `size` at a time. What it returns is
 * overwritten some thousand draws later: use it at once.
 */
export function createRandomBytes(size: number): () => Buffer {
  const pool = Buffer.allocUnsafeSlow(size * DRAWS)
  let used = pool.length
  return () => {
    if (used === pool.length) {
      randomFillSync(pool)
      used = 0
    }
    used += size
    return pool.subarray(used - size, used)
  }
}
