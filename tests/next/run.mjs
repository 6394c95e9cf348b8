#!/usr/bin/env node
// Sends the requests of every fixture to real Next.js, before and after the migration, and compares the answers.
//
//   node tests/next/run.mjs [--next 14|15|16]... [--only fixture,...] [--keep]
//   node tests/next/run.mjs --dir BEFORE AFTER REQUESTS [--next 15]
//
// In: `fixtures/<case>/` with `input/`, `expected/` and `requests.json`. The trees of all fixtures are gathered
// into one app per side, which is built and started once. A fixture with `"solo": true` in its `fixture.json`
// has an app of its own; one with `"unbuildable": "<why>"` cannot be built before its migration, so it has no
// requests. Out: exit code 0 when every answer is the same but for what `allowed.mjs` allows.
//
// Only Node.js is needed. What belongs to a version of Next.js is installed into `tests/next/v<version>`.

import { execFile, spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

import { compare, NOTES, show } from './allowed.mjs'

const HERE = path.dirname(fileURLToPath(import.meta.url))
const FIXTURES = path.resolve(HERE, '../../fixtures')
const VERSIONS = ['14', '15', '16']

const BUILD_LIMIT = 600_000
const SERVER_LIMIT = 600_000
const REQUEST_LIMIT = 10_000

const HELP = `Sends the requests of every fixture to real Next.js before and after the migration.

  node tests/next/run.mjs [OPTIONS]
  node tests/next/run.mjs --dir BEFORE AFTER REQUESTS [OPTIONS]

  --next VERSION       14, 15 or 16; may be repeated (default: all; with --dir: 15)
  --only NAME,...      only these fixtures
  --bin PATH           the routelift program. It makes the migrated tree of each fixture that is written for
                       another version of Next.js. Without it such a fixture runs on its own version only
  --bin-args "ARGS"    more arguments for it, such as "--route-handler /api/**". Every tree is made by the
                       program then, and no expected/ is read
  --before-only        sends the requests to the input/ trees only and prints the answers
  --dev                next dev instead of next build and next start
  --write-notes        writes the notes that explain a difference into requests.json
  --report FILE        writes the counts as JSON
  --keep               keeps the gathered apps and prints where they are
`

// ---------------------------------------------------------------------------------------------- fixtures

/** Reads one fixture folder, or says why it is none. */
function readFixture(name) {
  const dir = path.join(FIXTURES, name)
  const settings = readJson(path.join(dir, 'fixture.json')) ?? {}
  const manifest = readJson(path.join(dir, 'input/package.json')) ?? {}
  const range = manifest.dependencies?.next ?? manifest.devDependencies?.next ?? ''
  return {
    name,
    dir,
    args: readLines(path.join(dir, 'args')),
    solo: settings.solo === true,
    unbuildable: settings.unbuildable,
    env: settings.env ?? {},
    major: /\d+/.exec(range)?.[0],
    requestsFile: path.join(dir, 'requests.json'),
    requests: readJson(path.join(dir, 'requests.json')),
  }
}

function listFixtures(only) {
  const names = fs
    .readdirSync(FIXTURES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && fs.existsSync(path.join(FIXTURES, entry.name, 'input')))
    .map((entry) => entry.name)
    .sort()
  const unknown = only.filter((name) => !names.includes(name))
  if (unknown.length) throw new Error(`no such fixture: ${unknown.join(', ')}`)
  const fixtures = names.filter((name) => only.length === 0 || only.includes(name)).map(readFixture)
  const unproven = fixtures.filter(
    ({ dir, requests, unbuildable }) => !requests && !unbuildable && fs.existsSync(path.join(dir, 'expected.diff')),
  )
  if (unproven.length) throw new Error(`without requests.json: ${unproven.map(({ name }) => name).join(', ')}`)
  return fixtures.filter((fixture) => fixture.requests)
}

// ---------------------------------------------------------------------------------------------- gathering

/** What the gathered app has of its own, so that no fixture's is taken. */
const SUPPLIED = /^(package(-lock)?\.json|[jt]sconfig\.json|next-env\.d\.ts|next\.config\.\w+|\.gitignore|app\/layout\.\w+)$/
/** What speaks for a whole app: a fixture that has it needs an app of its own. */
const WHOLE_APP = /^(src\/)?(middleware|proxy|instrumentation)\.\w+$|^(src\/)?(pages\/(_app|_document|_error|404|500)|app\/(not-found|global-\w+|error|loading|template))\.\w+$|^src\//
const NEVER = new Set(['node_modules', '.next', '.git'])

function listFiles(root, under = '') {
  return fs.readdirSync(path.join(root, under), { withFileTypes: true }).flatMap((entry) => {
    const relative = under ? `${under}/${entry.name}` : entry.name
    if (NEVER.has(entry.name)) return []
    return entry.isDirectory() ? listFiles(root, relative) : [relative]
  })
}

/** The module that the program adds to a project: each fixture has one of its own, under its own name. */
const HELPER = /\/(api-request|api-response)\.(\w+)$/

/** Makes a source file import the helper of its own fixture. */
function withOwnHelper(bytes, file, fixture) {
  if (!/\.[jt]sx?$/.test(file)) return bytes
  return Buffer.from(bytes.toString().replace(/\/(api-request|api-response)(['"])/g, `/$1-${fixture.name}$2`))
}

/** Copies the trees into one app. Two fixtures must not bring different bytes for one path. */
function gather(app, trees, major) {
  const owners = new Map()
  for (const { fixture, root } of trees) {
    for (const file of listFiles(root)) {
      if (SUPPLIED.test(file)) continue
      if (WHOLE_APP.test(file)) {
        throw new Error(`${fixture.name}: ${file} speaks for a whole app: put "solo": true into its fixture.json`)
      }
      const bytes = withOwnHelper(fs.readFileSync(path.join(root, file)), file, fixture)
      if (HELPER.test(file)) {
        write(path.join(app, file.replace(HELPER, `/$1-${fixture.name}.$2`)), bytes)
        continue
      }
      const owner = owners.get(file)
      if (owner && !owner.bytes.equals(bytes)) {
        throw new Error(`${owner.name} and ${fixture.name} both have ${file}: give one of them another name`)
      }
      owners.set(file, { name: fixture.name, bytes })
      write(path.join(app, file), bytes)
    }
  }
  write(path.join(app, 'app/layout.tsx'), LAYOUT)
  write(path.join(app, 'tsconfig.json'), JSON.stringify(TSCONFIG, null, 2))
  write(path.join(app, 'next.config.mjs'), nextConfig(major))
  write(path.join(app, 'package.json'), '{ "name": "gathered", "private": true }\n')
}

/** Copies a whole project, as it is. */
function copyProject(app, root, major) {
  for (const file of listFiles(root)) {
    if (file === 'package-lock.json') continue
    write(path.join(app, file), fs.readFileSync(path.join(root, file)))
  }
  const has = (pattern) => fs.readdirSync(app).some((file) => pattern.test(file))
  if (!has(/^[jt]sconfig\.json$/)) {
    write(path.join(app, 'tsconfig.json'), JSON.stringify(TSCONFIG, null, 2))
  }
  if (!has(/^next\.config\.\w+$/)) write(path.join(app, 'next.config.mjs'), nextConfig(major))
}

const LAYOUT = `import type { ReactNode } from 'react';

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
`

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['dom', 'dom.iterable', 'esnext'],
    allowJs: true,
    skipLibCheck: true,
    strict: true,
    noEmit: true,
    esModuleInterop: true,
    module: 'esnext',
    moduleResolution: 'bundler',
    resolveJsonModule: true,
    isolatedModules: true,
    jsx: 'preserve',
    incremental: true,
    plugins: [{ name: 'next' }],
    paths: { '@/*': ['./*'] },
  },
  include: ['next-env.d.ts', '**/*.ts', '**/*.tsx', '.next/types/**/*.ts'],
  exclude: ['node_modules', '**/*.test.*', '**/*.spec.*', 'cypress', 'e2e'],
}

function nextConfig(major) {
  const options = {}
  if (major !== '16') options.eslint = { ignoreDuringBuilds: true }
  if (major === '15') options.outputFileTracingRoot = path.join(HERE, 'v15')
  if (major === '16') options.turbopack = { root: path.join(HERE, 'v16') }
  return `export default ${JSON.stringify(options, null, 2)}\n`
}

/** The migrated tree of a fixture: `expected/` on the version that it is written for, else made by the program. */
async function migratedTree(fixture, major, version, options, temporary) {
  if (!options['bin-args'] && fixture.major === major) {
    const expected = path.join(fixture.dir, 'expected')
    if (fs.existsSync(expected)) {
      if (options.bin) await readPrinted(fixture, path.join(fixture.dir, 'input'), version, options)
      return expected
    }
    if (!options.bin) return undefined
  }
  const made = path.join(temporary, `made-${fixture.name}`)
  fs.cpSync(path.join(fixture.dir, 'input'), made, { recursive: true })
  const { stdout } = await run(path.resolve(options.bin), [...programArgs(fixture, version, options), '--write', made], made, {}, 60_000)
  fixture.printed = printedNotes(JSON.parse(stdout))
  return made
}

/** What the program is called with: the fixture's own arguments, or else `--bin-args`. */
function programArgs(fixture, version, options) {
  const more = fixture.args?.length ? fixture.args : (options['bin-args'] ?? '').split(/\s+/).filter(Boolean)
  return ['--next', version, '--format', 'json', ...more]
}

/** Asks the program for the notes of a tree: a difference needs a note that is printed for its route. */
async function readPrinted(fixture, root, version, options) {
  const { stdout } = await run(path.resolve(options.bin), [...programArgs(fixture, version, options), root], root, {}, 60_000)
  fixture.printed = printedNotes(JSON.parse(stdout))
}

/** The notes that the program prints, by route and method; most specific routes first. */
function printedNotes(result) {
  const routes = result.projects.flatMap((project) => project.apps).flatMap((app) => app.routes)
  return routes
    .map(({ route, methods, left }) => ({
      route,
      left,
      pattern: new RegExp(`^${route.replace(/\/\[\[\.\.\.\w+\]\]/g, '(/.*)?').replace(/\[\.\.\.\w+\]/g, '.+').replace(/\[\w+\]/g, '[^/]+')}/?$`),
      notes: Object.fromEntries(methods.map(({ method, notes }) => [method, notes])),
    }))
    .sort((a, b) => (a.route.match(/\[/g)?.length ?? 0) - (b.route.match(/\[/g)?.length ?? 0))
}

/** The notes printed for a request's route and method; for a method that it does not name, all of the route's. */
function printedFor(fixture, request) {
  const found = fixture.printed?.find(({ pattern }) => pattern.test(request.path.split('?')[0]))
  if (!found) return fixture.printed && []
  return found.notes[request.method] ?? [...new Set(Object.values(found.notes).flat())]
}

// ---------------------------------------------------------------------------------------------- Next.js

/** Installs what belongs to a version, once. */
async function install(major) {
  const dir = path.join(HERE, `v${major}`)
  if (!fs.existsSync(path.join(dir, 'node_modules/next/package.json'))) {
    console.log(`Installing Next.js ${major} …`)
    await run('npm', ['ci', '--no-audit', '--no-fund'], dir, {}, BUILD_LIMIT)
  }
  return readJson(path.join(dir, 'node_modules/next/package.json')).version
}

function run(command, args, cwd, env, limit) {
  return promisify(execFile)(command, args, {
    cwd,
    env: { ...process.env, ...env },
    timeout: limit,
    maxBuffer: 64 << 20,
  }).catch((error) => {
    const words = [command, ...args].join(' ')
    throw new Error(`${words}\nin ${cwd}\n${error.stdout ?? ''}${error.stderr ?? ''}`.trim() || error.message)
  })
}

const next = (major) => path.join(HERE, `v${major}`, 'node_modules/next/dist/bin/next')

/** What every run of Next.js gets: no colour, no telemetry, a temporary folder of its own. */
function environment(app, env) {
  const temporary = path.join(app, '.tmp')
  fs.mkdirSync(temporary, { recursive: true })
  return {
    NEXT_TELEMETRY_DISABLED: '1',
    NEXT_IGNORE_INCORRECT_LOCKFILE: '1',
    NO_COLOR: '1',
    TMPDIR: temporary,
    ...env,
  }
}

async function build(app, major, env) {
  await run(process.execPath, [next(major), 'build'], app, { ...environment(app, env), NODE_ENV: 'production' }, BUILD_LIMIT)
}

/** Starts the app on a free port of the loopback interface. It ends with `stop`, or when its time is up. */
async function start(app, major, env, command) {
  const port = await freePort()
  const child = spawn(process.execPath, [next(major), command, '-p', String(port), '-H', '127.0.0.1'], {
    cwd: app,
    env: { ...process.env, ...environment(app, env) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const limit = setTimeout(() => child.kill('SIGKILL'), SERVER_LIMIT)
  const stop = async () => {
    clearTimeout(limit)
    child.kill('SIGTERM')
    const hard = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(hard)
  }
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`next ${command} ended in ${app}\n${output}`)
    if (await accepts(port)) return { port, stop, output: () => output }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await stop()
  throw new Error(`next ${command} did not start in ${app}\n${output}`)
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

// ---------------------------------------------------------------------------------------------- requests

/**
 * Sends one request and gives status, headers and body. Nothing is followed, decoded or added, but for Host
 * and Content-Length. `saved` holds what earlier requests of the fixture have kept with `save`.
 */
function send(port, request, saved) {
  const fill = (text) => text.replace(/\{\{(\w+)\}\}/g, (_, name) => saved[name] ?? '')
  const headers = {}
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    headers[name] = Array.isArray(value) ? value.map(fill) : fill(value)
  }
  const body = request.body === undefined ? undefined : Buffer.from(fill(request.body))
  const named = Object.keys(headers).map((name) => name.toLowerCase())
  if (body && !named.includes('content-length')) headers['Content-Length'] = body.length

  return new Promise((resolve) => {
    const options = {
      host: '127.0.0.1',
      port,
      method: request.method,
      path: fill(request.path),
      headers,
      agent: false,
      timeout: request.limit ?? REQUEST_LIMIT,
    }
    const outgoing = http.request(options, (answer) => {
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('end', () => resolve(readAnswer(answer, Buffer.concat(chunks), request, saved)))
      answer.on('error', (error) => resolve({ failure: `cut off: ${error.code}` }))
    })
    outgoing.on('timeout', () => {
      resolve({ failure: 'no answer' })
      outgoing.destroy()
    })
    outgoing.on('error', (error) => resolve({ failure: `no answer: ${error.code}` }))
    outgoing.end(body)
  })
}

function readAnswer(answer, body, request, saved) {
  const headers = {}
  for (let i = 0; i < answer.rawHeaders.length; i += 2) {
    const name = answer.rawHeaders[i].toLowerCase()
    const value = answer.rawHeaders[i + 1]
    // One line each: `Set-Cookie` twice is something else than once with a comma.
    headers[name] = name in headers ? `${headers[name]}\n${value}` : value
  }
  const whole = `${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')}\n\n${body}`
  for (const [name, pattern] of Object.entries(request.save ?? {})) {
    saved[name] = new RegExp(pattern).exec(whole)?.[1]
  }

  if (request.pick) {
    // A rendered page differs from build to build: only what the pattern takes out of it is compared.
    const picked = new RegExp(request.pick).exec(body.toString())
    return {
      status: answer.statusCode,
      statusText: answer.statusMessage,
      headers: {},
      body: Buffer.from(picked?.[1] ?? '<the pattern matches nothing>'),
    }
  }
  const mask = (text) =>
    (request.mask ?? []).reduce((t, pattern) => t.replace(new RegExp(pattern, 'g'), '<masked>'), text)
  const masked = request.mask ? Buffer.from(mask(body.toString())) : body
  // An ETag is made of the body: where a part of that is masked, the ETag says nothing but that it is there.
  if (headers.etag && !masked.equals(body)) headers.etag = '<masked>'
  return {
    status: answer.statusCode,
    statusText: answer.statusMessage,
    headers: Object.fromEntries(Object.entries(headers).map(([n, v]) => [n, mask(v)])),
    body: masked,
  }
}

/** Sends the requests of one fixture, in order, to one port or to both. */
async function exchange(fixture, ports) {
  const saved = ports.map(() => ({}))
  const answers = []
  for (const request of fixture.requests) {
    answers.push(await Promise.all(ports.map((port, side) => send(port, request, saved[side]))))
  }
  return answers
}

// ---------------------------------------------------------------------------------------------- one run

/** Builds and starts `input/` and the migrated tree of the fixtures, and gives the answers of both. */
async function runApp(label, fixtures, trees, major, options) {
  const root = path.join(HERE, `v${major}`, '.apps', `${process.pid}-${label}`)
  const env = Object.assign({}, ...fixtures.map((fixture) => fixture.env))
  const servers = []
  try {
    const sides = options['before-only'] ? ['before'] : ['before', 'after']
    for (const side of sides) {
      const app = path.join(root, side)
      fs.mkdirSync(app, { recursive: true })
      const roots = fixtures.map((fixture) => ({ fixture, root: trees.get(fixture.name)[side] }))
      if (fixtures.length === 1 && fixtures[0].solo) copyProject(app, roots[0].root, major)
      else gather(app, roots, major)
      console.log(`Next.js ${major}: ${label}, ${side}: ${options.dev ? 'starting' : 'building'} …`)
      if (!options.dev) await build(app, major, env)
      servers.push(await start(app, major, env, options.dev ? 'dev' : 'start'))
    }
    const ports = servers.map((server) => server.port)
    const results = new Map()
    const waiting = [...fixtures]
    const worker = async () => {
      for (let fixture; (fixture = waiting.shift()); ) results.set(fixture.name, await exchange(fixture, ports))
    }
    await Promise.all([worker(), worker(), worker(), worker()])
    return results
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
    if (options.keep) console.log(`kept: ${root}`)
    else fs.rmSync(root, { recursive: true, force: true })
  }
}

function printAnswer(title, answer) {
  console.log(`    ${title}`)
  if (answer.failure) return console.log(`      ${answer.failure}`)
  console.log(`      ${answer.status} ${answer.statusText}`)
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const line of value.split('\n')) console.log(`      ${name}: ${line}`)
  }
  console.log(`      ${JSON.stringify(show(answer.body))}`)
}

/** Compares the answers to one fixture's requests, prints what is not allowed, and counts. */
function judge(fixture, answers, major, writeNotes) {
  const counts = { requests: fixture.requests.length, same: 0, allowed: {}, failed: 0 }
  fixture.requests.forEach((request, index) => {
    const [before, after] = answers[index]
    const unknown = (request.notes ?? []).filter((code) => !NOTES.some((note) => note.code === code))
    const printed = printedFor(fixture, request)
    let differences = compare(request, before, after)
    if (writeNotes) {
      request.notes = fewestNotes(differences, request.notes ?? [], printed)
      differences = compare(request, before, after)
    }
    // A note that the program did not print for this route allows nothing.
    for (const difference of differences) {
      if (printed && !printed.includes(difference.allowedBy)) difference.allowedBy = undefined
    }
    const used = new Set(differences.map((difference) => difference.allowedBy).filter(Boolean))
    const stale = (request.notes ?? []).filter((code) => !used.has(code) && !unknown.includes(code))
    const bad = differences.filter((difference) => !difference.allowedBy)

    if (used.size) {
      counts.explained ??= []
      counts.explained.push({
        request: `${request.name}: ${request.method} ${request.path}`,
        sent: request.body,
        notes: [...used],
        differences: differences.map(({ what, before: b, after: a, allowedBy }) => [allowedBy, what, b, a]),
      })
    }
    for (const code of used) counts.allowed[code] = (counts.allowed[code] ?? 0) + 1
    if (bad.length === 0 && stale.length === 0 && unknown.length === 0) {
      if (used.size === 0) counts.same++
      return
    }
    counts.failed++
    console.log(`\n✗ ${fixture.name}: ${request.name} (${request.method} ${request.path}, Next.js ${major})`)
    if (printed) console.log(`    printed for this route and method: ${printed.join(', ') || 'nothing'}`)
    for (const code of unknown) console.log(`    there is no note ${code}`)
    for (const code of stale) console.log(`    the note ${code} allows nothing here: remove it`)
    for (const { what, before: b, after: a, wouldAllow = [] } of bad) {
      const help = wouldAllow.length ? `   (the note ${wouldAllow.join(' or ')} would allow it)` : ''
      console.log(`    ${what}: ${JSON.stringify(b)} → ${JSON.stringify(a)}${help}`)
    }
    if (request.body !== undefined) console.log(`    sent: ${JSON.stringify(request.body)}`)
    printAnswer('before', before)
    printAnswer('after', after)
  })
  return counts
}

/** The notes, in the order of the table, that explain every difference that a note can explain; each one is needed. */
function fewestNotes(differences, present, printed) {
  const open = new Set(differences)
  const notes = []
  const order = [...present, ...NOTES.map((note) => note.code)].filter((code) => !printed || printed.includes(code))
  if (order.length === 0) return notes
  for (;;) {
    const gain = (code) => [...open].filter((difference) => difference.wouldAllow?.includes(code)).length
    const best = order.reduce((a, b) => (gain(b) > gain(a) ? b : a))
    if (gain(best) === 0) return notes
    notes.push(best)
    for (const difference of [...open]) if (difference.wouldAllow?.includes(best)) open.delete(difference)
  }
}

function printTable(rows) {
  const width = Math.max(...rows.map((row) => row.name.length), 8)
  console.log(`\n${'fixture'.padEnd(width)}  Next  requests  same  failed  allowed by notes`)
  for (const { name, major, counts } of rows) {
    const notes = Object.entries(counts.allowed).sort().map(([code, n]) => `${code} ${n}`)
    const cells = [major.padStart(4), String(counts.requests).padStart(8), String(counts.same).padStart(4), String(counts.failed).padStart(6)]
    console.log(`${name.padEnd(width)}  ${cells.join('  ')}  ${notes.join(', ')}`)
  }
  const sum = (key) => rows.reduce((total, row) => total + row.counts[key], 0)
  console.log(`\n${sum('requests')} requests, ${sum('same')} the same, ${sum('failed')} failed`)
}

async function runFixtures(options) {
  const only = (options.only ?? []).flatMap((names) => names.split(','))
  const all = listFixtures(only)
  const rows = []
  let failed = false

  for (const major of options.next ?? VERSIONS) {
    const version = await install(major)
    const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'routelift-next-'))
    try {
      const trees = new Map()
      const fixtures = []
      const elsewhere = []
      for (const fixture of all) {
        if (!options['before-only'] && !options.bin && fixture.major !== major) {
          elsewhere.push(fixture.name)
          continue
        }
        const before = path.join(fixture.dir, 'input')
        const after = options['before-only'] ? undefined : await migratedTree(fixture, major, version, options, temporary)
        if (!options['before-only'] && !after) {
          console.log(`✗ ${fixture.name}: has no expected/`)
          failed = true
          continue
        }
        trees.set(fixture.name, { before, after })
        fixtures.push(fixture)
      }
      if (elsewhere.length) {
        console.log(`Next.js ${major}: ${elsewhere.length} fixtures are written for another version; give --bin to run them too`)
      }
      const together = fixtures.filter((fixture) => !fixture.solo)
      const groups = fixtures.filter((fixture) => fixture.solo).map((fixture) => [fixture.name, [fixture]])
      if (together.length) groups.unshift(['gathered', together])

      for (const [label, group] of groups) {
        const results = await runApp(label, group, trees, major, options)
        for (const fixture of group) {
          const answers = results.get(fixture.name)
          if (options['before-only']) {
            console.log(`\n${fixture.name} (Next.js ${major})`)
            fixture.requests.forEach((request, index) => {
              console.log(`  ${request.name}: ${request.method} ${request.path}`)
              printAnswer('', answers[index][0])
            })
            continue
          }
          const counts = judge(fixture, answers, major, options['write-notes'])
          rows.push({ name: fixture.name, major, counts })
          if (options['write-notes']) writeRequests(fixture)
        }
      }
    } finally {
      fs.rmSync(temporary, { recursive: true, force: true })
    }
  }
  if (rows.length) printTable(rows)
  if (options.report) write(options.report, `${JSON.stringify(rows, null, 2)}\n`)
  return failed || rows.some((row) => row.counts.failed > 0)
}

function writeRequests(fixture) {
  write(fixture.requestsFile, `${JSON.stringify(fixture.requests, null, 2)}\n`)
}

async function runDirectories(before, after, requests, options) {
  const name = path.basename(path.resolve(before))
  const fixture = { name, solo: true, env: {}, requests: readJson(requests), requestsFile: requests }
  if (!fixture.requests) throw new Error(`no such file: ${requests}`)
  const rows = []
  for (const major of options.next ?? ['15']) {
    const version = await install(major)
    if (options.bin) await readPrinted(fixture, path.resolve(before), version, options)
    const trees = new Map([[name, { before: path.resolve(before), after: path.resolve(after) }]])
    const results = await runApp(name, [fixture], trees, major, options)
    if (options['before-only']) {
      fixture.requests.forEach((request, index) => {
        console.log(`  ${request.name}: ${request.method} ${request.path}`)
        printAnswer('', results.get(name)[index][0])
      })
      continue
    }
    rows.push({ name, major, counts: judge(fixture, results.get(name), major, options['write-notes']) })
    if (options['write-notes']) writeRequests(fixture)
  }
  if (rows.length) printTable(rows)
  if (options.report) write(options.report, `${JSON.stringify(rows, null, 2)}\n`)
  return rows.some((row) => row.counts.failed > 0)
}

// ---------------------------------------------------------------------------------------------- files

function readJson(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined
}

function readLines(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}

function write(file, bytes) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, bytes)
}

async function main() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      next: { type: 'string', multiple: true },
      only: { type: 'string', multiple: true },
      bin: { type: 'string' },
      'bin-args': { type: 'string' },
      dir: { type: 'boolean' },
      dev: { type: 'boolean' },
      'before-only': { type: 'boolean' },
      'write-notes': { type: 'boolean' },
      report: { type: 'string' },
      keep: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (options.help) return void console.log(HELP)
  const strange = (options.next ?? []).filter((major) => !VERSIONS.includes(major))
  if (strange.length || positionals.length !== (options.dir ? 3 : 0) || (options['bin-args'] && !options.bin)) {
    console.error(HELP)
    process.exitCode = 2
    return
  }
  const failed = options.dir ? await runDirectories(...positionals, options) : await runFixtures(options)
  process.exitCode = failed ? 1 : 0
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 2
})
