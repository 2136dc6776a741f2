import { createErasure, ensureRegistration } from 'matrix-appservice-erasure'
import { listen } from 'matrix-appservice-erasure/http'
import { sqliteStore } from 'matrix-appservice-erasure/sqlite'

const { DATA_DIR: dir = './data', PORT: port = '9009' } = process.env
const messages = new Map([['@bob:example.org', ['hello', 'how are you?']]])

process.once('uncaughtException', ({ message }) => {
  console.error(message) // without the stack: it says what is wrong, and the way out
  process.exit(1)
})
const erasure = await createErasure({
  registration: await ensureRegistration(`${dir}/registration.yaml`),
  key: `${dir}/erasure.key`,
  store: sqliteStore({ path: `${dir}/erasure.db` }),
  settleMs: 3000, // verify again after 3 seconds; leave it at its 15 minutes in production
  logger: console,
})
erasure.onUserErase('messages', {
  purge: async ({ userId }) => void messages.delete(userId),
  verify: async ({ userId }) => messages.get(userId)?.length ?? 0,
})
await erasure.start()

const { url, close } = await listen(erasure, { port: Number(port) })
process.once('SIGTERM', () => void close().then(() => erasure.close()))
console.log(`Listening on ${url}. To send the erasure request Bob's homeserver would send, run:
curl -X POST ${url}/_matrix/app/v1/users/erase \\
  -H "Authorization: Bearer $(awk '/^hs_token/ {print $2}' ${dir}/registration.yaml | tr -d '"')" \\
  -d '{"user_id": "@bob:example.org"}'`)
