// The few calls of the client-server API that the story needs.

/** A user's client. */
export interface Client {
  readonly url: string
  readonly userId: string
  readonly token: string
  call(
    method: string,
    path: string,
    body?: object | Buffer,
  ): Promise<Record<string, unknown>>
}

/** Makes a client; every call fails loudly unless it is answered 200. */
export function createClient(url: string, userId: string, token: string): Client {
  return {
    url,
    userId,
    token,
    async call(method, path, body) {
      const answer = await send(url, token, method, path, body)
      const content = (await answer.json()) as Record<string, unknown>
      if (answer.ok) return content
      throw new Error(
        `${method} ${path} answered ${answer.status} ${String(content['errcode'])}`,
      )
    },
  }
}

function send(
  url: string,
  token: string,
  method: string,
  path: string,
  body: object | Buffer | undefined,
): Promise<Response> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': Buffer.isBuffer(body) ? 'image/png' : 'application/json',
  }
  if (body === undefined) return fetch(url + path, { method, headers })
  const content = Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body)
  return fetch(url + path, { method, headers, body: content })
}

/** Logs in with a password; resolves with an access token. */
export async function logIn(
  url: string,
  userId: string,
  password: string,
): Promise<string> {
  const identifier = { type: 'm.id.user', user: userId }
  const body = { type: 'm.login.password', identifier, password }
  const { call } = createClient(url, userId, '')
  return String((await call('POST', '/_matrix/client/v3/login', body))['access_token'])
}

/** Deactivates the client's account, with the password as proof (MSC4025). */
export async function deactivate(
  client: Client,
  password: string,
  erase: boolean,
): Promise<void> {
  const path = '/_matrix/client/v3/account/deactivate'
  const first = await send(client.url, client.token, 'POST', path, { erase })
  const { session } = (await first.json()) as { session: string }
  const identifier = { type: 'm.id.user', user: client.userId }
  const auth = { type: 'm.login.password', identifier, password, session }
  await client.call('POST', path, { auth, erase })
}

/** Joins a room. */
export async function join(client: Client, room: string): Promise<void> {
  await client.call('POST', `/_matrix/client/v3/join/${room}`)
}

/** Leaves a room. */
export async function leave(client: Client, room: string): Promise<void> {
  await client.call('POST', `/_matrix/client/v3/rooms/${room}/leave`)
}

/** Makes a room, and returns its ID. */
export async function createRoom(client: Client, options: object): Promise<string> {
  const made = await client.call('POST', '/_matrix/client/v3/createRoom', options)
  return String(made['room_id'])
}

/** Sends a message. */
export async function write(client: Client, room: string, body: string): Promise<void> {
  const transaction = encodeURIComponent(body)
  const path = `/_matrix/client/v3/rooms/${room}/send/m.room.message/${transaction}`
  await client.call('PUT', path, { msgtype: 'm.text', body })
}
