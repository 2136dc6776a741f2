import { BYSTANDERS, HANDLERS, type HandlerName, USERS } from './steps.ts'

interface Item {
  readonly user: string
  /** When it happened. */
  readonly at: number
  /** Which arrival in the bridge's data it was: what is restored arrives late. */
  readonly arrival: number
  /** Kept until then, as the law wants it. */
  readonly keepUntil?: number
}

const ITEMS_EACH = 4

/** What the bridge has stored about people, in one place per handler. */
export class BridgeData {
  readonly #places = new Map<HandlerName, Item[]>(HANDLERS.map(name => [name, []]))
  #arrivals = 0

  constructor(now: number) {
    for (const user of [...USERS, ...BYSTANDERS]) this.add(user, now, ITEMS_EACH)
  }

  /** The number of the latest arrival. */
  get arrivals(): number {
    return this.#arrivals
  }

  add(
    user: string,
    at: number,
    count: number,
    places: readonly HandlerName[] = HANDLERS,
  ): void {
    this.#arrivals += 1
    for (const place of places) {
      for (let item = 0; item < count; item += 1) {
        this.#at(place).push({ user, at, arrival: this.#arrivals })
      }
    }
  }

  /** What happened to the user up to `until` and arrived no later than `arrival`. */
  count(place: HandlerName, user: string, until: number, arrival = Infinity): number {
    return this.#at(place).filter(
      item => item.user === user && item.at <= until && item.arrival <= arrival,
    ).length
  }

  /** Removes up to `most` items that need not be kept. */
  remove(
    place: HandlerName,
    user: string,
    until: number,
    now: number,
    most: number,
  ): number {
    let removed = 0
    const left = this.#at(place).filter(item => {
      if (item.user !== user || item.at > until || removed >= most) return true
      if (item.keepUntil !== undefined && item.keepUntil > now) return true
      removed += 1
      return false
    })
    this.#places.set(place, left)
    return removed
  }

  /** From now on the first item of the user must be kept. */
  keepOne(place: HandlerName, user: string, until: number, keepUntil: number): void {
    const items = this.#at(place)
    const index = items.findIndex(item => item.user === user && item.at <= until)
    const item = items[index]
    if (item !== undefined) items[index] = { ...item, keepUntil }
  }

  /** The times until which items of the user must be kept. */
  keptUntil(place: HandlerName, user: string, until: number, now: number): number[] {
    return this.#at(place).flatMap(({ user: owner, at, keepUntil = 0 }) =>
      owner === user && at <= until && keepUntil > now ? [keepUntil] : [],
    )
  }

  /** What there is about people nobody asked to erase. */
  bystanders(): number {
    const items = [...this.#places.values()].flat()
    return items.filter(({ user }) => BYSTANDERS.some(name => name === user)).length
  }

  #at(place: HandlerName): Item[] {
    return this.#places.get(place) ?? []
  }
}
