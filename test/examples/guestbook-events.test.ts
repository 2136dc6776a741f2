import t, { type Test } from 'tap'

import type { SentEvent } from '../../examples/guestbook-bridge/demo/stub-homeserver.ts'
import { listEntries } from '../../examples/guestbook-bridge/guestbook.ts'
import {
  type EventSinks,
  handleEvent,
} from '../../examples/guestbook-bridge/matrix-events.ts'
import { memoryLog } from '../support/memory-log.ts'
import { openStores, PICTURE } from './guestbook-stores.ts'

const bob = '@bob:example.org'

async function openSinks(t: Test, given: Partial<EventSinks> = {}) {
  const stores = await openStores(t)
  const log = memoryLog()
  const sinks: EventSinks = {
    ...stores,
    log,
    erasure: { isErased: async () => false },
    botUserId: () => '@guestbook:example.org',
    joinRoom: async () => {},
    fetchMember: async () => ({ displayname: 'Bob' }),
    downloadPicture: async () => PICTURE,
    ...given,
  }
  let events = 0
  const take = (event: Partial<SentEvent>, at = Date.now()) => {
    events += 1
    const sent = { type: 'm.room.message', sender: bob, room_id: '!r:hs', content: {} }
    const more = { event_id: `$${events}`, origin_server_ts: at, ...event }
    return handleEvent({ ...sent, ...more } as never, sinks)
  }
  return { ...stores, log, take, entries: () => listEntries(stores.database) }
}

const joining = (content: object): Partial<SentEvent> => ({
  type: 'm.room.member',
  state_key: bob,
  content: { membership: 'join', ...content },
})

t.test(
  'messages become entries: without quotes, and edits and other things do not',
  async t => {
    const { take, entries, database } = await openSinks(t)
    const reply = { 'm.in_reply_to': { event_id: '$1' } }
    const quote = '> <@carol:example.org> hers\n> too\n\nmine\n> and mine'
    await take({ content: { body: 'Hello' } })
    await take({ content: { body: quote, 'm.relates_to': reply } })
    await take({ content: { body: '* Hi', 'm.relates_to': { rel_type: 'm.replace' } } })
    await take({ content: { body: 7 } })
    await take({ type: 'm.reaction', content: { body: 'no' } })
    await take({ event_id: '$1', content: { body: 'Hello' } } as never)
    t.same(
      entries().map(({ name, body }) => ({ name, body })),
      [
        { name: 'Bob', body: 'Hello' },
        { name: 'Bob', body: 'mine\n> and mine' },
      ],
    )
    const { messages } = database.prepare('SELECT messages FROM activity').get() ?? {}
    t.equal(messages, 2, 'an event that came twice is counted once')
  },
)

t.test('a clock that is ahead is not believed', async t => {
  const { take, entries } = await openSinks(t)
  await take({ content: { body: 'from the future' } }, Date.now() + 3_600_000)
  t.ok((entries()[0]?.sentAt ?? Infinity) <= Date.now())
})

t.test('profiles follow what their users do, and nobody else', async t => {
  const { take, entries, avatars } = await openSinks(t, {
    fetchMember: async () => {
      throw new Error('not in the room')
    },
  })
  await take({ content: { body: 'Hello' } })
  t.match(entries(), [{ name: 'Somebody', avatar: null }])
  await take(joining({ displayname: 'Bob', avatar_url: 'mxc://x/y' }))
  await take(joining({ displayname: 'Robert', avatar_url: 'mxc://x/z' }))
  t.match(entries(), [{ name: 'Robert', avatar: /^\/avatars\/.+\.png$/ }])
  t.equal(avatars.list().length, 1, 'the old picture is removed')
  await take({ ...joining({ displayname: 'A lie' }), state_key: '@carol:example.org' })
  await take({ ...joining({ membership: 'leave', displayname: 'Nobody' }) })
  t.match(entries(), [{ name: 'Robert' }])
  await take(joining({ displayname: 5 }))
  t.match(entries(), [{ name: 'Somebody', avatar: null }])
  t.equal(avatars.list().length, 0)
})

t.test('what is under way when its user is erased is not kept', async t => {
  let erased = false
  const isErased = async () => erased
  const { take, entries, avatars, database } = await openSinks(t, {
    erasure: { isErased },
    async downloadPicture() {
      erased = true
      return PICTURE
    },
    async joinRoom() {
      erased = true
    },
  })
  await take(joining({ avatar_url: 'mxc://x/y' }))
  await take({ content: { body: 'too late' } })
  erased = false
  const content = { membership: 'invite', is_direct: true }
  await take({ type: 'm.room.member', state_key: '@guestbook:example.org', content })
  t.same(entries(), [])
  t.same(avatars.list(), [])
  for (const table of ['profile', 'admin_room'])
    t.equal(database.prepare(`SELECT * FROM ${table}`).get(), undefined)
})

t.test('the bot accepts invitations, and remembers direct rooms', async t => {
  const joined: string[] = []
  let up = true
  const { take, database, log } = await openSinks(t, {
    async joinRoom(roomId, viaServer) {
      if (!up) throw new Error(`${roomId} ${bob}`)
      joined.push(`${roomId} via ${viaServer}`)
    },
  })
  const invite = (
    roomId: string,
    isDirect: boolean,
    invited = '@guestbook:example.org',
  ) =>
    take({
      type: 'm.room.member',
      state_key: invited,
      room_id: roomId,
      content: { membership: 'invite', is_direct: isDirect },
    })
  await invite('!open:hs', false)
  await invite('!direct:hs', true)
  await invite('!other:hs', true, '@carol:example.org')
  up = false
  await invite('!down:hs', true)
  t.same(joined, ['!open:hs via example.org', '!direct:hs via example.org'])
  const rooms = database.prepare('SELECT room_id, user_id FROM admin_room').all()
  t.same(rooms, [{ room_id: '!direct:hs', user_id: bob }])
  t.equal(log.lines.length, 1)
  t.notMatch(log.text(), /bob|down:/)
})
