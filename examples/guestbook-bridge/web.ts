import { createReadStream } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

import { Router, type RouterContext } from '@koa/router'
import Koa from 'koa'
import type { Logger } from 'matrix-appservice-erasure'

import { type Avatars, isAvatarName } from './avatars.ts'
import { listEntries } from './guestbook.ts'
import { renderPage } from './page.ts'

const MAX_FORM_BYTES = 16 * 1024
const MAX_NAME_LENGTH = 64
const MAX_BODY_LENGTH = 2000

/** A visitor signs the guestbook on its page. */
export interface Signature {
  readonly name: string
  readonly body: string
  /** The room to send it to. Default: the first one the bot is in. */
  readonly roomId?: string | undefined
}

/** What the page needs. */
export interface WebOptions {
  readonly database: DatabaseSync
  readonly avatars: Avatars
  readonly sign: (signature: Signature) => Promise<void>
  readonly log: Logger
}

/** Makes the web server of the guestbook, which is the network that is bridged. */
export function createWebServer({ database, avatars, sign, log }: WebOptions): Server {
  const router = new Router()
  router.get('/', context => {
    context.set(
      'Content-Security-Policy',
      "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    )
    context.type = 'html'
    context.body = renderPage(listEntries(database))
  })
  router.get('/entries.json', context => {
    context.body = listEntries(database)
  })
  router.get('/avatars/:file', context => {
    const { file = '' } = context.params
    if (!isAvatarName(file) || !avatars.list().includes(file)) return
    context.set('X-Content-Type-Options', 'nosniff')
    context.type = file.slice(file.indexOf('.'))
    context.body = createReadStream(join(avatars.directory, file))
  })
  router.post('/sign', async context => {
    const signature = await readSignature(context)
    await sign(signature)
    context.status = 303
    context.redirect('/')
  })
  router.get('/health', context => {
    context.body = 'OK'
  })
  const app = new Koa().use(router.routes()).use(router.allowedMethods())
  // Koa would print the error, which may quote what a visitor wrote.
  app.on('error', (error: { expose?: boolean }) => {
    if (!error.expose) log.error('The guestbook could not answer a request')
  })
  return createServer(app.callback())
}

async function readSignature(context: RouterContext): Promise<Signature> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of context.req) {
    length += (chunk as Buffer).length
    if (length > MAX_FORM_BYTES) context.throw(413, 'That is too long for a guestbook')
    chunks.push(chunk as Buffer)
  }
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
  const name = form.get('name')?.trim() ?? ''
  const body = form.get('body')?.trim() ?? ''
  if (name === '' || name.length > MAX_NAME_LENGTH)
    context.throw(400, 'Please give a name of 64 characters at most')
  if (body === '' || body.length > MAX_BODY_LENGTH)
    context.throw(400, 'Please write something, in 2000 characters at most')
  return { name, body, roomId: form.get('room') ?? undefined }
}
