import { serveListener } from '../serve-listener.ts'
import type { SimulatedSynapse } from './simulated-synapse.ts'

const BEARER = /^Bearer (.+)$/

/** Serves the admin API of a simulated homeserver until the test ends; its URL. */
export async function serveSynapse(
  t: { teardown(callback: () => unknown): unknown },
  homeserver: SimulatedSynapse,
): Promise<string> {
  const port = await serveListener(t, (req, res) => {
    const token = BEARER.exec(req.headers.authorization ?? '')?.[1]
    const outcome = homeserver.answer(req.url ?? '/', token)
    if (outcome === 'no connection') return void req.socket.destroy()
    if (outcome === 'no answer') return
    if (outcome === 'half an answer') {
      res.writeHead(200, { 'content-length': 1000 })
      res.write('{"users":[', () => req.socket.destroy())
      return
    }
    res.writeHead(outcome.status, { ...outcome.headers })
    res.end(outcome.body)
  })
  return `http://127.0.0.1:${port}`
}
