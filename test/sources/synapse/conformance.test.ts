import t from 'tap'

import { synapse } from '../../../lib/sources/index.ts'
import { type SourceHarness, sourceConformance } from '../../../lib/testing/index.ts'
import { serveSynapse } from '../../support/simulated-synapse/serve-synapse.ts'
import {
  ADMIN_TOKEN,
  SimulatedSynapse,
  type Trouble,
} from '../../support/simulated-synapse/simulated-synapse.ts'

const TROUBLES: Record<string, Trouble> = {
  well: 'nothing',
  SOURCE_UNREACHABLE: '500',
  SOURCE_FORBIDDEN: '403',
  SOURCE_INVALID: 'html',
}

async function open(): Promise<SourceHarness> {
  const endings: (() => unknown)[] = []
  const homeserver = new SimulatedSynapse()
  const teardown = (ending: () => unknown) => endings.push(ending)
  const url = await serveSynapse({ teardown }, homeserver)
  const { accounts, serverName } = homeserver
  const times = { intervalMs: 100, fullIntervalMs: 100, maxBusyPercent: 100 }
  return {
    source: synapse({ url, accessToken: ADMIN_TOKEN, serverName, ...times }),
    serverName,
    secrets: [ADMIN_TOKEN],
    setAccount: async (userId, state) => {
      if (state === 'unknown') return accounts.remove(userId)
      if (accounts.get(userId) === undefined) {
        const appserviceId = state === 'erased ghost' ? 'irc' : null
        accounts.add(userId, { appserviceId })
      }
      if (state === 'present') accounts.reactivate(userId)
      else accounts.deactivate(userId, true)
    },
    behave: async how => void (homeserver.trouble = TROUBLES[how] ?? 'nothing'),
    remove: async () => {
      for (const ending of endings) await ending()
    },
  }
}

t.test('synapse does what a source must do', async t => {
  t.jobs = 4
  for (const { title, run } of sourceConformance(open)) {
    void t.test(title, { buffered: true }, run)
  }
})
