import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { EXIT } from '../../src/cli/exit.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { CONFIG, cliBed, cliOf } from './bed.ts'

const add = (name: string, ...more: readonly string[]): string[] => [
  ...['provider', 'add', name, '--type', 'partner', '--protocol', 'xmpp', '--link', 'prosody'],
  ...['--domain', `${name.toLowerCase()}.example`, ...more],
]

test('works on the store while the gateway is down, says so, and needs no secret', async () => {
  await using bed = await cliBed()
  const added = await bed.run(...add('One', '--verification', 'contacts'))
  expect(added).toMatchObject({ code: EXIT.done, err: expect.stringContaining('no gateway answers at') })
  expect(added.out).toContain('+ provider One\n')
  expect(added.out).toContain('    verification: contacts\n')
  expect(added.out).toContain(
    '1 change in the store: a gateway that runs acts on it within a second, another when it starts\n',
  )
  const list = await bed.run('provider', 'list', '--owner', 'store')
  expect(list.out).toBe(
    'NAME  OWNER  TYPE     PROTOCOL  ENABLED  LEVEL     LINK     DOMAINS\n' +
      'One   store  partner  xmpp      yes      contacts  prosody  one.example\n',
  )
})

test('what changed is told field by field; audit keeps it', async () => {
  await using bed = await cliBed()
  await bed.run(...add('One'))
  const set = await bed.run(
    ...[
      'provider',
      'set',
      'one',
      '--verification',
      'all',
      '--add-domain',
      'x.example,"*.x.example"'.replaceAll('"', ''),
    ],
    ...['--keep-alive', '90s', '--messages-per-second', '5', '--as', 'bob'],
  )
  expect(set.out).toBe(`~ provider One
    verification: verified → all
    domains: one.example → one.example, x.example, *.x.example
    negotiation.keepAlive: 5m → 90s
    limits.messagesPerSecond: none → 5
1 change in the store: a gateway that runs acts on it within a second, another when it starts
`)
  await bed.run('provider', 'set', 'One', '--unset', 'limits', '--drop-domain', 'x.example')
  const audit = await bed.run('audit', '--by', 'bob')
  expect(audit.out).toMatch(
    /^ID {2}TIME \(UTC\) +WHO +DID +WHAT +NAME +CHANGE\n2 +\S+ \S+ +"bob" +set +provider +One +verification: verified → all;/,
  )
  const last = JSON.parse((await bed.run('audit', '--limit', '1', '--json')).out)
  expect(last).toMatchObject({ rows: [{ id: 3, actor: { name: 'alice', claimed: true } }], next: 3 })
})

test.for([
  [EXIT.refused, ['provider', 'enable', 'One'], 'is enabled already'],
  [EXIT.done, ['provider', 'enable', 'One', '--idempotent'], ''],
  [EXIT.notFound, ['provider', 'enable', 'Onne'], 'did you mean One?'],
  [EXIT.refused, ['home', 'remove', 'main'], 'belongs to'],
  [EXIT.refused, ['home', 'disable', 'main'], 'dragoman home suspend main'],
  [EXIT.refused, add('One2', '--domain', 'one.example'), 'to provider "One"'],
  [EXIT.usage, add('Two', '--domain', 'no domain'), 'is not a domain name'],
  [EXIT.usage, ['provider', 'set', 'One', '--verification', 'most'], 'Allowed choices are'],
  [EXIT.usage, ['provider', 'set', 'One', '--dialback', 'perhaps'], 'Write on or off'],
  [EXIT.usage, ['provider', 'set', 'One', '--unset', 'limits.contact'], 'Did you mean limits.contacts?'],
  [EXIT.refused, ['federation', 'enable'], 'the federation is enabled already, by default'],
  [EXIT.done, ['federation', 'enable', '--idempotent'], ''],
  [EXIT.usage, ['provider', 'shw', 'One'], 'Did you mean show?'],
  [EXIT.usage, ['provider'], 'Usage:'],
  [EXIT.usage, ['domain', 'add', 'x.example'], '--kind'],
  [EXIT.usage, ['audit', '--since', 'yesterday'], 'Write 30m, 2h, 7d'],
  [
    EXIT.usage,
    ['explain', '--from', 'juliet', '--to', 'romeo@sip.example'],
    '--from: "juliet" is not an address',
  ],
  [EXIT.refused, ['explain', '--from', 'a@b.example', '--to', 'romeo@sip.example'], ''],
  [EXIT.failed, ['status', '--config', '/nonexistent.yaml'], 'cannot be read: ENOENT'],
  [EXIT.failed, ['status', '--socket', '/nonexistent.sock'], 'no gateway listens at /nonexistent.sock'],
  [EXIT.usage, ['apply', '/nonexistent.yaml'], 'cannot be read: ENOENT'],
  [EXIT.done, ['--version'], ''],
] as const)('ends with %i: %j', async ([code, args, text]) => {
  await using bed = await cliBed()
  await bed.run(...add('One'))
  const ended = await bed.run(...args)
  expect(ended).toMatchObject({ code, err: expect.stringContaining(text) })
})

test('a problem is JSON for scripts', async () => {
  await using bed = await cliBed()
  const { code, out, err } = await bed.run('provider', 'show', 'No', '--json')
  expect([code, out]).toEqual([EXIT.notFound, ''])
  expect(JSON.parse(err)).toMatchObject({
    problem: { code: 'not-found' },
    notices: [expect.stringContaining('no gateway answers at')],
  })
  expect((await bed.run('provider', 'list', '--json')).err).toBe('')
})

test('every object is added, shown, suspended, resumed and removed', async () => {
  await using bed = await cliBed()
  const rows = [
    ['home', 'pbx', '--next-hop', 'sip:10.0.0.1;transport=tcp'],
    [
      'link',
      'gw',
      '--host',
      '10.0.0.2',
      '--domain',
      'gw.example',
      '--secret-env',
      'GW',
      '--remote',
      'a.example',
      '--addressing',
      'escaped',
    ],
    ['domain', 'two.example', '--kind', 'served', '--home', 'pbx', '--link', 'gw', '--users', 'listed'],
    ['policy', 'staff', '--federation', 'on'],
    ['user', 'romeo@two.example', '--policy', 'staff', '--contacts-only', 'on'],
    ['domain', 'friend.example', '--kind', 'allowed', '--comment', 'since May'],
    [
      'provider',
      'Three',
      '--type',
      'public',
      '--protocol',
      'sip',
      '--domain',
      'three.example',
      '--access-edge',
      'edge.three.example',
    ],
  ] as const
  for (const [object, name, ...options] of rows) {
    expect(await bed.run(object, 'add', name, ...options), `${object} ${name}`).toMatchObject({
      code: EXIT.done,
    })
    expect((await bed.run(object, 'show', name)).out).toContain('owner')
    expect((await bed.run(object, 'list')).out).toContain(name)
    expect(await bed.run(object, 'suspend', name, '--reason', 'trial')).toMatchObject({ code: EXIT.done })
    expect((await bed.run(object, 'show', name)).out).toMatch(/suspended +by alice, .*: trial/)
    expect(await bed.run(object, 'resume', name)).toMatchObject({ code: EXIT.done })
  }
  for (const [object, name] of rows.toReversed()) {
    expect(await bed.run(object, 'remove', name), `${object} ${name}`).toMatchObject({ code: EXIT.done })
  }
})

test('a partner from server to server: a link, a fixed host and how it proves itself', async () => {
  await using bed = await cliBed()
  const done = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await bed.run(...args)
    expect(code, err).toBe(EXIT.done)
    return out
  }
  expect(await done('link', 'add', 'outside', '--kind', 's2s')).toContain('    kind: s2s\n')
  await done('domain', 'add', 'two.example', '--kind', 'served', '--home', 'main', '--link', 'outside')
  const partner = [
    '--type',
    'partner',
    '--protocol',
    'xmpp',
    '--domain',
    'direct.example',
    '--link',
    'outside',
  ]
  expect(
    await done(
      ...['provider', 'add', 'Direct', ...partner],
      ...['--server', 'xmpp.direct.example:5270', '--server-tls', 'direct'],
    ),
  ).toContain('    server.host: xmpp.direct.example\n    server.port: 5270\n    server.tls: direct\n')
  expect(
    await done(
      'provider',
      'set',
      'Direct',
      '--server',
      '[2001:db8::1]',
      '--tls',
      'optional',
      '--dialback',
      'off',
    ),
  ).toContain(
    [
      '    server.host: xmpp.direct.example → 2001:db8::1',
      '    server.port: 5270 → 5269',
      '    negotiation.tls: required → optional',
      '    negotiation.dialback: yes → no',
      '',
    ].join('\n'),
  )
  await done(
    'provider',
    'set',
    'Direct',
    '--dialback-over-tls',
    'verified',
    '--sasl',
    'required',
    '--keep-alive',
    '0s',
  )
  const shown = JSON.parse(await done('provider', 'show', 'Direct', '--json'))
  expect(shown.row).toMatchObject({
    link: 'outside',
    server: { host: '2001:db8::1', port: 5269, tls: 'direct' },
    negotiation: {
      tls: 'optional',
      sasl: 'required',
      dialback: false,
      dialbackOverTls: 'verified',
      keepAlive: '0ms',
    },
  })
  const section = await done('export')
  expect(await bed.run('apply', bed.write('same.yaml', section))).toMatchObject({ code: EXIT.done })
  await done('provider', 'set', 'Direct', '--unset', 'server')
  expect(JSON.parse(await done('provider', 'show', 'Direct', '--json')).row.server).toBeUndefined()
})

test.for([
  ['xmpp.direct.example:70000', EXIT.usage, '70000 is too large'],
  ['xmpp.direct.example:', EXIT.usage, 'Write HOST or HOST:PORT.'],
  ['[2001:db8::1', EXIT.usage, 'Write HOST or HOST:PORT.'],
  ['no host', EXIT.usage, 'is neither a host name nor an IP address'],
  ['xmpp.direct.example', EXIT.refused, 'link "prosody", which carries it, is a component'],
] as const)('a fixed host of "%s" ends with %i', async ([server, code, text]) => {
  await using bed = await cliBed()
  expect(await bed.run(...add('One', '--server', server))).toMatchObject({
    code,
    err: expect.stringContaining(text),
  })
})

test('a contact list that goes at once is told entry by entry, and what was so already beside it', async () => {
  await using bed = await cliBed()
  const romeo = 'romeo@sip.example'
  await bed.run('contact', 'add', romeo, 'allow', 'juliet@one.example')
  const more = await bed.run('contact', 'add', romeo, 'allow', 'juliet@one.example', '@two.example')
  expect(more.out).toContain(`besides: juliet@one.example: on the Allow list of ${romeo} already\n1 change `)
  const cleared = await bed.run('contact', 'clear', romeo)
  expect(cleared.out).toContain(
    `- contacts of ${romeo}\n    allow juliet@one.example: by admin\n    allow @two.example: by admin\n`,
  )
})

test('status tells a gateway that does not answer from a conflict of file and store', async () => {
  await using bed = await cliBed()
  await bed.run(...add('One'))
  expect((await bed.run('status')).out).toContain(`no gateway answers at ${bed.directory}/admin.sock\n`)
  const name = bed.write(
    'gateway.config.yaml',
    `${CONFIG}  providers:
    - { name: One, type: partner, protocol: xmpp, domains: [one.example], link: prosody }
`,
  )
  expect(name).toContain(bed.directory)
  const broken = await bed.run('status')
  expect(broken.code).toBe(EXIT.refused)
  expect(broken.out).toContain('no gateway starts so, and one that runs keeps what was in force:\n')
  expect(broken.out).toContain('dragoman provider remove One')
})

test('settings, and everything at once', async () => {
  await using bed = await cliBed()
  expect(await bed.run('setting', 'set', 'learning.lifetime', '720h')).toMatchObject({ code: EXIT.done })
  expect(await bed.run('setting', 'set', 'openDiscovery.limits.contacts', '12')).toMatchObject({
    code: EXIT.done,
  })
  expect((await bed.run('setting', 'list')).out).toMatch(/learning\.lifetime +store +720h\n/)
  expect(await bed.run('setting', 'unset', 'learning.lifetime')).toMatchObject({ code: EXIT.done })
  expect(await bed.run('federation', 'disable')).toMatchObject({ code: EXIT.done })
  expect(await bed.run('federation', 'suspend', '--reason', 'flood')).toMatchObject({ code: EXIT.done })
  expect((await bed.run('federation', 'show')).out).toMatch(
    /^the federation is suspended by alice since .*: flood\n\nSETTING/,
  )
  expect((await bed.run('status')).out).toMatch(/suspended +all of it, by alice/)
})

test('apply shows the difference before it is made; export gives it back', async () => {
  await using bed = await cliBed()
  await bed.run(...add('One'))
  await bed.run('contact', 'add', 'romeo@sip.example', 'allow', 'juliet@one.example', '@one.example')
  const { out } = await bed.run('export')
  const file = bed.write('rows.yaml', out.replace('verification: verified', 'verification: all'))
  const dry = await bed.run('apply', file, '--dry-run')
  expect(dry.out).toBe(
    '~ provider One\n    verification: verified → all\n1 change, none of them made (dry run)\n',
  )
  expect((await bed.run('apply', file)).code).toBe(EXIT.done)
  expect((await bed.run('apply', file)).out).toBe('nothing to do: everything is so already\n')
  expect((await bed.run('contact', 'list', 'romeo@sip.example')).out).toContain(
    'allow  juliet@one.example  admin  store\n',
  )
  const wrong = bed.write('wrong.yaml', 'federation:\n  providers:\n    - { name: A, typ: partner }\n')
  expect(await bed.run('apply', wrong)).toMatchObject({
    code: EXIT.usage,
    err: expect.stringContaining(
      'wrong.yaml:3:18: federation.providers[0].typ: unknown key (did you mean type?',
    ),
  })
  const whole = bed.write('whole.yaml', 'log: { level: info }\nfederation: {}\n')
  expect((await bed.run('apply', whole)).err).toContain(
    'whole.yaml:1:1: log: does not belong into the store (remove it',
  )
})

test('without a store commands read the file, and changes say what to add to it', async () => {
  await using bed = await cliBed(`federation: { homes: [{ name: main, nextHop: 'sip:127.0.0.1' }] }`)
  expect(await bed.run('home', 'list')).toMatchObject({ code: EXIT.done, err: '' })
  expect(await bed.run('home', 'suspend', 'main')).toMatchObject({
    code: EXIT.refused,
    err: expect.stringContaining('store: { sqlite: /var/lib/dragoman/federation.db }'),
  })
})

test.for([
  ['an unknown command', ['provider', 'frob', '--json'], "unknown command 'frob'"],
  ['an unknown option', ['provider', 'list', '--json', '--frob'], "unknown option '--frob'"],
  ['a missing argument', ['--json', 'provider', 'show', '--json'], "unknown option '--json'"],
] as const)('a script is told in JSON what is wrong with its command line: %s', async ([, args, message]) => {
  await using bed = await cliBed()
  const ended = await bed.run(...args)
  expect(ended).toMatchObject({ code: EXIT.usage, out: '' })
  expect(JSON.parse(ended.err)).toMatchObject({ problem: { code: 'bad-request', message } })
})

test.for(['just a sentence', '- a\n- list\n'])('apply: a file that is no section: %s', async (text) => {
  await using bed = await cliBed()
  const ended = await bed.run('apply', bed.write('rows.yaml', text))
  expect(ended.code).toBe(EXIT.usage)
  expect(ended.err).toMatch(
    /^dragoman: .*rows\.yaml:1:1: .*must be a section.*\(begin it with federation:\)\n$/,
  )
})

test('apply: a file that is too large says how to go on', async () => {
  await using bed = await cliBed()
  const ended = await bed.run('apply', bed.write('rows.yaml', `# ${'x'.repeat(17 * 1024 * 1024)}\n`))
  expect(ended.code).toBe(EXIT.usage)
  expect(ended.err).toContain('larger than 16 MiB (apply it in parts')
})

test.for(['not a database at all, but long enough to be looked at', ''])(
  'a store that is no database: "%s"',
  async (text) => {
    await using bed = await cliBed()
    bed.write('federation.db', text)
    const ended = await bed.run('provider', 'list')
    expect(ended.code).toBe(text === '' ? EXIT.done : EXIT.failed)
    if (text !== '') expect(ended.err).toMatch(/^dragoman: SQLite .*federation\.db .*\n {2}\S/)
  },
)

/** Every command that a person is shown, as it is written. */
function paths(command: Command, path: string): [string, Command][] {
  const shown = command.commands.filter((each) => !(each as Command & { _hidden?: boolean })._hidden)
  return shown.flatMap((each): [string, Command][] => {
    const own = `${path} ${each.name()}`
    return each.commands.length === 0 ? [[own, each]] : paths(each, own)
  })
}

const commands = paths(buildProgram(cliOf({ code: 0, out: '', err: '' }, {})), 'dragoman')

test('there is a command for every verb of every object', () => {
  const names = commands.map(([path]) => path)
  expect(names.length).toBeGreaterThan(60)
  for (const object of ['provider', 'domain', 'policy', 'user', 'home', 'link']) {
    for (const verb of ['list', 'show', 'add', 'set', 'suspend', 'resume', 'remove']) {
      expect(names).toContain(`dragoman ${object} ${verb}`)
    }
  }
})

test.for(commands)('%s has an example in its help', async ([path, command]) => {
  let help = ''
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
  expect(help).toMatch(/\nExamples?:\n {2}dragoman /)
  expect(help.slice(help.indexOf('Example'))).toContain(path)
})

test('docs/cli.md shows every command, and none that is not there', () => {
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  const missing = commands.map(([path]) => path).filter((path) => !new RegExp(`${path}\\b`).test(page))
  expect(missing).toEqual([])
  const tree = new Set(commands.map(([path]) => path))
  const shown = [...page.matchAll(/^\s*(?:\$ )?(dragoman [a-z]+(?: [a-z]+)?)/gm)].map(
    ([, path]) => path ?? '',
  )
  expect(shown.length).toBeGreaterThan(40)
  const strange = shown.filter((path) => !tree.has(path) && !tree.has(path.split(' ').slice(0, 2).join(' ')))
  expect(strange).toEqual([])
})

test('docs/cli.md has a row for every exit code', () => {
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  for (const code of Object.values(EXIT)) expect(page).toContain(`| ${code} |`)
})
