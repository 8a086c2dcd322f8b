import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { explain, requestFrom } from '../../src/admin/explain.ts'
import { textOfExplanation } from '../../src/cli/explain.ts'
import { readConfig } from '../../src/config/read.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
const pages = [
  'README.md',
  'CHANGELOG.md',
  ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
]
const readme = read('README.md')

const block = (text: string, mark: string): string =>
  new RegExp(`\`\`\`\\w+ ${mark}\\n(.*?)\`\`\``, 's').exec(text)?.[1] ?? ''

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const anchorsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''))

test.for(pages)('%s: every link leads somewhere', (page) => {
  const text = read(page)
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '')
  const broken = links.filter((link) => {
    if (/^https:/.test(link)) return false
    const [path = '', anchor] = link.split('#')
    const file = path === '' ? page : join(dirname(page), path)
    if (!existsSync(join(ROOT, file))) return true
    return anchor !== undefined && !anchorsOf(read(file)).includes(anchor)
  })
  expect(broken).toEqual([])
})

test('the configuration of the README is valid, and explain says what it shows', () => {
  const config = readConfig(block(readme, 'config=readme'), 'gateway.config.yaml', {
    DRAGOMAN_PROSODY_SECRET: 'a long random text',
  })
  if (!config.ok) throw new Error(JSON.stringify(config.error))
  const request = requestFrom({ from: 'nurse@xmpp.example', to: 'romeo@sip.example', kind: 'message' })
  if (!request.ok) throw new Error(request.error.message)
  expect(textOfExplanation(explain(config.value.federation, request.value, { now: Date.now() }))).toBe(
    block(readme, 'explain=readme'),
  )
})

test('the README names the packages that the scripts install', () => {
  for (const script of ['scripts/demo', 'scripts/test']) {
    const needed = /^need_setup (.+)$/m.exec(read(script))?.[1]?.split(' ') ?? []
    expect(needed.length, script).toBeGreaterThan(0)
    for (const pair of needed) expect(readme).toContain(`\`${pair.split(':')[1]}\``)
  }
})

test('every dependency has its reason', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
  const reasons = read('docs/dependencies.md')
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
  const missing = names.filter((name) => !name.startsWith('@types/') && !reasons.includes(`\`${name}\``))
  expect(missing).toEqual([])
})

test('the page of architecture has a row for every room', () => {
  const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const page = read('docs/architecture.md')
  expect(rooms.map(({ name }) => name).filter((name) => !page.includes(`\`src/${name}\``))).toEqual([])
})
