import type { SourceDocuments } from '../store/source-documents.ts'
import type { UserTag } from '../user-seal/user-seal.ts'

/**
 * The users whom a source has reported, in memory: a scan compares every account of a homeserver with
 * them. 200,000 take 17 MiB.
 *
 * The store decides: one that another process has reported is only looked at in vain. One that another
 * process has forgotten would not be noticed, so everything is read again then.
 */
export class ReportedUsers {
  readonly #source: string
  readonly #documents: SourceDocuments
  #tags = new Set<UserTag>()
  /** How often one was forgotten, when these were read or since. */
  #forgotten = 0

  constructor(source: string, documents: SourceDocuments) {
    this.#source = source
    this.#documents = documents
  }

  /** @throws ErasureError `STORE_UNREADABLE` */
  async load(): Promise<void> {
    const state = await this.#documents.seeState(this.#source)
    const tags = new Set<UserTag>()
    for await (const tag of this.#documents.reported(this.#source)) tags.add(copy(tag))
    this.#tags = tags
    this.#forgotten = state?.value.forgotten ?? 0
  }

  /** @throws ErasureError `STORE_UNREADABLE` */
  async refresh(forgotten: number): Promise<void> {
    if (forgotten > this.#forgotten) await this.load()
  }

  has(tag: UserTag): boolean {
    return this.#tags.has(tag)
  }

  add(tag: UserTag): void {
    this.#tags.add(tag)
  }

  /** This process has forgotten one. If another one has, too, `refresh` still notices. */
  forgot(tag: UserTag, forgotten: number): void {
    this.#tags.delete(tag)
    if (forgotten === this.#forgotten + 1) this.#forgotten = forgotten
  }
}

/** A text of its own: a part of a key would keep the whole key. */
function copy(tag: UserTag): UserTag {
  return Buffer.from(tag, 'latin1').toString('latin1') as UserTag
}
