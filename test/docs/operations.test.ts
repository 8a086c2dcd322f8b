import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/operations.md', root), 'utf8')

/** What is in code font in the first cell of the table under a heading. */
function namesUnder(heading: string): readonly string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? ''
  return section.split('\n').flatMap((line) => {
    const cell = /^\| (.*?) \|/.exec(line)?.[1] ?? ''
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '')
  })
}

const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
  .filter((name) =>
    /^(edge\/.*|admin\/.*|gateway|sip-side|s2s-side|xmpp-side|administration|rules|run)\.?\w*\.?ts$/.test(
      name,
    ),
  )
  .map((name) => readFileSync(new URL(`src/${name}`, root), 'utf8'))

/** The arguments of every call whose name matches, as text. */
function callsOf(name: RegExp): readonly string[] {
  return sources.flatMap((text) =>
    [...text.matchAll(new RegExp(`${name.source}\\(`, 'g'))].map((match) => {
      const start = match.index + match[0].length
      let end = start
      for (let depth = 1; depth > 0 && end < text.length; end++) {
        if (text[end] === '(') depth++
        else if (text[end] === ')') depth--
      }
      return text.slice(start, end - 1)
    }),
  )
}

const literals = (text: string): readonly string[] =>
  [...text.matchAll(/'((?:[^'\\\n]|\\.)*)'|`([^`]*)`/g)].map(([, plain, template]) => plain ?? template ?? '')

/** The last argument: what follows the fields. */
const messageOf = (call: string): string => call.slice(Math.max(call.lastIndexOf('}'), call.indexOf(',')))

test('every log line is explained, and none that is not there', () => {
  const calls = callsOf(/(?:\blog\.(?:trace|debug|info|warn|error|fatal)|this\.#take|\bpeers\.warn)/)
  const inCode = new Set(calls.flatMap((call) => literals(messageOf(call))))
  expect(calls.length).toBeGreaterThan(20)
  expect([...inCode].sort()).toEqual(
    [...new Set(namesUnder('The log'))].filter((name) => name !== 'msg').sort(),
  )
})

test('every counter is explained', () => {
  const explained = namesUnder('Counters').map((name) => name.replace(/[A-Z]{2,}$/, ''))
  const names = callsOf(/\bcounters\.add/)
    .flatMap(literals)
    .map((name) => name.replace(/^\$\{(arrival\.)?kind\}/, 'message').replace(/\$\{.*$/, ''))
    .filter((name) => name === 'fault' || name.includes('.'))
  expect(names.length).toBeGreaterThan(12)
  // Of a name that ends with a value, the values are listed one by one or stand as one word in capitals.
  const isExplained = (name: string): boolean =>
    explained.some((each) => each === name || (name.endsWith('.') && each.startsWith(name)))
  expect(names.filter((name) => !isExplained(name))).toEqual([])
})
