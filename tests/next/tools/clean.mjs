#!/usr/bin/env node
// Says where migrated code is less clean than the code that it was made from.
//
//   node clean.mjs < pairs.json > findings.json
//
// In: `{ "pairs": [{ "name", "before", "after", "moved" }] }`. `before` and `after` are absolute paths of two
// trees, `moved` tells where a file of the first one stands in the second one (`{ "pages/api/a.ts": "app/api/a/route.ts" }`).
// Out: `{ "checked": { "eslint", "prettier" }, "findings": [{ "name", "tool", "file", "what" }], "unjudged": [...] }`.
// Files that are the same in both trees are not looked at.
//
// - ESLint runs with Next.js's presets `core-web-vitals` and `typescript`, whatever the tree configures. A finding is
//   new when its rule and message occur more often in the second tree, so moved lines do not count.
// - Prettier runs with the tree's own configuration. A file that was clean must stay clean; a new file must be clean
//   when every changed source of its pair was. Files that this does not hold to account are in `unjudged`, with the reason.
//
// Exit code 0: done, with or without findings; 2: the work could not be done, and standard error says why.

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { ESLint } from 'eslint'
import coreWebVitals from 'eslint-config-next/core-web-vitals'
import typescript from 'eslint-config-next/typescript'
import * as prettier from 'prettier'

const SOURCE = /\.(?:[cm]?js|jsx|[cm]?ts|tsx)$/
const SKIPPED = new Set(['node_modules', '.git', '.next'])
/** Lines of a diff that are shown. */
const SHOWN = 40

/** What keeps the work from being done. */
class Unable extends Error {}

// ------------------------------------------------------------------------------------------------- trees

/** The files below a directory, by path. */
function readTree(root) {
  if (!path.isAbsolute(root)) throw new Unable(`${root}: is not an absolute path`)
  const tree = new Map()
  const walk = (dir) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const full = path.join(dir, entry.name)
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) walk(full)
      else if (entry.isFile()) tree.set(path.relative(root, full).split(path.sep).join('/'), fs.readFileSync(full))
    }
  }
  walk(root)
  if (tree.size === 0) throw new Unable(`${root}: holds no files`)
  return tree
}

/** The files of a tree that the other one does not have in the same way. */
function changed(tree, other) {
  return [...tree.keys()].filter((file) => !other.get(file)?.equals(tree.get(file))).sort()
}

// ------------------------------------------------------------------------------------------------ ESLint

/** What ESLint finds in files of a tree: `{ file, line, what }`. */
async function lint(root, tree, files) {
  const eslint = new ESLint({
    cwd: root,
    overrideConfigFile: true,
    overrideConfig: [
      ...coreWebVitals,
      ...typescript,
      // There is no React beside the trees whose version could be detected.
      { settings: { react: { version: '19.2' }, next: { rootDir: root } } },
    ],
  })
  const found = []
  for (const file of files) {
    const filePath = path.join(root, file)
    if ((await eslint.isPathIgnored(filePath)) || !(await eslint.calculateConfigForFile(filePath))) {
      throw new Unable(`ESLint ignores ${filePath}`)
    }
    for (const result of await eslint.lintText(tree.get(file).toString(), { filePath })) {
      for (const message of result.messages) {
        // The React Compiler's rules go on with a piece of the file.
        const [what] = message.message.split('\n')
        found.push({ file, line: message.line, what: `${message.ruleId ?? 'error'}: ${what}` })
      }
    }
  }
  return found
}

/** The findings of the second list that the first one has not as often. */
function added(before, after) {
  const count = new Map()
  for (const { what } of before) count.set(what, (count.get(what) ?? 0) + 1)
  return after.filter(({ what }) => {
    const left = count.get(what) ?? 0
    count.set(what, left - 1)
    return left <= 0
  })
}

// ---------------------------------------------------------------------------------------------- Prettier

/** Whether Prettier knows the kind of file; nothing else is formatted. */
async function isFormatted(file) {
  return (await prettier.getFileInfo(file)).inferredParser !== null
}

/** The file as Prettier writes it with the tree's configuration, or null when it cannot read it. */
async function format(root, tree, file) {
  const full = path.join(root, file)
  const ignored = await prettier.getFileInfo(full, { ignorePath: path.join(root, '.prettierignore') })
  if (ignored.ignored) throw new Unable(`.prettierignore names ${full}`)
  const config = await prettier.resolveConfigFile(full)
  if (config && path.relative(root, config).startsWith('..')) {
    throw new Unable(`${config}: stands above ${root}, and would format what is in it`)
  }
  let options
  try {
    options = (await prettier.resolveConfig(full, { editorconfig: true, useCache: false })) ?? {}
  } catch (error) {
    throw new Unable(`${config ?? root}: ${error.message}`)
  }
  for (const plugin of options.plugins ?? []) {
    if (typeof plugin === 'string' && !plugin.startsWith('.') && !installed(plugin)) {
      throw new Unable(`${config}: the plugin ${plugin} is not installed here`)
    }
  }
  try {
    return await prettier.format(tree.get(file).toString(), { ...options, filepath: full })
  } catch (error) {
    if (error.name === 'SyntaxError') return null
    throw new Unable(`${full}: ${error.message}`)
  }
}

function installed(plugin) {
  try {
    import.meta.resolve(plugin)
    return true
  } catch {
    return false
  }
}

/** A small unified diff: what differs, with a line of context. */
function diff(before, after) {
  const [a, b] = [before.split('\n'), after.split('\n')]
  // length[i][j]: the longest common subsequence of a from i and b from j.
  const length = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i][j] = a[i] === b[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1])
    }
  }
  const lines = []
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i], at: i + 1 })
      i += 1
      j += 1
    } else if (i < a.length && (j === b.length || length[i + 1][j] >= length[i][j + 1])) {
      lines.push({ sign: '-', text: a[i++], at: i })
    } else {
      lines.push({ sign: '+', text: b[j++], at: i + 1 })
    }
  }
  const near = lines.map((_, at) => [at - 1, at, at + 1].some((other) => (lines[other]?.sign ?? ' ') !== ' '))
  const shown = []
  lines.forEach((line, at) => {
    if (!near[at]) return
    if (!near[at - 1]) shown.push(`@@ line ${line.at} @@`)
    shown.push(line.sign + line.text.replace('\r', '\\r'))
  })
  if (shown.length > SHOWN) shown.splice(SHOWN, shown.length, '…')
  return shown.join('\n')
}

// ------------------------------------------------------------------------------------------------- pairs

/** Compares the two trees of a pair and adds to the result. */
async function check({ name, before, after, moved = {} }, result) {
  if (!name || !before || !after) throw new Unable('a pair has a name, before and after')
  const trees = { before: readTree(before), after: readTree(after) }
  const files = { before: changed(trees.before, trees.after), after: changed(trees.after, trees.before) }
  for (const [from, to] of Object.entries(moved)) {
    if (!trees.before.has(from) || !trees.after.has(to)) throw new Unable(`${name}: ${from} did not move to ${to}`)
  }

  const sources = files.after.filter((file) => SOURCE.test(file))
  const [old, now] = [
    await lint(before, trees.before, files.before.filter((file) => SOURCE.test(file))),
    await lint(after, trees.after, sources),
  ]
  result.checked.eslint += sources.length
  for (const { file, line, what } of added(old, now)) {
    result.findings.push({ name, tool: 'eslint', file, what: `${what} (line ${line})` })
  }

  const wasClean = new Map()
  for (const file of files.before) {
    if (await isFormatted(file)) {
      wasClean.set(file, (await format(before, trees.before, file)) === trees.before.get(file).toString())
    }
  }
  const dirty = [...wasClean].filter(([file, clean]) => !clean && SOURCE.test(file)).map(([file]) => file)
  const origin = new Map(Object.entries(moved).map(([from, to]) => [to, from]))
  for (const file of files.after) {
    if (!(await isFormatted(file))) continue
    const from = origin.get(file) ?? (trees.before.has(file) ? file : null)
    const cause = from === null ? dirty[0] : wasClean.get(from) === false ? from : undefined
    if (cause !== undefined) {
      result.unjudged.push({ name, tool: 'prettier', file, why: `${cause} was not clean before` })
      continue
    }
    const text = trees.after.get(file).toString()
    const formatted = await format(after, trees.after, file)
    result.checked.prettier += 1
    if (formatted !== text) {
      const what = formatted === null ? 'does not parse' : diff(text, formatted)
      result.findings.push({ name, tool: 'prettier', file, what })
    }
  }
}

async function main() {
  // Only the result belongs on standard output, whatever a plugin prints.
  console.log = console.info = console.error
  // Plugins that a configuration names are looked for from here.
  process.chdir(path.dirname(fileURLToPath(import.meta.url)))
  let input = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) input += chunk
  const { pairs } = JSON.parse(input)
  if (!Array.isArray(pairs) || pairs.length === 0) throw new Unable('there are no pairs')
  const result = { checked: { eslint: 0, prettier: 0 }, findings: [], unjudged: [] }
  for (const pair of pairs) await check(pair, result)
  fs.writeSync(1, `${JSON.stringify(result, null, 2)}\n`)
}

main().catch((error) => {
  console.error(error instanceof Unable ? `clean.mjs: ${error.message}` : error)
  process.exitCode = 2
})
