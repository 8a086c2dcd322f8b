import { expect, test } from 'vitest'
import { logIn, onBed } from '../support/bed.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('the XMPP server is killed for 6 s under load: nothing that was answered 2xx is missing, order is kept', () =>
  onBed({ transport: 'tcp' }, async ({ prosody, juliet, send }) => {
    // Prosody keeps messages for someone who is not logged in on disk, so what it took survives its death.
    await juliet.close()
    const accepted: string[] = []
    const refused: number[] = []
    let loading = true
    const load = async (): Promise<void> => {
      for (let count = 0; loading; count += 1) {
        const { status } = await send(`message ${count}`)
        if (status < 300) accepted.push(`message ${count}`)
        else refused.push(status)
        await pause(5)
      }
    }
    const loaded = load()
    const more = async (count: number): Promise<void> => {
      while (accepted.length <= count) await pause(20)
    }
    await more(20)
    await prosody.kill()
    const before = accepted.length
    await pause(6000)
    const during = accepted.length
    await prosody.start()
    await prosody.line(/External component successfully authenticated/, { within: 30_000 })
    await more(during + 20)
    loading = false
    await loaded

    expect(during - before).toBeLessThanOrEqual(1)
    expect(new Set(refused)).toEqual(new Set([480]))

    await using again = await logIn(prosody)
    const last = accepted.at(-1)
    const bodies: (string | null)[] = []
    while (bodies.at(-1) !== last) bodies.push((await again.nextMessage()).getChildText('body'))
    const missing = accepted.filter((body) => !bodies.includes(body))
    expect(missing).toEqual([])
    expect(bodies.filter((body) => body !== null && accepted.includes(body))).toEqual(accepted)
  }))
