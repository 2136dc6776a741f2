import { createRegistration } from '../registration/registration-file.ts'
import { type Command, parseCommandLine } from './command.ts'

/** Prints a registration with fresh random tokens. */
export const registration: Command = {
  name: 'registration',
  operands: '',
  help: [
    ['', 'print a registration with fresh random tokens'],
    ['--id ID', 'unique on the homeserver (default: erasure)'],
    ['--url URL', 'where the homeserver reaches us (http://localhost:9009)'],
    ['--sender-localpart NAME', 'the localpart of the bot (the id)'],
    ['--user-regex REGEX', 'the ghosts, claimed exclusively (none)'],
  ],
  async run({ args }) {
    const { values } = parseCommandLine(args, 0, {
      id: { type: 'string' },
      url: { type: 'string' },
      'sender-localpart': { type: 'string' },
      'user-regex': { type: 'string' },
    })
    return createRegistration({
      id: values.id,
      url: values.url,
      senderLocalpart: values['sender-localpart'],
      userRegex: values['user-regex'],
    })
  },
}
