import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Router, type RouterContext } from '@koa/router'
import Koa from 'koa'

import { ACKNOWLEDGED } from '../../lib/doors/http/answer.ts'
import { fromNode } from '../../lib/doors/http/node.ts'
import { ERASE_PATHS, MAX_BODY_BYTES } from '../../lib/doors/http/receive.ts'
import type { Erasure } from '../../lib/index.ts'
import { listen } from '../../lib/doors/koa/door.ts'
import { silentLogger } from '../../lib/host/logger.ts'
import { parseEraseBody } from '../../lib/matrix/erase-body.ts'
import { HsToken } from '../../lib/registration/hs-token.ts'
import { parseUserId } from '../../lib/matrix/user-id.ts'
import { createRequestIds } from '../../lib/request/request-id.ts'
import { KEY_BYTES } from '../../lib/user-seal/key.ts'
import { createUserSeal } from '../../lib/user-seal/user-seal.ts'
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
  ['Koa', () => serve(new Koa().use(acknowledge).callback())],
  ['+ @koa/router', () => serveRoute(acknowledge)],
  [BASELINE, () => serveRoute(read)],
  ['+ token check', () => serveRoute(createChecking())],
  ['+ parsing the body', () => serveRoute(createReceiving(() => {}))],
  ['+ tag and seal', () => serveRoute(createReceiving(createSealing()))],
  ['+ our routes, refusals and time limits', () => serveDoor(createSealing())],
  ['+ accept and Keyv, on a store that keeps nothing', serveVolatile],
  [OURS, serveDurable],
])

const answerPlainly: RequestListener = (_request, response) => {
  // Not `writeHead`, which would send the body in chunks.
  response.setHeaders(new Map(Object.entries(ACKNOWLEDGED.headers)))
  response.end(ACKNOWLEDGED.body)
}

function acknowledge(context: Koa.Context): void {
  context.status = ACKNOWLEDGED.status
  context.set(ACKNOWLEDGED.headers)
  context.body = ACKNOWLEDGED.body
}

async function read(context: RouterContext): Promise<void> {
  await fromNode(context.req).readBody(MAX_BODY_BYTES)
  acknowledge(context)
}

function createChecking(): (context: RouterContext) => Promise<void> {
  const hsToken = new HsToken(HS_TOKEN)
  return async context => {
    const request = fromNode(context.req)
    if (hsToken.judge(request) !== 'right') return
    await request.readBody(MAX_BODY_BYTES)
    acknowledge(context)
  }
}

function createReceiving(
  take: (userId: string) => void,
): (context: RouterContext) => Promise<void> {
  const hsToken = new HsToken(HS_TOKEN)
  return async context => {
    const request = fromNode(context.req)
    if (hsToken.judge(request) !== 'right') return
    const body = await request.readBody(MAX_BODY_BYTES)
    if ('failed' in body) return
    const parsed = parseEraseBody(body.text)
    if ('errcode' in parsed) return
    take(parsed.userId)
    acknowledge(context)
  }
}

function createSealing(): (userId: string) => void {
  const seal = createUserSeal(new Uint8Array(KEY_BYTES))
  const nextId = createRequestIds()
  return value => {
    const userId = parseUserId(value)
    seal.tag(userId)
    seal.seal(userId, nextId(Date.now()))
  }
}

/** Our own server around something that is not the SDK. */
async function serveDoor(take: (userId: string) => void): Promise<number> {
  const accept = async (userId: string) => {
    take(userId)
    return { requestId: '', declined: false }
  }
  const hsToken = new HsToken(HS_TOKEN)
  const door = {
    accept,
    checkToken: sent => hsToken.judge(sent),
    logger: silentLogger,
  } satisfies Partial<Erasure>
  const { port } = await listen(door as Partial<Erasure> as Erasure, { port: 0 })
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

function serveRoute(handle: (context: RouterContext) => unknown): Promise<number> {
  const router = new Router({ strict: true, sensitive: true })
  router.post(ERASE_PATHS[0] ?? '', handle)
  return serve(new Koa().use(router.routes()).callback())
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
