#!/usr/bin/env node
// Does in a real browser what a person would do, and tells what that person sees.
//
//   node tests/next/browser.mjs < job.json > seen.json
//
// In: `{ base, chromium, fixtures: [{ name, scenarios }] }`.
// Out: `{ fixtures: [{ name, scenarios: [{ name, opened, steps }] }] }`, one observation for the opened page and
// one for each step. It judges nothing: what it saw before the migration and after it is compared elsewhere.
// Exit code 2, with the fixture, the scenario and the step, when something could not be done.
//
// The scenarios of a fixture run in order, each in a browser context of its own (no cookies, no storage), against
// one running app, whose store carries on. Fixtures run at the same time. The app must be fresh.
//
// A scenario, as in `fixtures/<case>/browser.json`:
//
//   name        what the person does
//   page        the path that is opened first
//   sees        what that page shows (as in a step)
//   javascript  false: the browser runs none
//   store       paths whose answers to a GET are read after each step, not through the page
//   mask        regular expressions; what they match is `<masked>` in everything that is observed but `traffic`
//   steps       one act of the person each
//
// A step:
//
//   do          fill, click, check, uncheck, choose, press, open, reload, back, look (only that),
//               offline and online, gateway (with `status`: every call is answered by a page of that status, until
//               `online`), forget (all cookies are gone)
//   button, link, field, text
//               the element, by its whole name; `/…/` is a regular expression. A field is named by its label or
//               placeholder, or is a number where it has none: the first one of the page is 1
//   in          the list item, row or fieldset with that text, where the element is
//   nth         which one, from 1, where several are alike
//   with        what is filled in, or chosen: one or more labels
//   key         what is pressed, in `field` or where the focus is
//   page        what is opened
//   times       2 for a double click
//   holding     keys that are held while clicking: ["Control"] opens a link in a new tab
//   tab         the number of the tab, from 1; a new one opens the scenario's page first
//   sees        a text, or several, that the page shows in the end. It is waited for, and not judged: see `unseen`
//   calls       for the comparison: the calls that the step makes before the migration, one by one, as
//               "PUT /api/notes/[id] 404", "POST /api/notes failed" (no network) or without the last word, where
//               the page is left before the answer
//   site        for the comparison: where in `input/` the call is, when it becomes a Server Action
//   differs     for the comparison: what of the observation is another one afterwards, and why
//
// An observation:
//
//   url, title, text, controls, focus
//               what the page is in the end; text has one space between words and no empty lines
//   shown       the texts that it showed one after another, from the act on; none when another document was loaded
//   disabled    likewise the lists of disabled controls
//   dialogs, errors (uncaught, or printed by console.error), downloads, tabs (where new ones lead)
//   cookies     of the browser; store: what `store` answers
//   quiet       false when the page did not come to rest; unseen: what of `sees` it does not show
//   traffic     not to be compared: each request to the app but documents and files of the build, with
//               method, path, whether it calls an action, rsc, status, and failed

import { createRequire } from 'node:module'

const { chromium } = createRequire(new URL('tools/package.json', import.meta.url))('playwright-core')

const STEP_LIMIT = 60_000
/** For finding an element and acting on it. */
const ACT_LIMIT = 20_000
const LOAD_LIMIT = 30_000
/** For the app to answer for the first time, when it loads what the page needs. */
const WARM_LIMIT = 60_000
/** For the page to come to rest, and for what it shall show to appear. */
const QUIET_LIMIT = 20_000
const QUIET_FOR = 150
const POLL = 30
const AT_ONCE = 3

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-gpu',
  '--no-first-run',
  '--disable-component-update',
  '--disable-sync',
]

/** The kinds of act, and what each one needs. */
const ACTS = {
  fill: ['field', 'with'],
  click: [],
  check: ['field'],
  uncheck: ['field'],
  choose: ['field', 'with'],
  press: ['key'],
  open: ['page'],
  reload: [],
  back: [],
  offline: [],
  online: [],
  gateway: ['status'],
  forget: [],
  look: [],
}

// ---------------------------------------------------------------------------------------------- elements

/** A name as a person reads it; between slashes it is a regular expression. */
function named(name) {
  const pattern = /^\/(.*)\/$/.exec(name)
  return pattern ? { name: new RegExp(pattern[1]) } : { name, exact: true }
}

const FIELDS = 'input:not([type=hidden], [type=submit], [type=button], [type=reset], [type=image]), textarea, select'

/** Finds the element of a step by its role and name, its label, its place among the fields, or its text. */
function find(page, step) {
  const scope = step.in
    ? page.locator('li, tr, article, fieldset').filter({ hasText: step.in })
    : page
  const by = () => {
    if (step.button !== undefined) return scope.getByRole('button', named(step.button))
    if (step.link !== undefined) return scope.getByRole('link', named(step.link))
    if (typeof step.field === 'number') return scope.locator(FIELDS).nth(step.field - 1)
    if (step.field !== undefined) {
      const { name, exact } = named(step.field)
      return scope.getByLabel(name, { exact }).or(scope.getByPlaceholder(name, { exact }))
    }
    if (step.text !== undefined) return scope.getByText(named(step.text).name, { exact: true })
    throw new Error('it names no button, link, field or text')
  }
  const found = by()
  return step.nth === undefined ? found : found.nth(step.nth - 1)
}

// ---------------------------------------------------------------------------------------------- in the page

/** Starts to keep what the page shows one after another, and which controls are disabled. Runs in the page. */
function watch() {
  const normal = (text) =>
    text
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ').trim())
      .filter(Boolean)
      .join('\n')
  const controls = () => [...document.querySelectorAll('button, input, select, textarea')]
  const nameOf = (element) =>
    element.labels?.[0]?.innerText || element.innerText || element.placeholder || element.name || element.type
  const read = () => normal(document.body.innerText)
  const disabled = () => controls().filter((control) => control.disabled).map((control) => normal(nameOf(control)))

  window.__watched?.observer.disconnect()
  const watched = { shown: [], disabled: [], changed: performance.now() }
  let lastText = read()
  let lastDisabled = disabled()
  const look = () => {
    watched.changed = performance.now()
    const text = read()
    if (text !== lastText) watched.shown.push((lastText = text))
    const now = disabled()
    if (now.join('\n') !== lastDisabled.join('\n')) watched.disabled.push((lastDisabled = now))
  }
  watched.observer = new MutationObserver(look)
  watched.observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
  window.__watched = watched
}

/** What the page shows, and whether it is able to answer to a person. Runs in the page. */
function read() {
  const normal = (text) =>
    text
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ').trim())
      .filter(Boolean)
      .join('\n')
  const all = [...document.querySelectorAll('button, input, select, textarea')]
  const describe = (element) => ({
    kind: element.localName === 'input' || element.localName === 'button' ? `${element.localName}:${element.type}` : element.localName,
    name: normal(element.labels?.[0]?.innerText || element.innerText || element.placeholder || element.name || ''),
  })
  const controls = all.map((element) => ({
    ...describe(element),
    value: element.localName === 'button' ? undefined : element.selectedOptions && element.multiple ? [...element.selectedOptions].map((option) => option.value) : element.value,
    checked: element.type === 'checkbox' || element.type === 'radio' ? element.checked : undefined,
    disabled: element.disabled,
  }))
  const focused = document.activeElement
  // React has taken over a page of the App Router when every element that it answers for carries its mark and
  // stands in the tree that it has committed. It marks an element earlier, while it renders, and may put off the
  // commit; until then a click is lost.
  const elements = [...document.querySelectorAll('button, input, select, textarea, form')]
  const internal = (element, name) => element[Object.keys(element).find((key) => key.startsWith(name))]
  const committed = new Set()
  const roots = new Set()
  for (const element of elements) {
    let fiber = internal(element, '__reactFiber$')
    while (fiber?.return) fiber = fiber.return
    if (fiber) roots.add(fiber.stateNode.current)
  }
  const under = [...roots]
  while (under.length > 0) {
    const fiber = under.pop()
    committed.add(fiber.stateNode)
    for (let child = fiber.child; child; child = child.sibling) under.push(child)
  }
  const taken = (element) => internal(element, '__reactProps$') && committed.has(element)
  const waits = window.__next_f && !elements.every(taken)
  return {
    ready: document.readyState === 'complete' && !waits,
    still: window.__watched ? performance.now() - window.__watched.changed : Infinity,
    watched: window.__watched && { shown: window.__watched.shown, disabled: window.__watched.disabled },
    text: document.body ? normal(document.body.innerText) : '',
    title: document.title,
    controls,
    focus: !focused || focused === document.body ? null : Object.values(describe(focused)).join(' '),
  }
}

// ---------------------------------------------------------------------------------------------- one tab

/** A page, and what has happened in it since the last look. */
class Tab {
  constructor(page, origin) {
    this.page = page
    this.origin = origin
    this.open = new Set()
    this.lastRequest = Date.now()
    this.forget()

    page.on('request', (request) => {
      this.open.add(request)
      this.lastRequest = Date.now()
      const url = new URL(request.url())
      if (url.origin !== origin || url.pathname.startsWith('/_next/') || url.pathname === '/favicon.ico') return
      if (request.method() === 'GET' && request.resourceType() === 'document') return
      url.searchParams.delete('_rsc')
      const headers = request.headers()
      const entry = { method: request.method(), path: url.pathname + url.search, action: 'next-action' in headers }
      if (request.method() === 'GET' && 'rsc' in headers) entry.rsc = true
      this.entries.set(request, entry)
      this.seen.traffic.push(entry)
    })
    const done = (request) => {
      this.open.delete(request)
      this.lastRequest = Date.now()
    }
    page.on('requestfinished', done)
    page.on('requestfailed', (request) => {
      done(request)
      const entry = this.entries.get(request)
      if (entry) entry.failed = request.failure()?.errorText
    })
    page.on('response', (response) => {
      const entry = this.entries.get(response.request())
      if (entry) entry.status = response.status()
    })
    page.on('dialog', (dialog) => {
      this.seen.dialogs.push({ kind: dialog.type(), message: dialog.message() })
      dialog.accept().catch(() => {})
    })
    // An error, or a rejected promise, that nobody caught. Of a stack only the first line: the rest names files
    // of the build.
    page.on('pageerror', (error) => {
      const text = `${error.name}: ${error.message}`.replace(/^Uncaught (\(in promise\) )?/, '')
      this.seen.errors.push(`uncaught ${text.split('\n    at ')[0]}`)
    })
    page.on('console', (message) => {
      if (message.type() !== 'error') return
      const text = message.text().split('\n    at ')[0]
      // Not the app but the browser says this, about an answer to a fetch; a Server Action answers 200 where the
      // route answered 400, so there is none of it afterwards. What the app makes of the answer is seen anyway.
      if (text.startsWith('Failed to load resource:')) return
      this.seen.errors.push(`console ${text}`)
    })
    page.on('download', (download) => {
      const entry = { name: download.suggestedFilename(), text: '' }
      this.seen.downloads.push(entry)
      this.downloading = (async () => {
        const chunks = []
        for await (const chunk of await download.createReadStream()) chunks.push(chunk)
        entry.text = Buffer.concat(chunks).toString()
      })().catch((error) => (entry.text = `failed: ${error.message}`))
    })
  }

  forget() {
    this.seen = { dialogs: [], errors: [], downloads: [], tabs: [], traffic: [] }
    this.entries = new Map()
    this.downloading = undefined
  }

  /**
   * Waits until no request is under way, the text has not changed for a while and React has taken over the page,
   * and, while there is time, until the page shows what it shall show.
   */
  async quiet(expected) {
    const start = Date.now()
    let last
    let since = start
    let latest
    for (;;) {
      try {
        latest = await this.page.evaluate(read)
      } catch (error) {
        // The page is on its way to another one.
        if (this.page.isClosed() || Date.now() - start > QUIET_LIMIT) throw error
        latest = undefined
      }
      const now = Date.now()
      const state = latest && JSON.stringify([latest.text, latest.controls, this.page.url()])
      if (state !== last) since = now
      last = state
      const calm = latest?.ready && this.open.size === 0
        && now - this.lastRequest >= QUIET_FOR && now - since >= QUIET_FOR && latest.still >= QUIET_FOR
      const unseen = latest ? expected.filter((text) => !latest.text.includes(text)) : expected
      if (calm && unseen.length === 0) return { ...latest, unseen, quiet: true }
      if (now - start > QUIET_LIMIT) {
        if (!latest) throw new Error('the page cannot be read')
        return { ...latest, unseen, quiet: Boolean(calm) }
      }
      await new Promise((resolve) => setTimeout(resolve, POLL))
    }
  }
}

// ---------------------------------------------------------------------------------------------- one scenario

class Scenario {
  constructor(browser, base, scenario, fixture) {
    this.browser = browser
    this.origin = new URL(base).origin
    this.scenario = scenario
    this.label = fixture
    this.tabs = new Map()
  }

  async start() {
    this.context = await this.browser.newContext({
      javaScriptEnabled: this.scenario.javascript !== false,
      acceptDownloads: true,
      locale: 'en-GB',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
      viewport: { width: 900, height: 700 },
    })
    this.context.setDefaultTimeout(ACT_LIMIT)
    this.context.setDefaultNavigationTimeout(LOAD_LIMIT)
    // No other site is reached: each of its pages is one line that says where it is.
    await this.context.route(
      (url) => url.origin !== this.origin,
      (route) => route.fulfill({ contentType: 'text/html', body: `<title>elsewhere</title><p>${route.request().url()}` }),
    )
    // A page that somebody has opened in a new tab: where it leads is enough.
    this.popups = []
    this.context.on('page', (page) => {
      if (this.opening) return
      this.popups.push(page.close().catch(() => {}))
    })
    this.context.on('request', (request) => {
      if (!request.isNavigationRequest()) return
      const known = [...this.tabs.values()].map((tab) => tab.page)
      try {
        if (known.includes(request.frame().page())) return
      } catch {
        // A tab that is so new that it has no page yet.
      }
      if (!this.opening) this.current.seen.tabs.push(request.url())
    })
  }

  /** The tab of that number; a new one shows the scenario's page. */
  async tab(number) {
    if (!this.tabs.has(number)) {
      this.opening = true
      const tab = new Tab(await this.context.newPage(), this.origin)
      this.opening = false
      this.tabs.set(number, tab)
      await tab.page.goto(this.origin + this.scenario.page, { waitUntil: 'load' })
      await tab.quiet([])
    }
    return this.tabs.get(number)
  }

  async act(tab, step) {
    const { page } = tab
    const wanted = ACTS[step.do]
    if (!wanted) throw new Error(`there is no act "${step.do}"`)
    for (const key of wanted) if (step[key] === undefined) throw new Error(`"${step.do}" needs "${key}"`)
    const element = () => find(page, step)
    switch (step.do) {
      case 'fill':
        return element().fill(step.with)
      // Twice is a double click: the second one does not wait for what the first one does.
      case 'click': {
        const popup = step.holding && this.context.waitForEvent('page')
        popup?.catch(() => {})
        await element().click({ clickCount: step.times ?? 1, modifiers: step.holding, noWaitAfter: true })
        return void (await popup)
      }
      // Not check(): it insists that the box changes at once, and many change when the answer has come.
      case 'check':
      case 'uncheck':
        if ((await element().isChecked()) !== (step.do === 'check')) await element().click({ noWaitAfter: true })
        return
      case 'choose':
        return void (await element().selectOption([step.with].flat().map((label) => ({ label }))))
      case 'press':
        return step.field === undefined ? page.keyboard.press(step.key) : element().press(step.key)
      case 'open':
        return void (await page.goto(this.origin + step.page, { waitUntil: 'load' }))
      case 'reload':
        return void (await page.reload({ waitUntil: 'load' }))
      case 'back':
        return void (await page.goBack({ waitUntil: 'load' }))
      case 'offline':
        return this.context.setOffline(true)
      case 'online':
        await this.context.setOffline(false)
        return this.context.unroute(this.broken ?? (() => false))
      // Something between the browser and the app answers every call in the app's place.
      case 'gateway':
        this.broken = (url) => url.origin === this.origin
        return this.context.route(this.broken, (route) =>
          route.request().method() === 'GET'
            ? route.fallback()
            : route.fulfill({ status: step.status, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }),
        )
      case 'forget':
        return this.context.clearCookies()
      case 'look':
        return
    }
  }

  async observe(tab, expected) {
    const state = await tab.quiet(expected)
    await tab.downloading
    await Promise.all(this.popups.splice(0))
    const { seen } = tab
    tab.forget()
    const url = new URL(tab.page.url())
    const mask = this.mask()
    const store = []
    for (const path of this.scenario.store ?? []) {
      const answer = await fetch(this.origin + path, { redirect: 'manual', signal: AbortSignal.timeout(ACT_LIMIT) })
      store.push({ path, status: answer.status, body: await answer.text() })
    }
    const { traffic, ...happened } = seen
    return {
      ...mask({
        url: url.origin === this.origin ? url.pathname + url.search + url.hash : url.href,
        title: state.title,
        text: state.text,
        // When the act has loaded another document there is nothing between: its text grows as it arrives.
        shown: state.watched?.shown ?? [],
        disabled: state.watched?.disabled ?? [],
        controls: state.controls,
        focus: state.focus,
        ...happened,
        cookies: await this.cookies(),
        store,
      }),
      quiet: state.quiet,
      unseen: state.unseen,
      traffic,
    }
  }

  async cookies() {
    const cookies = await this.context.cookies(this.origin)
    return cookies
      .map(({ name, value, path, expires, httpOnly, secure, sameSite }) => ({
        name,
        value,
        path,
        // In hours, so that the seconds of a scenario do not show.
        hours: expires === -1 ? null : Math.round((expires - Date.now() / 1000) / 3600),
        httpOnly,
        secure,
        sameSite: sameSite ?? null,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Takes out of every text what differs from run to run: the app's address, and what the scenario masks. */
  mask() {
    const patterns = (this.scenario.mask ?? []).map((pattern) => new RegExp(pattern, 'g'))
    const text = (value) =>
      patterns.reduce((all, pattern) => all.replace(pattern, '<masked>'), value.replaceAll(this.origin, ''))
    const walk = (value) => {
      if (typeof value === 'string') return text(value)
      if (Array.isArray(value)) return value.map(walk)
      if (value && typeof value === 'object') {
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)]))
      }
      return value
    }
    return walk
  }

  /** Opens the scenario's page. */
  async open() {
    const tab = (this.current = await this.tab(1))
    return this.observe(tab, list(this.scenario.sees))
  }

  async step(step) {
    const tab = (this.current = await this.tab(step.tab ?? 1))
    await tab.page.bringToFront()
    await tab.page.evaluate(watch)
    await this.act(tab, step).catch(async (error) => {
      const text = await tab.page.innerText('body', { timeout: 1_000 }).catch(() => '')
      throw new Error(`${error.message} (${tab.page.url()} shows: ${text})`)
    })
    const seen = await this.observe(tab, list(step.sees))
    if (process.env.BROWSER_SHOTS) await this.shoot(tab)
    return seen
  }

  /** For a person who wants to see the pages: `BROWSER_SHOTS` names a folder. */
  async shoot(tab) {
    this.shots = (this.shots ?? 0) + 1
    const name = `${this.label}-${this.scenario.name}-${this.shots}`.replace(/[^\w-]+/g, '_')
    await tab.page.screenshot({ path: `${process.env.BROWSER_SHOTS}/${name}.png` })
  }

  async end() {
    await this.context?.close()
  }
}

const list = (value) => (value === undefined ? [] : [value].flat())

/** Ends with an error that says where, when the work takes too long or fails. */
async function bounded(where, limit, work) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`was not done within ${limit / 1000} s`)), limit)
  })
  try {
    return await Promise.race([work(), late])
  } catch (error) {
    // Playwright explains itself in colours and on several lines.
    const message = error.message.replace(/\u001b\[\d+m/g, '').replace(/\s*\n\s*/g, ' ').trim()
    throw new Error(`${where}: ${message}`)
  } finally {
    clearTimeout(timer)
  }
}

async function main() {
  let input = ''
  for await (const chunk of process.stdin) input += chunk
  const { base, chromium: executablePath, fixtures } = JSON.parse(input)
  const browser = await chromium.launch({ executablePath, args: FLAGS, headless: true, timeout: 30_000 })
  try {
    // Each fixture has a store of its own, so they may run at the same time.
    const seen = []
    const waiting = fixtures.entries()
    const worker = async () => {
      for (const [index, fixture] of waiting) seen[index] = await runFixture(browser, base, fixture)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    process.stdout.write(`${JSON.stringify({ fixtures: seen }, null, 2)}\n`)
  } finally {
    await browser.close()
  }
}

/** Runs the scenarios of a fixture, in order. */
async function runFixture(browser, base, { name, scenarios }) {
  for (const page of new Set(scenarios.map((scenario) => scenario.page))) {
    await bounded(`${name}: first answer of ${page}`, WARM_LIMIT, async () => (await fetch(base + page)).text())
  }
  const seen = []
  for (const scenario of scenarios) {
    const where = `${name}: "${scenario.name}"`
    const run = new Scenario(browser, base, scenario, name)
    try {
      await bounded(where, STEP_LIMIT, () => run.start())
      const opened = await bounded(`${where}: opening ${scenario.page}`, STEP_LIMIT, () => run.open())
      const steps = []
      for (const [index, step] of scenario.steps.entries()) {
        const what = `${where}: step ${index + 1} ${JSON.stringify(step)}`
        steps.push(await bounded(what, STEP_LIMIT, () => run.step(step)))
      }
      seen.push({ name: scenario.name, opened, steps })
    } finally {
      await bounded(`${where}: closing`, STEP_LIMIT, () => run.end())
    }
  }
  return { name, scenarios: seen }
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 2
})
