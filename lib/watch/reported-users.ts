import type { UserTag } from '../user-seal/user-seal.ts'

/**
 * The users whom a source has reported, in memory: a scan compares every account of a homeserver with
 * them. Binary, and each text of its own: a part of a key would keep the whole key.
 */
export class ReportedUsers {
  readonly #tags = new Set<string>()

  static async load(tags: AsyncIterable<UserTag>): Promise<ReportedUsers> {
    const users = new ReportedUsers()
    for await (const tag of tags) users.add(tag)
    return users
  }

  has(tag: UserTag): boolean {
    return this.#tags.has(compact(tag))
  }

  add(tag: UserTag): void {
    this.#tags.add(compact(tag))
  }

  delete(tag: UserTag): void {
    this.#tags.delete(compact(tag))
  }
}

function compact(tag: UserTag): string {
  return Buffer.from(tag, 'base64url').toString('latin1')
}
