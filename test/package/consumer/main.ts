import { eraseBob } from './bridge.js'

eraseBob().then(console.log, (error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
