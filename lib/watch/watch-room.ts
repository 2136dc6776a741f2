import type { UserId } from '../matrix/user-id.ts'
import type { ErasureSource } from './source.ts'
import type { WatchServices } from './watch-services.ts'
import { Watcher } from './watcher.ts'

/** All sources of an SDK. They do not wait for each other. */
export class WatchRoom {
  readonly #watchers: readonly Watcher[]

  constructor(sources: readonly ErasureSource[], services: WatchServices) {
    this.#watchers = sources.map(source => new Watcher(source, services))
  }

  /** The names of the sources. */
  get names(): string[] {
    return this.#watchers.map(({ source }) => source.name)
  }

  /** Begins to watch, without waiting for any homeserver. */
  begin(): void {
    for (const watcher of this.#watchers) watcher.begin()
  }

  /** Somebody saw a sign that this user may have been erased. */
  hint(userId: UserId): void {
    for (const watcher of this.#watchers) watcher.hint(userId)
  }

  async close(): Promise<void> {
    await Promise.all(this.#watchers.map(watcher => watcher.close()))
  }
}
