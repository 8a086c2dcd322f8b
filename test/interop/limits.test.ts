import { join } from 'node:path'
import { expect, test } from 'vitest'
import { JULIET, onBed, ROMEO } from '../support/bed.ts'
import { dragoman } from '../support/dragoman.ts'
import { tempDir } from '../support/temp.ts'
import { stanzaError } from '../support/xmpp-client.ts'

test('a peer beyond its limits is told to wait, and the administrator sees what was counted', async () => {
  await using directory = await tempDir('limits')
  const socket = join(directory.path, 'admin.sock')
  const configure = (config: object): object => {
    const { federation, ...rest } = structuredClone(config) as { federation: { providers: [object] } }
    const [provider] = federation.providers
    const providers = [{ ...provider, limits: { contacts: 1, connections: 3 } }]
    return { ...rest, admin: { socket }, federation: { ...federation, providers } }
  }
  await onBed({ configure }, async ({ juliet, romeo }) => {
    const ask = async (...args: readonly string[]) => {
      const { code, stdout } = await dragoman([...args, '--socket', socket])
      return { code, stdout }
    }
    const show = ['provider', 'show', 'Example XMPP']
    expect((await ask(...show)).stdout).toMatch(/counted +nothing since the gateway started\n/)

    await juliet.message({ to: ROMEO, body: 'one' })
    await romeo.messages.next()
    const id = await juliet.message({ to: 'mercutio@sip.example', body: 'two' })
    const bounce = await juliet.nextMessage(({ attrs }) => attrs.id === id)
    expect(stanzaError(bounce)).toMatchObject({ type: 'wait', condition: 'resource-constraint' })

    const explain = (to: string) => ask('explain', '--from', JULIET, '--to', to)
    const stranger = await explain('benvolio@sip.example')
    expect(stranger).toMatchObject({ code: 3, stdout: expect.stringContaining('refused: too-many-contacts') })
    expect(stranger.stdout).toContain('counted so far: requests 2; refused 1 (1 too many users);')
    expect((await explain(ROMEO)).code).toBe(0)

    expect((await ask(...show)).stdout).toContain(`
  counted: requests                2
  counted: refused                 1 (1 too many users)
  counted: users in the last hour  1 of 1
  counted: connections now         0 of 3
`)
    const { figures } = JSON.parse((await ask(...show, '--json')).stdout)
    expect(figures).toEqual({
      requests: 2,
      refused: { messages: 0, contacts: 1, connections: 0 },
      contacts: 1,
      connections: 0,
    })
  })
})
