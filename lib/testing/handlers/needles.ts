import { type UserIdForm, userIdForms } from '../../matrix/user-id-forms.ts'
import { localpartOf, type UserId } from '../../matrix/user-id.ts'

/**
 * The forms in which a user ID is looked for. `case`: as it is, except for upper and lower case;
 * `compressed`: in a gzip or deflate stream; `split`: across two pages of a SQLite file.
 */
export type ResidueForm =
  UserIdForm['form'] | 'case' | 'utf16' | 'localpart' | 'compressed' | 'split'

/** Something to look for in bytes that were folded by {@link fold}. */
export interface Needle {
  readonly form: ResidueForm
  readonly folded: string
  /** A hit only counts where the characters beside it are not part of a word. */
  readonly asWord: boolean
}

/** A shorter localpart turns up by chance in random bytes. */
const MIN_LOCALPART_BYTES = 4

/** Bytes as a string in which the case of ASCII letters makes no difference. */
export function fold(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1').toLowerCase()
}

/** Everything to look for; each only once, under the first form that has it. */
export function needlesFor(userId: UserId): Needle[] {
  const localpart = Buffer.from(localpartOf(userId))
  const littleEndian = Buffer.from(userId, 'utf16le')
  const candidates: Needle[] = [
    ...userIdForms(userId).map(({ form, text }) => needle(form, Buffer.from(text))),
    needle('utf16', littleEndian),
    needle('utf16', Buffer.from(littleEndian).swap16()),
  ]
  if (localpart.length >= MIN_LOCALPART_BYTES) {
    candidates.push({ ...needle('localpart', localpart), asWord: true })
  }
  const seen = new Set<string>()
  return candidates.filter(({ folded }) => !seen.has(folded) && seen.add(folded))
}

function needle(form: ResidueForm, bytes: Uint8Array): Needle {
  return { form, folded: fold(bytes), asWord: false }
}
