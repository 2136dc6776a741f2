import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

import { ACKNOWLEDGED } from '../../lib/doors/http/answer.ts'
import { listen } from '../../lib/doors/http/listen.ts'
import { fromNode } from '../../lib/doors/http/read-request.ts'
import { MAX_BODY_BYTES } from '../../lib/doors/http/receive-erase.ts'
import { sendAnswer } from '../../lib/doors/http/send-answer.ts'
import { parseEraseBody } from '../../lib/matrix/erase-body.ts'
import type { UserId } from '../../lib/matrix/user-id.ts'
import { HsToken } from '../../lib/registration/hs-token.ts'
import { createRequestIds } from '../../lib/request/request-id.ts'
import { KEY_BYTES } from '../../lib/user-seal/key.ts'
import { createUserSeal } from '../../lib/user-seal/user-seal.ts'
import { doorTo } from '../support/door-to.ts'
import { HS_TOKEN, openErasure } from '../support/erasure.ts'
import { emptyStore } from './empty-store.ts'

/** Starts a server that answers erasure requests, and says on which port. */
type Serve = (folder: string) => Promise<number>

/** The same server with no store. */
export const BASELINE = '+ reading the body: the baseline'
/** What this package is for. */
export const OURS = '+ node:sqlite, durable: ours'

/** Each server does what the one before does, and one thing more. */
export const SERVERS: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ['node:http', () => serve(answerPlainly)],
  [BASELINE, () => serve(answering(read))],
  ['+ token check', () => serve(answering(createChecking()))],
  ['+ parsing the body', () => serve(answering(createReceiving(() => {})))],
  ['+ tag and seal', () => serve(answering(createReceiving(createSealing())))],
  ['+ our routes, refusals and time limits', () => serveDoor(createSealing())],
  ['+ accept and Keyv, on a store that keeps nothing', serveVolatile],
  [OURS, serveDurable],
])

const answerPlainly: RequestListener = (request, response) =>
  sendAnswer(request, response, ACKNOWLEDGED)

/** Resolves when a request has been taken in. */
type Take = (request: IncomingMessage) => Promise<unknown>

const answering =
  (take: Take): RequestListener =>
  async (request, response) => {
    await take(request)
    sendAnswer(request, response, ACKNOWLEDGED)
  }

const read: Take = request => fromNode(request, '').readBody(MAX_BODY_BYTES)

function createChecking(): Take {
  const hsToken = new HsToken(HS_TOKEN)
  return async request => {
    const sent = fromNode(request, '')
    if (hsToken.judge(sent) !== 'right') throw new Error('The token is wrong')
    return sent.readBody(MAX_BODY_BYTES)
  }
}

function createReceiving(remember: (userId: UserId) => void): Take {
  const check = createChecking()
  return async request => {
    const body = (await check(request)) as { text: string }
    const parsed = parseEraseBody(body.text)
    if ('errcode' in parsed) throw new Error(parsed.error)
    remember(parsed.userId)
  }
}

function createSealing(): (userId: UserId) => void {
  const seal = createUserSeal(new Uint8Array(KEY_BYTES))
  const nextId = createRequestIds()
  return userId => {
    seal.tag(userId)
    seal.seal(userId, nextId(Date.now()))
  }
}

/** Our own server around something that is not the SDK. */
async function serveDoor(remember: (userId: UserId) => void): Promise<number> {
  const { port } = await listen(
    doorTo(async userId => remember(userId)),
    { port: 0 },
  )
  return port
}

async function serveVolatile(folder: string): Promise<number> {
  const options = { store: emptyStore(), allowVolatileStore: true }
  const { port } = await listen(await openErasure(folder, options), { port: 0 })
  return port
}

async function serveDurable(folder: string): Promise<number> {
  const { port } = await listen(await openErasure(folder), { port: 0 })
  return port
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
