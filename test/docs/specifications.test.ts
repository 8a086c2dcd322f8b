import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/specifications.md', root), 'utf8')

const files = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)

const named = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(/\b(RFC|XEP)[ -](\d{4})\b/g)].map(([, kind, number]) => `${kind} ${number}`))

test('every RFC and XEP that the code names is on the page', () => {
  expect(files.length).toBeGreaterThan(100)
  const inCode = named(files.map((name) => readFileSync(new URL(`src/${name}`, root), 'utf8')).join('\n'))
  const onPage = named(page)
  expect(inCode.size).toBeGreaterThan(50)
  expect([...inCode].filter((name) => !onPage.has(name)).sort()).toEqual([])
})

test('every row has a state that is explained, and files that exist', () => {
  const rows = page
    .split('\n')
    .filter((line) => /^\| (RFC|XEP|§)/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  expect(rows.length).toBeGreaterThan(50)
  for (const cells of rows) {
    expect(cells, cells[1]).toHaveLength(6)
    expect(cells[2], cells[1]).toMatch(/^(complete|partial|left out)/)
    const places = [...(cells[4] ?? '').matchAll(/`([^`]+)`/g)].map(([, place]) => place ?? '')
    expect(
      places.filter((place) => !existsSync(new URL(place, root))),
      cells[1],
    ).toEqual([])
    if (!cells[2]?.startsWith('left out')) expect(places.length, cells[1]).toBeGreaterThan(0)
  }
})
