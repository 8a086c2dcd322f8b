import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FileView } from '../../../src/net/dns/file-view.ts'
import { parseHosts, parseResolvConf } from '../../../src/net/dns/system-files.ts'
import { fakeTime } from '../../kernel/fake-time.ts'
import { tempDir } from '../../support/temp.ts'

test('resolv.conf: the name servers in their order, and nothing else', () => {
  const text =
    '# comment\nsearch example\nnameserver 192.0.2.53\n  nameserver\t2001:db8::53 \nnameserver x\noptions edns0\n'
  expect(parseResolvConf(text)).toEqual([
    { address: '192.0.2.53', port: 53 },
    { address: '2001:db8::53', port: 53 },
  ])
})

test('resolv.conf without a server means the one of this machine', () => {
  expect(parseResolvConf('')).toEqual([{ address: '127.0.0.1', port: 53 }])
})

test('hosts: every name of a line, several lines for one name, comments, case', () => {
  const hosts = parseHosts(
    '127.0.0.1 localhost\n10.0.0.1\tEdge.example edge # the edge\n2001:db8::1 edge\n#10.0.0.9 edge\nfe80::1%eth0 edge\nx y\n',
  )
  expect(hosts('edge')).toEqual({ A: ['10.0.0.1'], AAAA: ['2001:db8::1'] })
  expect(hosts('edge.example')).toEqual({ A: ['10.0.0.1'], AAAA: [] })
  expect(hosts('localhost')).toEqual({ A: ['127.0.0.1'], AAAA: [] })
  expect(hosts('y')).toBeUndefined()
})

test('localhost has the loopback addresses where the file does not say otherwise (RFC 6761 §6.3)', () => {
  const hosts = parseHosts('')
  expect(hosts('localhost')).toEqual({ A: ['127.0.0.1'], AAAA: ['::1'] })
  expect(hosts('a.localhost')).toEqual({ A: ['127.0.0.1'], AAAA: ['::1'] })
  expect(hosts('notlocalhost')).toBeUndefined()
})

test('a file that changes is read again, after a moment; one that goes is empty', async () => {
  await using directory = await tempDir('dns')
  const path = join(directory.path, 'hosts')
  const time = fakeTime()
  await writeFile(path, 'one')
  const view = new FileView(path, (text) => text, time.clock)
  expect(view.value).toBe('one')
  await writeFile(path, 'other')
  expect(view.value).toBe('one')
  time.pass(5_000)
  expect(view.value).toBe('other')
  const missing = new FileView(join(directory.path, 'none'), (text) => `<${text}>`, time.clock)
  expect(missing.value).toBe('<>')
})
