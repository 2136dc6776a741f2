import { seededRandom } from '../../support/seeded-random.ts'

/** A sequence that depends on nothing but where it begins. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number
  /** A whole number, both ends included. */
  int(least: number, most: number): number
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  /** One of `items`, the ones with a greater weight more often. */
  weighted<Item>(items: ReadonlyArray<readonly [weight: number, item: Item]>): Item
  /** Random bytes. */
  bytes(length: number): Buffer
  /** Letters and digits, ten at most of them random. */
  word(length: number): string
}

/** The sequence of one stream of a seed: each connection has one, so that it can be repeated alone. */
export function randomOf(seed: number, stream: number): Random {
  const state =
    Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35)
  const next = seededRandom(state)
  const int = (least: number, most: number) =>
    least + Math.floor(next() * (most - least + 1))
  const pick = <Item>(items: readonly Item[]) => {
    if (items.length === 0) throw new RangeError('Nothing to pick from')
    return items[int(0, items.length - 1)] as Item
  }
  return {
    next,
    int,
    pick,
    chance: probability => next() < probability,
    weighted(items) {
      let left = next() * items.reduce((sum, [weight]) => sum + weight, 0)
      const found = items.find(([weight]) => (left -= weight) < 0)
      return (found ?? pick(items))[1]
    },
    bytes: length => Buffer.from(Array.from({ length }, () => int(0, 255))),
    word: length => next().toString(36).slice(2).padEnd(length, 'x').slice(0, length),
  }
}

/** Stands in everything a connection makes up, so that an answer that repeats any of it shows. */
export const CANARY = 'kanarie'

/** A piece of made-up text with the canary in it. */
export function canary(random: Random): string {
  return `${CANARY}-${random.word(8)}`
}
