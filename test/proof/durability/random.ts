/** A number from 0 up to, not including, 1. */
export type Random = () => number

/** One of them. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item
}

/** At most `count` of them, in their order, as evenly spread as can be, from a random start. */
export function spread<Item>(
  random: Random,
  items: readonly Item[],
  count: number,
): Item[] {
  if (items.length <= count) return [...items]
  const stride = items.length / count
  const start = random() * stride
  return Array.from(
    { length: count },
    (_, index) => items[Math.floor(start + index * stride)] as Item,
  )
}
