import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { createRegistration } from 'matrix-appservice-erasure'

import type { ShownEntry } from '../guestbook.ts'
import { type BridgeProcess, startBridgeProcess } from './bridge-process.ts'
import { SERVER } from './people.ts'
import { startStubHomeserver, type StubHomeserver } from './stub-homeserver.ts'

const PATIENCE_MS = 30_000
/** The purge rests between its slices, so that there is a middle in which to kill it. */
const PAUSE_MS = 500
const SETTLE_MS = 1500

/** Where the demo takes place. */
export interface Stage {
  /** Everything the bridge writes, its log included. */
  readonly dataDir: string
  readonly homeserver: StubHomeserver
  readonly guestbookUrl: string
  startBridge(): Promise<BridgeProcess>
  entries(): Promise<ShownEntry[]>
  /** A visitor signs the page. */
  sign(name: string, body: string): Promise<void>
}

/** Makes a temporary folder that goes when the process ends, and a homeserver. */
export async function buildStage(): Promise<Stage> {
  const dataDir = mkdtempSync(join(tmpdir(), 'guestbook-demo-'))
  process.once('exit', () => {
    if (!process.env['KEEP'])
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  })
  const [port, guestbookPort] = [await freePort(), await freePort()]
  const registration = join(dataDir, 'registration.yaml')
  const bridgeUrl = `http://127.0.0.1:${port}`
  const userRegex = String.raw`@guestbook_.*:example\.org`
  const yaml = createRegistration({ id: 'guestbook', url: bridgeUrl, userRegex })
  writeFileSync(registration, yaml, { mode: 0o600 })
  const tokenOf = (name: string) =>
    new RegExp(`^${name}: "(.+)"$`, 'm').exec(yaml)?.[1] ?? ''
  const homeserver = await startStubHomeserver({
    serverName: SERVER,
    asToken: tokenOf('as_token'),
    hsToken: tokenOf('hs_token'),
    bridgeUrl,
  })
  const guestbookUrl = `http://127.0.0.1:${guestbookPort}/`
  const env = {
    HOMESERVER_URL: homeserver.url,
    SERVER_NAME: SERVER,
    REGISTRATION: registration,
    PORT: String(port),
    GUESTBOOK_PORT: String(guestbookPort),
    DATA_DIR: dataDir,
    SETTLE_MS: String(SETTLE_MS),
    PAUSE_MS: String(PAUSE_MS),
    LOG: 'debug',
  }
  return {
    dataDir,
    homeserver,
    guestbookUrl,
    startBridge: () => startBridgeProcess(env, join(dataDir, 'bridge.log')),
    async entries() {
      const response = await fetch(`${guestbookUrl}entries.json`)
      return (await response.json()) as ShownEntry[]
    },
    async sign(name, body) {
      const form = new URLSearchParams({ name, body })
      await fetch(`${guestbookUrl}sign`, {
        method: 'POST',
        body: form,
        redirect: 'manual',
      })
    },
  }
}

/** The demo did not go as expected. The message is a sentence. */
export class DemoError extends Error {}

/** Fails with a sentence unless the condition holds. */
export function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new DemoError(otherwise)
}

/** Waits until a condition holds; fails with a sentence if it does not in a while. */
export async function until(
  condition: () => Promise<boolean>,
  otherwise: string,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await condition())) {
    expect(performance.now() < deadline, otherwise)
    await delay(20)
  }
}

/** Says a line. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Says something that belongs to the heading above it. */
export function tell(text: string): void {
  say(`   ${text}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
