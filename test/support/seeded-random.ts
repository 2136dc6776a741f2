/** A sequence that is the same for the same seed (mulberry32). */
export interface Random {
  /** From 0 up to, not including, 1. */
  (): number
  /** A whole number, both ends included. */
  int(least: number, most: number): number
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  /** One of `items`, the ones with a greater weight more often. */
  weighted<Item>(items: ReadonlyArray<readonly [weight: number, item: Item]>): Item
  /** At most `count` of them, in their order, as evenly spread as can be, from a random start. */
  spread<Item>(items: readonly Item[], count: number): Item[]
  bytes(length: number): Buffer
  /** Letters and digits, ten at most of them random. */
  word(length: number): string
}

/** @param stream - one of many sequences of the same seed, so that each can be repeated alone */
export function seededRandom(seed: number, stream?: number): Random {
  const next = mulberry32(stream === undefined ? seed : mix(seed, stream))
  const int = (least: number, most: number) =>
    least + Math.floor(next() * (most - least + 1))
  const pick = <Item>(items: readonly Item[]) => {
    if (items.length === 0) throw new RangeError('Nothing to pick from')
    return items[int(0, items.length - 1)] as Item
  }
  return Object.assign(() => next(), {
    int,
    pick,
    chance: (probability: number) => next() < probability,
    weighted<Item>(items: ReadonlyArray<readonly [weight: number, item: Item]>) {
      let left = next() * items.reduce((sum, [weight]) => sum + weight, 0)
      const found = items.find(([weight]) => (left -= weight) < 0)
      return (found ?? pick(items))[1]
    },
    spread<Item>(items: readonly Item[], count: number) {
      if (items.length <= count) return [...items]
      const stride = items.length / count
      const start = next() * stride
      return Array.from(
        { length: count },
        (_, index) => items[Math.floor(start + index * stride)] as Item,
      )
    },
    bytes: (length: number) => Buffer.from(Array.from({ length }, () => int(0, 255))),
    word: (length: number) =>
      next().toString(36).slice(2).padEnd(length, 'x').slice(0, length),
  })
}

function mix(seed: number, stream: number): number {
  return Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35)
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
