import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import { answerClientApi, type World } from './stub-client-api.ts'

const RETRY_MS = 100
const MAX_ATTEMPTS = 200

/** An event as the homeserver sends it; what is missing is filled in. */
export interface SentEvent {
  readonly type: string
  readonly sender: string
  readonly room_id: string
  readonly content: Readonly<Record<string, unknown>>
  readonly state_key?: string
  readonly unsigned?: Readonly<Record<string, unknown>>
}

/** How the bridge answered the homeserver, and how long that took. */
interface Answered {
  readonly status: number
  readonly body: string
  readonly tookMs: number
}

/** A homeserver that is just enough of one for the guestbook bridge. */
export interface StubHomeserver {
  readonly url: string
  /** The rooms the bot is in. */
  readonly botRooms: ReadonlySet<string>
  /** Texts that ghosts sent. */
  readonly texts: readonly string[]
  /** Keeps a picture, and returns its mxc URI. */
  upload(picture: Buffer): string
  /** Sends events to the bridge in one transaction, again and again until it takes them. */
  deliver(events: readonly SentEvent[]): Promise<void>
  /** Asks the bridge to erase a user, as MSC2438 has it. */
  requestErasure(userId: string): Promise<Answered>
  close(): void
}

/** What the homeserver knows of the application service: its registration. */
export interface StubOptions {
  readonly serverName: string
  readonly asToken: string
  readonly hsToken: string
  readonly bridgeUrl: string
}

/** Starts the homeserver on a free port. */
export async function startStubHomeserver(options: StubOptions): Promise<StubHomeserver> {
  const { asToken, hsToken, bridgeUrl } = options
  const world: World = {
    serverName: options.serverName,
    botRooms: new Set(),
    texts: [],
    media: new Map(),
  }
  const server = createServer(async (request, response) => {
    const body = await readAll(request)
    const { status, content } =
      request.headers.authorization === `Bearer ${asToken}`
        ? answerClientApi(world, request, body)
        : { status: 401, content: { errcode: 'M_UNKNOWN_TOKEN' } }
    const isMedia = Buffer.isBuffer(content)
    response.setHeader('Content-Type', isMedia ? 'image/png' : 'application/json')
    response.writeHead(status).end(isMedia ? content : JSON.stringify(content))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const send = (method: string, path: string, body: object) =>
    fetch(`${bridgeUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${hsToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    botRooms: world.botRooms,
    texts: world.texts,
    upload(picture) {
      const mediaId = randomUUID()
      world.media.set(mediaId, picture)
      return `mxc://${options.serverName}/${mediaId}`
    },
    async deliver(sent) {
      const path = `/_matrix/app/v1/transactions/${randomUUID()}`
      const events = sent.map(event => ({
        event_id: `$${randomUUID()}`,
        origin_server_ts: Date.now(),
        ...event,
      }))
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const response = await send('PUT', path, { events }).catch(() => undefined)
        if (response?.status === 200) return
        await delay(RETRY_MS)
      }
      throw new Error('the bridge does not take its events')
    },
    async requestErasure(userId) {
      const path = '/_matrix/app/v1/users/erase'
      const start = performance.now()
      const response = await send('POST', path, { user_id: userId })
      const body = await response.text()
      return { status: response.status, body, tookMs: performance.now() - start }
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
