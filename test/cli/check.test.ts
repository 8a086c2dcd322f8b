import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { jsonOfCheck, textOfCheck } from '../../src/cli/check.ts'
import { readConfig } from '../../src/config/read.ts'

const FILE = 'gateway.config.yaml'
const text = readFileSync(new URL(`../../${FILE}`, import.meta.url), 'utf8')
const check = (source: string) => readConfig(source, FILE, { DRAGOMAN_PROSODY_SECRET: 'swordfish' })

test('a valid file', () => {
  expect(textOfCheck(FILE, check(text))).toBe(
    'gateway.config.yaml: valid (2 listeners, 1 home, 1 served domain, 1 link, 1 provider)\n',
  )
  expect(
    textOfCheck(FILE, check(text.replace('enabled: true # nothing', 'enabled: false # nothing'))),
  ).toContain('federation is off, nothing will cross')
  expect(JSON.stringify(jsonOfCheck(FILE, check(text)))).not.toContain('swordfish')
  expect(textOfCheck(FILE, check(`${text}\nstore: { sqlite: federation.db }\n`))).toMatch(
    /: valid \(.*\)\nits store was not looked at/,
  )
})

test('what can stand but hardly as meant is warned of, and the file is valid', () => {
  const weak = check(
    text
      .replace('  policies: []', '  policies: [{ name: staff }]')
      .replace('      link: prosody', '      negotiation: { tls: optional }\n      link: prosody'),
  )
  const lines = textOfCheck(FILE, weak).split('\n')
  expect(lines[0]).toMatch(
    /^warning: gateway\.config\.yaml:\d+:\d+: federation\.providers\[0\]\.negotiation: .*in clear/,
  )
  expect(lines[1]).toMatch(/^warning: .*federation\.policies\[0\]: there are policies but no global one/)
  expect(lines[2]).toMatch(/: valid \(/)
  expect(jsonOfCheck(FILE, weak)).toMatchObject({ valid: true, problems: [], warnings: [{}, {}] })
})

test('problems, one a line, with place and cure', () => {
  const wrong = check(text.replace('verification: contacts # verified', 'verification: contact # verified'))
  const line = text.slice(0, text.indexOf('verification: contacts # verified')).split('\n').length
  expect(textOfCheck(FILE, wrong)).toBe(
    `gateway.config.yaml:${line}:21: federation.providers[0].verification: "contact" is not known here (one of verified, contacts, all; did you mean contacts?)\ngateway.config.yaml: 1 problem\n`,
  )
  expect(jsonOfCheck(FILE, wrong)).toMatchObject({
    valid: false,
    problems: [{ line, column: 21, path: 'federation.providers[0].verification' }],
  })
})
