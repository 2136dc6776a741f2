import { createRandomBytes } from '../host/random-bytes.ts'
import type { OpenRequest } from '../request/open-request.ts'
import type { RequestId } from '../request/request-id.ts'
import type { UserTag } from '../user-seal/user-seal.ts'
import type { Change, Documents, NewDocument } from './documents.ts'

/** Whose tombstone it is, and which of their requests holds it. */
type Holder = Pick<OpenRequest, 'id' | 'tag'>

/**
 * The documents that `isErased` reads. While a user has an open request, the tombstone has no expiry,
 * however long that takes; beside it there is a document `open:<tag>:<request>` for each request. The
 * last request to finish sets the tombstone's expiry.
 *
 * Each write without an expiry changes the text. So a request that has just found that it is the last
 * one cannot end the tombstone if another request came meanwhile.
 */
export class Tombstones {
  readonly #documents: Documents
  readonly #random = createRandomBytes(9)

  constructor(documents: Documents) {
    this.#documents = documents
  }

  async has(tag: UserTag): Promise<boolean> {
    return (await this.#documents.get(tombstoneKey(tag))) !== undefined
  }

  /** What to write together with a new request. */
  held(holder: Holder): NewDocument[] {
    return [this.#endless(holder.tag), { key: openKey(holder), value: true }]
  }

  /** Has an existing tombstone that would expire wait for this request, too. */
  async hold(holder: Holder): Promise<void> {
    const seen = await this.#documents.see(tombstoneKey(holder.tag))
    if (seen?.expires === undefined) return
    await this.#change(holder.tag, async () => ({ set: this.held(holder) }))
  }

  /** Ends the tombstone in `tombstoneMs`, unless another request holds it. If lifted, it stays so. */
  async release(holder: Holder, tombstoneMs: number): Promise<void> {
    const { tag } = holder
    const mine = openKey(holder)
    const isThere = await this.#change(tag, async () => {
      const isHeld = await this.#isHeldByOthers(holder)
      const ended = { key: tombstoneKey(tag), value: true, ttlMs: tombstoneMs }
      return { set: [isHeld ? this.#endless(tag) : ended], delete: [mine] }
    })
    if (!isThere) await this.#documents.delete(mine)
  }

  /** @returns whether there was a tombstone */
  lift(tag: UserTag): Promise<boolean> {
    return this.#change(tag, async () => ({ delete: [tombstoneKey(tag)] }))
  }

  /** Releases what requests hold that a crash has finished halfway. */
  async releaseOrphans(
    openRequests: AsyncIterable<OpenRequest>,
    tombstoneMs: number,
  ): Promise<void> {
    const open = new Set<string>()
    for await (const { id } of openRequests) open.add(id)
    for await (const { key } of this.#documents.all('open')) {
      const [, tag = '', id = ''] = key.split(':')
      if (open.has(id)) continue
      // Accepted meanwhile, perhaps.
      if ((await this.#documents.get(`request:${id}`)) !== undefined) continue
      await this.release({ tag: tag as UserTag, id: id as RequestId }, tombstoneMs)
    }
  }

  #endless(tag: UserTag): NewDocument {
    return { key: tombstoneKey(tag), value: this.#random().toString('base64url') }
  }

  async #isHeldByOthers({ tag, id }: Holder): Promise<boolean> {
    for await (const { key } of this.#documents.all(`open:${tag}`)) {
      if (key !== openKey({ tag, id })) return true
    }
    return false
  }

  /**
   * Changes a tombstone if there is one. Tries again if another process has changed it meanwhile.
   *
   * @returns whether there was one
   */
  async #change(
    tag: UserTag,
    change: () => Promise<Omit<Change, 'key' | 'seen'>>,
  ): Promise<boolean> {
    const key = tombstoneKey(tag)
    let refused: string | undefined
    for (;;) {
      const seen = await this.#documents.see(key)
      // Refused and still the same: past its time for the adapter, whose clock is not ours.
      if (seen === undefined || seen.text === refused) return false
      const made = await change()
      if (await this.#documents.change({ key, seen: seen.text, ...made })) return true
      refused = seen.text
    }
  }
}

function tombstoneKey(tag: UserTag): string {
  return `tombstone:${tag}`
}

function openKey({ tag, id }: Holder): string {
  return `open:${tag}:${id}`
}
