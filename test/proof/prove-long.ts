// The tests of the promises, as `npm run prove` runs them, with sizes that take minutes.
import { parseArgs } from 'node:util'

import { execa } from 'execa'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '600' },
    cuts: { type: 'string', default: '300' },
    backups: { type: 'string', default: '60' },
    schedules: { type: 'string', default: '2000' },
    requests: { type: 'string', default: '60000' },
    shared: { type: 'string', default: '2000' },
    faults: { type: 'string', default: '30' },
    seed: { type: 'string', default: '20261123' },
  },
})
const sizes = Object.entries(values).map(([name, value]) => [
  `ERASURE_TEST_${name.toUpperCase()}`,
  value,
])
const args = ['--timeout=3600', '--jobs=2', 'test/proof/promises']
const { exitCode } = await execa('tap', args, {
  stdio: 'inherit',
  env: Object.fromEntries(sizes),
  reject: false,
})
process.exitCode = exitCode ?? 1
