import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config/read.ts'

const shipped = readFileSync(new URL('../../gateway.config.yaml', import.meta.url), 'utf8')
const env = { DRAGOMAN_PROSODY_SECRET: 'swordfish' }

test('whatever is done to the file, it is read or refused with places inside it, and nothing is thrown', () => {
  const scraps = [
    '\t',
    '- ',
    ': ',
    '{',
    '}',
    '[',
    '&a ',
    '*a',
    '!!js ',
    '"',
    '\n',
    '---\n',
    '? ',
    '0',
    'ß',
    '\0',
    '<<: ',
    '__proto__: ',
  ]
  let refused = 0
  fc.assert(
    fc.property(fc.nat(shipped.length - 1), fc.nat(20), fc.constantFrom('', ...scraps), (at, cut, scrap) => {
      const text = shipped.slice(0, at) + scrap + shipped.slice(at + cut)
      const result = readConfig(text, 'gateway.config.yaml', env)
      if (result.ok) return
      refused++
      const lines = text.split('\n').length
      expect(result.error.length).toBeGreaterThan(0)
      for (const { line, column, message, cure } of result.error) {
        expect(line).toBeGreaterThan(0)
        expect(line).toBeLessThanOrEqual(lines)
        expect(column).toBeGreaterThan(0)
        expect(message).not.toBe('')
        expect(cure).not.toBe('')
      }
    }),
    { numRuns: 300 },
  )
  expect(refused).toBeGreaterThan(0)
})

test('a file of 2,000 providers is read', () => {
  const names = Array.from({ length: 2000 }, (_, i) => `im.partner${i}.example`)
  const text = shipped
    .replace('remote: [xmpp.example]', `remote: [xmpp.example, ${names.join(', ')}]`)
    .replace(
      '  allowedDomains: []',
      `${names.map((name) => `    - { name: ${name}, type: partner, protocol: xmpp, domains: [${name}], link: prosody }\n`).join('')}  allowedDomains: []`,
    )
  const result = readConfig(text, 'gateway.config.yaml', env)
  expect(result.ok && result.value.rows.providers.length).toBe(2001)
})
