import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import t, { type Test } from 'tap'

import { downloadPicture } from '../../examples/guestbook-bridge/avatars.ts'
import { addEntry, setProfile } from '../../examples/guestbook-bridge/guestbook.ts'
import { createWebServer, type Signature } from '../../examples/guestbook-bridge/web.ts'
import { memoryLog } from '../support/memory-log.ts'
import { openStores, PICTURE } from './guestbook-stores.ts'

const bob = '@bob:example.org'

async function openPage(t: Test, sign: (signature: Signature) => Promise<void>) {
  const stores = await openStores(t)
  const log = memoryLog()
  const server = createWebServer({ ...stores, sign, log }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const get = async (path: string) => {
    const response = await fetch(url + path)
    return { response, text: await response.text() }
  }
  const post = (form: Record<string, string>) =>
    fetch(`${url}/sign`, {
      method: 'POST',
      body: new URLSearchParams(form),
      redirect: 'manual',
    })
  return { ...stores, log, get, post }
}

t.test(
  'the page shows names, pictures and messages, and nothing of it is HTML',
  async t => {
    const { database, avatars, get } = await openPage(t, async () => {})
    const avatar = avatars.keep(PICTURE)
    const name = `<img src=x onerror="alert('hi')">`
    setProfile(database, bob, { name, avatar }, 1)
    const body = '</p><script>alert("&amp;")</script>'
    addEntry(database, { author: 'an account', sender: bob, body, sentAt: 86_400_000 })
    addEntry(database, { author: 'another', sender: '@carol:hs', body: 'Hi', sentAt: 2 })
    const { response, text } = await get('/')
    t.match(response.headers.get('content-type'), /^text\/html/)
    t.match(response.headers.get('content-security-policy'), /^default-src 'none';/)
    t.match(text, '&#60;img src=x onerror=&#34;alert(&#39;hi&#39;)&#34;&#62;')
    t.match(text, '&#60;/p&#62;&#60;script&#62;alert(&#34;&#38;amp;&#34;)')
    t.notMatch(text, /<script|onerror="/)
    t.match(text, `<img src="/avatars/${avatar}" alt="">`)
    t.same(JSON.parse((await get('/entries.json')).text), [
      { id: 1, name, avatar: `/avatars/${avatar}`, body, sentAt: 86_400_000 },
      { id: 2, name: 'Somebody', avatar: null, body: 'Hi', sentAt: 2 },
    ])
    t.notMatch((await get('/entries.json')).text + text, /bob|carol|an account/)
  },
)

t.test('pictures are served by their own names only', async t => {
  const { avatars, get } = await openPage(t, async () => {})
  const name = avatars.keep(PICTURE)
  const { response, text } = await get(`/avatars/${name}`)
  t.equal(text, 'a picture')
  t.equal(response.headers.get('content-type'), 'image/png')
  t.equal(response.headers.get('x-content-type-options'), 'nosniff')
  const others = ['..%2fguestbook.db', name.replace(/^./, 'z'), '%2e%2e%2f..', 'x.png']
  for (const other of [...others, name.replaceAll(/[0-9a-f]/g, '0')])
    t.equal((await get(`/avatars/${other}`)).response.status, 404, other)
})

t.test(
  'what visitors sign is checked, and errors say nothing of what was written',
  async t => {
    const signed: Signature[] = []
    const { log, get, post } = await openPage(t, async signature => {
      signed.push(signature)
      if (signature.body === 'break') throw new Error(signature.body)
    })
    const answer = await post({ name: ' Ann ', body: ' Lovely! ' })
    t.equal(answer.status, 303)
    t.equal(answer.headers.get('location'), '/')
    t.equal((await post({ name: 'Ann', body: 'Hi', room: '!r:hs' })).status, 303)
    t.same(signed, [
      { name: 'Ann', body: 'Lovely!', roomId: undefined },
      { name: 'Ann', body: 'Hi', roomId: '!r:hs' },
    ])
    t.equal((await post({ name: '', body: 'Hi' })).status, 400)
    t.equal((await post({ name: 'x'.repeat(65), body: 'Hi' })).status, 400)
    t.equal((await post({ name: 'Ann' })).status, 400)
    t.equal((await post({ name: 'Ann', body: 'x'.repeat(2001) })).status, 400)
    t.equal((await post({ name: 'Ann', body: 'x'.repeat(20_000) })).status, 413)
    t.same(log.lines, [])
    t.equal((await post({ name: 'Ann', body: 'break' })).status, 500)
    t.equal(log.lines.length, 1)
    t.notMatch(log.text(), /break/)
    t.equal((await get('/health')).text, 'OK')
    t.equal((await get('/nothing')).response.status, 404)
  },
)

t.test('only pictures are downloaded, and of a bearable size', async t => {
  const answers: Record<string, [number, string, Buffer]> = {
    good: [200, 'image/PNG; x=y', Buffer.from('png')],
    script: [200, 'image/svg+xml', Buffer.from('svg')],
    big: [200, 'image/png', Buffer.alloc(2 * 1024 * 1024 + 1)],
    missing: [404, 'image/png', Buffer.alloc(0)],
  }
  const asked: unknown[] = []
  const server = createServer((request, response) => {
    asked.push(request.url, request.headers.authorization)
    const [status, type, bytes] = answers[request.url?.split('/').at(-1) ?? ''] ?? []
    response.writeHead(status ?? 500, { 'content-type': type ?? '' }).end(bytes)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const download = (mxcUri: string) => downloadPicture(url, 'the-as-token', mxcUri)
  t.same(await download('mxc://example.org:8448/good'), {
    bytes: Buffer.from('png'),
    extension: 'png',
  })
  t.same(asked, [
    '/_matrix/client/v1/media/download/example.org%3A8448/good',
    'Bearer the-as-token',
  ])
  for (const id of ['script', 'big', 'missing'])
    t.equal(await download(`mxc://example.org/${id}`), undefined, id)
  t.equal(await download('https://example.org/good'), undefined)
  t.equal(await downloadPicture('http://127.0.0.1:1', '', 'mxc://x/good'), undefined)
})
