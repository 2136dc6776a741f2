// Writes dist/cjs: what `require` and TypeScript's older resolutions find. The code is there once,
// as ES modules, which every Node we support can `require`; only the types need a CommonJS copy,
// since TypeScript goes by the folder they lie in.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

import manifest from '../package.json' with { type: 'json' }

const folder = join(import.meta.dirname, '..')

writeFileSync(join(folder, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n')
for (const entry of Object.values(manifest.exports)) {
  if (typeof entry === 'string') continue
  const file = entry.require.default
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  const target = relative(dirname(file), entry.default)
  writeFileSync(join(folder, file), `module.exports = require('${target}')\n`)
}
