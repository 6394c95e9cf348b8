// The one table of differences between a route before and after its migration that are no failure.
//
// In: a request and the two answers to it. Out: the differences, each with the entry that allows it, or with
// none. `ALWAYS` holds for every route: it is what the protocol or Next.js itself adds to an answer. `NOTES`
// holds only for a request that names the note in its `requests.json`.

/** Tokens that Next.js itself puts into `Vary`: the App Router's own, and what its compression adds. */
const NEXT_VARY = new Set([
  'rsc',
  'next-router-state-tree',
  'next-router-prefetch',
  'next-router-segment-prefetch',
  'next-url',
  'accept-encoding',
])

/** Entries that hold for every request. `same` says whether two values mean the same to a caller. */
export const ALWAYS = [
  { header: 'date', reason: 'the time of the answer', same: () => true },
  { header: 'connection', reason: 'about the connection, not about the answer', same: () => true },
  { header: 'keep-alive', reason: 'about the connection, not about the answer', same: () => true },
  { header: 'transfer-encoding', reason: 'framing: bodies are compared whole', same: () => true },
  { header: 'content-length', reason: 'framing: bodies are compared whole', same: () => true },
  {
    header: 'content-encoding',
    reason: 'none and identity say that the body is not encoded, as no header does; Next.js drops the header',
    same: (before, after) => codingOf(before) === codingOf(after),
  },
  {
    header: 'vary',
    reason: 'Next.js adds its own tokens to what the App Router answers; what the handler set must stay',
    same: (before, after) => varyOfHandler(before) === varyOfHandler(after),
  },
  {
    header: 'set-cookie',
    reason:
      'Next.js writes the draft-mode cookie: its id is made anew by each build and is left out when a route handler ' +
      'deletes the cookie, and the two routers differ in the order and the case of its attributes',
    same: (before, after) => sameCookies(before, after),
  },
]

/**
 * Entries that a request has to name. `allows` gets one difference and the whole exchange, and is asked only
 * about requests that name the note; `about` says what the note is for.
 */
export const NOTES = [
  {
    code: 'json-charset',
    about: 'JSON is sent as `application/json` without a charset, and without an ETag',
    allows: ({ what, before, after }, { request, answers }) =>
      (what === 'header content-type' &&
        before === 'application/json; charset=utf-8' &&
        after === 'application/json') ||
      (isJson(answers.before.headers['content-type'] ?? answers.after.headers['content-type']) &&
        lostEtag(what, request, answers)),
  },
  {
    code: 'text-plain',
    about: 'plain text that was sent without a type is sent as `text/plain`, and without an ETag',
    allows: ({ what, before, after }, { request, answers }) =>
      (what === 'header content-type' &&
        before === undefined &&
        /^text\/plain;\s*charset=utf-8$/i.test(after ?? '')) ||
      (answers.before.headers['content-type'] === undefined &&
        !isJson(answers.after.headers['content-type']) &&
        lostEtag(what, request, answers)),
  },
  {
    code: 'no-etag',
    about: 'what `send` sent with a type of its own is sent without an ETag',
    allows: ({ what }, { request, answers }) =>
      answers.before.headers['content-type'] !== undefined &&
      !isJson(answers.before.headers['content-type']) &&
      lostEtag(what, request, answers),
  },
  {
    code: 'auto-405',
    about: 'Next.js itself refuses a method that the route does not have: 405 with an empty body',
    allows: ({ what }, { request, answers: { before, after } }) =>
      after.status === 405 &&
      after.body.length === 0 &&
      (before.status === 405
        ? ['body', 'header content-type', 'header etag', 'header allow', 'header vary'].includes(what)
        : // Pages parsed the body first, and libraries refuse a method that they do not know in other words, too.
          isInvalidJson(before) ||
          ([400, 415].includes(before.status) && !['GET', 'HEAD', 'POST'].includes(request.method))),
  },
  {
    code: 'auto-options',
    about: 'Next.js itself answers OPTIONS: 204 with `Allow`',
    allows: (_, { request, answers: { after } }) =>
      request.method === 'OPTIONS' && after.status === 204 && 'allow' in after.headers,
  },
  {
    code: 'auto-head',
    about: 'Next.js itself answers HEAD by running GET',
    allows: (_, { request, answers: { before } }) =>
      request.method === 'HEAD' && (before.status === 405 || before.failure !== undefined),
  },
  {
    code: 'uncaught-error',
    about: 'an error that nobody caught is a 500 with an empty body and without the headers set before it',
    allows: ({ what }, { answers: { before, after } }) =>
      before.status === 500 &&
      after.status === 500 &&
      before.body.toString() === 'Internal Server Error' &&
      after.body.length === 0 &&
      what !== 'status',
  },
  {
    code: 'malformed-json',
    about: "the handler answers a malformed JSON body, where Next.js' own body parser answered 400",
    allows: (_, { answers: { before } }) => isInvalidJson(before),
  },
  {
    code: 'session-refresh',
    about: "getServerSession without req and res does not write next-auth's cookies",
    allows: ({ what, before, after }) =>
      what === 'header set-cookie' &&
      after === undefined &&
      before.split('\n').every((line) => /^(__Secure-|__Host-)?next-auth\./.test(line)),
  },
  {
    code: 'undefined-json',
    about: 'an undefined value given to json() is an uncaught error',
    allows: (_, { answers: { before, after } }) =>
      isJson(before.headers['content-type']) &&
      before.body.length === 0 &&
      after.status === 500 &&
      after.body.length === 0,
  },
  {
    code: 'unanswered-method',
    about: 'a method that was left without an answer is answered 405',
    allows: (_, { answers: { before, after } }) => before.failure !== undefined && after.status === 405,
  },
  {
    code: 'body-limit',
    about: 'the body size is not limited',
    allows: (_, { answers: { before } }) => before.status === 413,
  },
  {
    code: 'cookie-parsing',
    about: 'of cookies with one name the last is read, and quotes are kept',
    allows: (_, { request }) => oddCookies(headerOf(request, 'cookie')),
  },
  {
    code: 'server-action',
    about: 'this method became a Server Action: no URL answers it any more',
    allows: (_, { answers: { before, after } }) =>
      before.status !== 405 &&
      ((after.status === 405 && after.body.length === 0) ||
        (after.status === 404 && /^text\/html/.test(after.headers['content-type'] ?? ''))),
  },
]

/** Every difference between the two answers, each with what allows it: an entry of `ALWAYS`, a note's code, or nothing. */
export function compare(request, before, after) {
  const differences = []
  const add = (what, b, a) => differences.push({ what, before: b, after: a })

  if (before.failure || after.failure) {
    if (before.failure === after.failure) return differences
    add('answer', before.failure ?? before.status, after.failure ?? after.status)
    return explain(request, before, after, differences)
  }
  if (before.status !== after.status) add('status', before.status, after.status)
  // A server may leave the reason phrase out (RFC 9112, 4), as some libraries make it do; clients ignore it.
  if (before.statusText && before.statusText !== after.statusText && before.status === after.status) {
    add('status text', before.statusText, after.statusText)
  }
  const names = new Set([...Object.keys(before.headers), ...Object.keys(after.headers)])
  for (const name of [...names].sort()) {
    const b = before.headers[name]
    const a = after.headers[name]
    if (b === a) continue
    if (name !== 'set-cookie' && oneLine(b) === oneLine(a)) continue
    const entry = ALWAYS.find((candidate) => candidate.header === name)
    if (entry?.same(b, a)) continue
    add(`header ${name}`, b, a)
  }
  if (!before.body.equals(after.body)) add('body', show(before.body), show(after.body))

  return explain(request, before, after, differences)
}

/** Says of each difference which notes would allow it, and which of those that the request names does. */
function explain(request, before, after, differences) {
  const exchange = { request, answers: { before: { headers: {}, body: '', ...before }, after: { headers: {}, body: '', ...after } } }
  for (const difference of differences) {
    const allowing = NOTES.filter((note) => note.allows(difference, exchange)).map((n) => n.code)
    difference.allowedBy = allowing.find((code) => request.notes?.includes(code))
    difference.wouldAllow = allowing
  }
  return differences
}

/** The first part of a body, for people. */
export function show(body) {
  const text = body.toString('utf8')
  return text.length > 600 ? `${text.slice(0, 600)}… (${body.length} bytes)` : text
}

/** A list header sent as several lines means the same as one line with commas (RFC 9110, 5.3); not so Set-Cookie. */
function oneLine(value) {
  return value?.split(/\s*[,\n]\s*/).join(', ')
}

/** Whether pages and the App Router read these cookies in two ways: a name twice, or a quoted value. */
function oddCookies(value) {
  if (!value) return false
  const pairs = [value].flat().join('; ').split(/;\s*/)
  const names = pairs.map((pair) => pair.split('=')[0])
  return new Set(names).size < names.length || pairs.some((pair) => /="/.test(pair) || !pair.includes('='))
}

function codingOf(value) {
  return ['none', 'identity'].includes(value) ? undefined : value
}

function varyOfHandler(value) {
  return (value ?? '')
    .split(/\s*[,\n]\s*/)
    .map((token) => token.toLowerCase())
    .filter((token) => token && !NEXT_VARY.has(token))
    .sort()
    .join(', ')
}

function sameCookies(before, after) {
  const normal = (value) => value?.split('\n').map(draftCookie).join('\n')
  return normal(before) === normal(after)
}

/** The draft-mode cookie in one spelling; every other cookie as it is. */
function draftCookie(line) {
  const [pair, ...attributes] = line.split(/;\s*/)
  if (!/^__prerender_bypass=([0-9a-f]{32})?$/.test(pair)) return line
  const known = attributes.map((attribute) => attribute.toLowerCase()).sort()
  const deleted = known.includes('expires=thu, 01 jan 1970 00:00:00 gmt')
  if (!deleted && pair.endsWith('=')) return line
  return `__prerender_bypass; ${known.join('; ')}`
}

/** The ETag is gone, or, for want of one, a conditional request is answered in full. */
function lostEtag(what, request, { before, after }) {
  if (what === 'header etag') return before.headers.etag !== undefined && after.headers.etag === undefined
  return hasHeader(request, 'if-none-match') && before.status === 304 && after.status === 200
}

/** The answer of the pages' own body parser. */
function isInvalidJson({ status, body }) {
  return status === 400 && body.toString() === 'Invalid JSON'
}

function isJson(type) {
  return /^application\/([\w.+-]*\+)?json\b/.test(type ?? '')
}

function headerOf(request, name) {
  return Object.entries(request.headers ?? {}).find(([header]) => header.toLowerCase() === name)?.[1]
}

function hasHeader(request, name) {
  return headerOf(request, name) !== undefined
}
