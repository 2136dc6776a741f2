import type { Random } from '../../support/seeded-random.ts'

/** Stands in everything a connection makes up, so that an answer that repeats any of it shows. */
export const CANARY = 'kanarie'

/** A piece of made-up text with the canary in it. */
export function canary(random: Random): string {
  return `${CANARY}-${random.word(8)}`
}
