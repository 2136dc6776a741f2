// A homeserver that has nothing but accounts which erased themselves, and answers in no time.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { answerParent, argument } from '../support/parent.ts'

/** Where the homeserver is. */
export interface Homeserver {
  readonly port: number
}

const count = Number(argument(0))

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const answer = pathname.endsWith('/users')
    ? page(Number(searchParams.get('from')), Number(searchParams.get('limit')))
    : account(decodeURIComponent(pathname.split('/').at(-1) ?? ''))
  response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
}).listen(0, '127.0.0.1')
await once(server, 'listening')
answerParent({ port: (server.address() as AddressInfo).port } satisfies Homeserver)

function page(from: number, limit: number): object {
  const end = Math.min(count, from + limit)
  const users = Array.from({ length: end - from }, (_, at) => listed(from + at))
  return { users, total: count, ...(end < count && { next_token: String(end) }) }
}

/** Every property that Synapse 1.163 has. */
function listed(at: number): object {
  return {
    name: `@user-${String(at).padStart(7, '0')}:example.org`,
    user_type: null,
    is_guest: false,
    admin: false,
    deactivated: true,
    shadow_banned: false,
    displayname: null,
    avatar_url: null,
    creation_ts: 1_795_586_443_000 + at,
    erased: true,
    last_seen_ts: 1_795_586_445_375 + at,
    locked: false,
  }
}

function account(name: string): object {
  return { name, deactivated: true, erased: true, appservice_id: null }
}
