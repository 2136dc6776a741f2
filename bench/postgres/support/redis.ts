import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort } from '../../../test/support/free-port.ts'

/** A Redis for the benchmark, which writes every command to the disk before it answers. */
export interface RedisServer {
  readonly url: string
  close(): Promise<void>
}

const PATIENCE_MS = 10_000

/** Starts a Redis whose data lies in `folder`; `undefined` where this machine has none. */
export async function openRedis(folder: string): Promise<RedisServer | undefined> {
  const port = await freePort()
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: mkdtempSync(join(folder, 'redis-')),
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const child = spawn('redis-server', args, { stdio: 'ignore' })
  try {
    await once(child, 'spawn')
  } catch {
    return undefined
  }
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'exit')
  await waitForPort(port)
  return {
    url: `redis://127.0.0.1:${port}`,
    async close() {
      process.off('exit', kill)
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function waitForPort(port: number): Promise<void> {
  const until = performance.now() + PATIENCE_MS
  while (!(await isOpen(port))) {
    if (performance.now() > until) throw new Error('Redis does not listen')
    await sleep(20)
  }
}

function isOpen(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' })
  return new Promise(resolve => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  }).finally(() => socket.destroy()) as Promise<boolean>
}
