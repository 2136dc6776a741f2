// A homeserver, the guestbook bridge registered at it, and the people who use both.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { parse } from 'yaml'

import {
  type BridgeProcess,
  startBridgeProcess,
} from '../../examples/guestbook-bridge/demo/bridge-process.ts'
import { createRegistration } from '../../lib/registration/registration-file.ts'
import { freePort } from '../support/free-port.ts'
import { type Client, createClient } from './client.ts'
import { SERVER_NAME, startSynapse, type Synapse } from './synapse.ts'

export const BOT = `@guestbook:${SERVER_NAME}`
/** Between two slices of the purge, so that there is a middle in which to kill it. */
const PAUSE_MS = 300
const SETTLE_MS = 2000

/** An entry of the guestbook, as its page shows it. */
interface Entry {
  readonly name: string
  readonly avatar: string | null
  readonly body: string
}

export interface World {
  readonly synapse: Synapse
  readonly registration: string
  readonly asToken: string
  readonly hsToken: string
  readonly bridgeUrl: string
  /** Everything the bridge writes, its output included. */
  readonly dataDir: string
  startBridge(): Promise<BridgeProcess>
  entries(): Promise<Entry[]>
  client(localpart: string, admin?: boolean): Promise<Client>
}

export const passwordOf = (localpart: string): string => `password-of-${localpart}`

/** Starts the homeserver with the bridge's registration. */
export async function buildWorld(python: string, directory: string): Promise<World> {
  const [port, guestbookPort] = [await freePort(), await freePort()]
  const dataDir = join(directory, 'bridge')
  mkdirSync(dataDir)
  const registration = join(directory, 'registration.yaml')
  const bridgeUrl = `http://127.0.0.1:${port}`
  const userRegex = String.raw`@guestbook_.*:hs\.test`
  writeFileSync(
    registration,
    createRegistration({ id: 'guestbook', url: bridgeUrl, userRegex }),
  )
  const { as_token: asToken, hs_token: hsToken } = parse(
    readFileSync(registration, 'utf8'),
  )
  const synapse = await startSynapse(python, join(directory, 'synapse'), registration)
  const env = {
    HOMESERVER_URL: synapse.url,
    SERVER_NAME,
    REGISTRATION: registration,
    PORT: String(port),
    GUESTBOOK_PORT: String(guestbookPort),
    DATA_DIR: dataDir,
    SETTLE_MS: String(SETTLE_MS),
    PAUSE_MS: String(PAUSE_MS),
    LOG: 'debug',
  }
  return {
    ...{ synapse, registration, asToken, hsToken, bridgeUrl, dataDir },
    startBridge: () => startBridgeProcess(env, join(dataDir, 'bridge.log')),
    async entries() {
      const answer = await fetch(`http://127.0.0.1:${guestbookPort}/entries.json`)
      return (await answer.json()) as Entry[]
    },
    async client(localpart, admin) {
      const token = await synapse.register(localpart, passwordOf(localpart), admin)
      return createClient(synapse.url, `@${localpart}:${SERVER_NAME}`, token)
    },
  }
}
