import type { ShownEntry } from './guestbook.ts'

const STYLE = `
  body { font: 1.1em/1.5 Georgia, serif; max-width: 40em; margin: 2em auto; padding: 0 1em;
    color: #222; background: #fbf9f4 }
  form { display: grid; gap: .5em; margin: 1.5em 0 2.5em }
  input, textarea, button { font: inherit; padding: .4em }
  button { justify-self: start }
  ol { list-style: none; padding: 0 }
  li { display: grid; grid-template-columns: 3em 1fr; gap: 0 1em; margin: 1.2em 0 }
  img, .nobody { grid-row: span 2; width: 3em; height: 3em; border-radius: 50%;
    background: #ddd }
  time { color: #777; font-size: .8em; font-weight: normal }
  p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }`

/** The guestbook as a page: the newest entries first, and a form to sign it. */
export function renderPage(entries: readonly ShownEntry[]): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Guestbook</title>
<style>${STYLE}</style>
<h1>Guestbook</h1>
<form method="post" action="/sign">
  <label>Your name <input name="name" required maxlength="64"></label>
  <textarea name="body" rows="3" required maxlength="2000" aria-label="Message"></textarea>
  <button>Sign the guestbook</button>
</form>
<ol>${entries.toReversed().map(renderEntry).join('')}</ol>
</html>
`
}

function renderEntry({ name, avatar, body, sentAt }: ShownEntry): string {
  const picture =
    avatar === null
      ? '<span class="nobody"></span>'
      : `<img src="${escapeHtml(avatar)}" alt="">`
  const time = new Date(sentAt).toISOString()
  return `
<li>${picture}<strong>${escapeHtml(name)} <time datetime="${time}">${time.slice(0, 16).replace('T', ' ')}</time></strong>
<p>${escapeHtml(body)}</p></li>`
}

/** Makes text harmless in HTML, between tags and in a quoted attribute. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`)
}
