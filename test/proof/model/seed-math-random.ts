import { seededRandom } from '../../support/seeded-random.ts'

/** The least value `Math.random` gives while it is seeded; see `seedMathRandom`. */
export const LEAST_RANDOM = 0.5

/**
 * Replaces `Math.random` by a sequence that repeats, of values from a half up to one: full
 * jitter then has a lower bound that a test can hold the code to.
 *
 * @returns a function that puts the real one back
 */
export function seedMathRandom(seed: number): () => void {
  const real = Math.random
  const next = seededRandom(seed)
  Math.random = () => LEAST_RANDOM + next() * (1 - LEAST_RANDOM)
  return () => {
    Math.random = real
  }
}
