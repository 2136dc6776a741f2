import t from 'tap'

import manifest from '../package.json' with { type: 'json' }
import { startCommand } from './support/program.ts'

t.test('npm run bench passes its arguments on (9.29)', async t => {
  const [, start = ''] = manifest.scripts.bench.split(' && ')
  // npm appends the arguments to the script. Whether the bench's packages are there is all the same.
  const { ended } = startCommand(['sh', '-c', `${start} "--only" "nothing"`], {
    input: '',
  })
  t.match((await ended).stdout, /^> node main\.ts --only nothing$/m)
})
