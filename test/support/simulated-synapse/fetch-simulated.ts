import type { Fetch } from '../../../lib/sources/synapse/admin-api.ts'
import type { SimulatedSynapse } from './simulated-synapse.ts'

/** A `fetch` that leads to a simulated homeserver without a network, for thousands of schedules. */
export function fetchSimulated(homeserver: SimulatedSynapse): Fetch {
  return async (url, { headers, signal }) => {
    signal?.throwIfAborted()
    const token = new Headers(headers).get('authorization')?.slice('Bearer '.length)
    const outcome = homeserver.answer(url.pathname + url.search, token)
    if (outcome === 'no connection') throw new TypeError('fetch failed')
    if (outcome === 'no answer') return untilAborted(signal)
    if (outcome !== 'half an answer')
      return new Response(outcome.body, {
        status: outcome.status,
        headers: { ...outcome.headers },
      })
    const broken = new ReadableStream({
      pull: controller => controller.error(new TypeError('terminated')),
    })
    return new Response(broken, { status: 200 })
  }
}

function untilAborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error))
  })
}
