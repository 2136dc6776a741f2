import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What the homeserver knows. */
export interface World {
  readonly serverName: string
  readonly botRooms: Set<string>
  readonly texts: string[]
  readonly media: Map<string, Buffer>
}

interface Answer {
  readonly status: number
  readonly content: object
}

/** Answers the calls of the client API that the bridge makes. */
export function answerClientApi(
  world: World,
  { method, url = '' }: IncomingMessage,
  body: string,
): Answer {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const path = decodeURIComponent(pathname).replace(/^\/_matrix\/client\/v[13]/, '')
  const isBot = !searchParams.get('user_id')?.startsWith('@guestbook_')
  for (const [pattern, route] of ROUTES) {
    const match = pattern.exec(`${method} ${path}`)
    if (match === null) continue
    const content = route(world, match[1] ?? '', isBot, body)
    if (content !== undefined) return { status: 200, content }
  }
  return { status: 404, content: { errcode: 'M_NOT_FOUND', error: 'Not found' } }
}

type Route = (
  world: World,
  id: string,
  isBot: boolean,
  body: string,
) => object | undefined

const ROUTES: ReadonlyArray<readonly [RegExp, Route]> = [
  [
    /^POST \/register$/,
    ({ serverName }, _id, _isBot, body) => {
      const { username } = JSON.parse(body) as { username: string }
      return { user_id: `@${username}:${serverName}` }
    },
  ],
  [/^GET \/joined_rooms$/, ({ botRooms }) => ({ joined_rooms: [...botRooms] })],
  [
    /^POST \/join\/([^/]+)$/,
    ({ botRooms }, roomId, isBot) => {
      if (isBot) botRooms.add(roomId)
      return { room_id: roomId }
    },
  ],
  [
    /^POST \/rooms\/([^/]+)\/leave$/,
    ({ botRooms }, roomId, isBot) => {
      if (isBot) botRooms.delete(roomId)
      return {}
    },
  ],
  [
    /^PUT \/rooms\/[^/]+\/send\/m\.room\.message\//,
    ({ texts }, _id, _isBot, body) => {
      texts.push((JSON.parse(body) as { body: string }).body)
      return { event_id: `$${randomUUID()}` }
    },
  ],
  [/^PUT \/profile\//, () => ({})],
  [/^GET \/media\/download\/[^/]+\/(.+)$/, ({ media }, mediaId) => media.get(mediaId)],
]
