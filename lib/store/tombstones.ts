import { createRandomBytes } from '../host/random-bytes.ts'
import type { OpenRequest } from '../request/open-request.ts'
import type { RequestId } from '../request/request-id.ts'
import type { UserTag } from '../user-seal/user-seal.ts'
import type { Change, Documents, NewDocument } from './documents.ts'
import type { Seen } from './envelope.ts'

/** What remains of a request that was withdrawn, until its tombstone is lifted. */
const WITHDRAWN = 'withdrawn'

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

  /** Those of these users who have one. */
  async among(tags: readonly UserTag[]): Promise<ReadonlySet<UserTag>> {
    const found = await this.#documents.areThere(tags.map(tombstoneKey))
    return new Set(tags.filter((_, at) => found[at] === true))
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

  /** What to write when a request is withdrawn: after a crash, `undo` is still to be done. */
  withdrawn(holder: Holder): NewDocument {
    return { key: openKey(holder), value: WITHDRAWN }
  }

  /**
   * Removes the tombstone as if the request had never come, unless another one holds it, or was
   * finished meanwhile and has set its end.
   */
  async undo(holder: Holder): Promise<void> {
    const { tag } = holder
    const mine = openKey(holder)
    const isThere = await this.#change(tag, async ({ expires }) => {
      if (expires !== undefined) return { delete: [mine] }
      if (await this.#isHeldByOthers(holder)) {
        return { set: [this.#endless(tag)], delete: [mine] }
      }
      return { delete: [tombstoneKey(tag), mine] }
    })
    if (!isThere) await this.#documents.delete(mine)
  }

  /** The ids of the requests that hold the tombstone, and perhaps of some that are just finished. */
  async *holders(tag: UserTag): AsyncGenerator<RequestId> {
    for await (const { key } of this.#documents.all(`open:${tag}`)) yield holderOf(key).id
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
    for await (const { key, value } of this.#documents.all('open')) {
      const holder = holderOf(key)
      if (open.has(holder.id)) continue
      // Accepted meanwhile, perhaps.
      const request = await this.#documents.get(`request:${holder.id}`)
      if (request !== undefined) continue
      if (value === WITHDRAWN) await this.undo(holder)
      else await this.release(holder, tombstoneMs)
    }
  }

  #endless(tag: UserTag): NewDocument {
    return { key: tombstoneKey(tag), value: this.#random().toString('base64url') }
  }

  async #isHeldByOthers({ tag, id }: Holder): Promise<boolean> {
    for await (const { key, value } of this.#documents.all(`open:${tag}`)) {
      if (key !== openKey({ tag, id }) && !(await this.#isGone(key, value))) return true
    }
    return false
  }

  /** Without `writeIf`, a crash in the middle of a withdrawal leaves the request open. */
  async #isGone(key: string, value: unknown): Promise<boolean> {
    if (value !== WITHDRAWN) return false
    return (await this.#documents.get(`request:${holderOf(key).id}`)) === undefined
  }

  /**
   * Changes a tombstone if there is one. Tries again if another process has changed it meanwhile.
   *
   * @returns whether there was one
   */
  async #change(
    tag: UserTag,
    change: (seen: Seen<unknown>) => Promise<Omit<Change, 'key' | 'seen'>>,
  ): Promise<boolean> {
    const key = tombstoneKey(tag)
    let refused: string | undefined
    for (;;) {
      const seen = await this.#documents.see(key)
      // Refused and still the same: past its time for the adapter, whose clock is not ours.
      if (seen === undefined || seen.text === refused) return false
      const made = await change(seen)
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

function holderOf(key: string): Holder {
  const [, tag = '', id = ''] = key.split(':')
  return { tag: tag as UserTag, id: id as RequestId }
}
