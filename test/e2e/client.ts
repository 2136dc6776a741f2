// The few calls of the client-server API that the story needs.

/** A user's client. */
export interface Client {
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

/** Deactivates the account and asks for erasure, with the password as proof (MSC4025). */
export async function deactivateWithErase(
  url: string,
  client: Client,
  localpart: string,
  password: string,
): Promise<void> {
  const path = '/_matrix/client/v3/account/deactivate'
  const first = await send(url, client.token, 'POST', path, { erase: true })
  const { session } = (await first.json()) as { session: string }
  const identifier = { type: 'm.id.user', user: localpart }
  const auth = { type: 'm.login.password', identifier, password, session }
  await client.call('POST', path, { auth, erase: true })
}
