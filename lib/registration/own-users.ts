import { localpartOf, serverNameOf, type UserId } from '../matrix/user-id.ts'
import { compileNamespaceRegex } from './namespace-regex.ts'
import { invalidRegistration, type Registration } from './registration.ts'

/** A server name as a regex spells it at its end: `:my\-server\.org$`, `:localhost:8448`. */
const SERVER_NAME_IN_REGEX =
  /(?<!\(\?[A-Za-z-]*)\\?:((?:[A-Za-z0-9-]|\\?[.-]|\[\.\])+(?:\\?:\d{1,5})?)\)?\$?\)?$/
/** A server without users, for a namespace whose server is not known. */
const NOWHERE = 'server.invalid'
/** Sample names: a namespace that matches all of them matches every user. */
const PEOPLE = Array.from('abcdefghijklmnopqrstuvwxyz').flatMap(letter => [
  `${letter}nna`,
  `${letter}ernardine`,
])

/** An exclusive namespace. */
interface OwnNamespace {
  readonly index: number
  readonly matches: (userId: string) => boolean
  /** The server of the regex's users, if it names exactly one. */
  readonly serverName: string | undefined
}

/**
 * The users of the application service itself: its bot, and the ghosts in its exclusive namespaces.
 * A namespace that is not exclusive is interest, not ownership.
 *
 * All of them are on the homeserver, because it cannot assign another server's users: users elsewhere
 * whose names look like a ghost's, or the bot's, are people. As long as the homeserver's name is not
 * known, a namespace counts for the server that its regex names, or for no user if it names none. The
 * bot is on the server that all those regexes name; if they do not agree, no user is the bot.
 */
export class OwnUsers {
  readonly #senderLocalpart: string
  readonly #namespaces: OwnNamespace[] = []
  #serverName: string | undefined

  /**
   * @param serverName - the homeserver's name
   * @throws ErasureError `REGISTRATION_INVALID` if an exclusive namespace contains every user
   */
  constructor(registration: Registration, serverName?: string) {
    this.#senderLocalpart = registration.sender_localpart
    for (const [index, { exclusive, regex }] of (
      registration.namespaces?.users ?? []
    ).entries()) {
      if (!exclusive) continue
      const matches = compileNamespaceRegex(regex)
      this.#namespaces.push({ index, matches, serverName: serverNameIn(regex) })
    }
    this.#setServerName(serverName)
  }

  /** Whether `userId` is the bot or a ghost. */
  has(userId: UserId): boolean {
    const serverName = serverNameOf(userId)
    const isBot = localpartOf(userId) === this.#senderLocalpart
    if (isBot && serverName === this.#botServerName()) return true
    return this.#namespaces.some(
      namespace =>
        serverName === this.#serverNameOf(namespace) && namespace.matches(userId),
    )
  }

  /**
   * Takes the homeserver's name from a framework that knows it. A name that was given before stays.
   *
   * @throws ErasureError `REGISTRATION_INVALID` if an exclusive namespace contains every user there
   */
  learnServerName(serverName: string): void {
    if (this.#serverName === undefined) this.#setServerName(serverName)
  }

  /** Whether there are ghosts that we cannot distinguish from people, so they count as people. */
  get areSomeUnknown(): boolean {
    return this.#namespaces.some(namespace => this.#serverNameOf(namespace) === undefined)
  }

  #setServerName(serverName: string | undefined): void {
    for (const namespace of this.#namespaces) {
      const server = serverName ?? namespace.serverName ?? NOWHERE
      if (!PEOPLE.every(name => namespace.matches(`@${name}:${server}`))) continue
      throw invalidRegistration(
        undefined,
        ['namespaces', 'users', namespace.index],
        'is exclusive and contains every user, so every erasure request would be declined; ' +
          'set exclusive to false, or give the ghosts a prefix of their own: @_irc_.*:example\\.org',
      )
    }
    this.#serverName = serverName
  }

  #serverNameOf(namespace: OwnNamespace): string | undefined {
    return this.#serverName ?? namespace.serverName
  }

  #botServerName(): string | undefined {
    const names = new Set(this.#namespaces.map(one => this.#serverNameOf(one)))
    names.delete(undefined)
    return this.#serverName ?? (names.size === 1 ? [...names][0] : undefined)
  }
}

function serverNameIn(regex: string): string | undefined {
  return SERVER_NAME_IN_REGEX.exec(regex)?.[1]?.replaceAll(/[\\[\]]/g, '')
}
