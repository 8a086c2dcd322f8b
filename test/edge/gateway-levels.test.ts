import { expect, test } from 'vitest'
import { answerText, until } from '../sip/endpoint/bed.ts'
import { gatewayBed, messageText, stanzaText, statusOf } from './gateway-bed.ts'
import { conditionOf } from './support.ts'

const LISTS = {
  allow: [{ user: 'romeo@sip.example', allow: ['juliet@xmpp.example'] }],
  none: [],
  block: [{ user: 'romeo@sip.example', block: ['juliet@xmpp.example'] }],
} as const

const rows = (['verified', 'contacts', 'all'] as const).flatMap((level) =>
  (['verified', 'unverified'] as const).flatMap((mark) =>
    (['allow', 'none', 'block'] as const).map((list) => [level, mark, list] as const),
  ),
)

/** The table of `test/federation/levels.test.ts`, from the socket of one side to that of the other. */
test.for(rows)('level %s, user %s, list %s', async ([verification, vouches, list]) => {
  const at = await gatewayBed({ verification, vouches, contacts: LISTS[list] })
  const admitted =
    list === 'allow' ||
    (list === 'none' && (verification === 'all' || (verification === 'verified' && vouches === 'verified')))

  at.xmpp.send(stanzaText('may I?'))
  if (admitted) {
    const request = await at.home.next()
    expect(request).toMatch(/^MESSAGE sip:romeo@sip\.example /)
    at.home.send(answerText(request, 200), at.port)
  } else {
    await until(() => at.xmpp.messages().length > 0)
    expect(conditionOf(at.xmpp.messages()[0])).toBe('forbidden')
  }

  const disco = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
  at.xmpp.send(`<iq type='get' id='d' from='juliet@xmpp.example/x' to='romeo@sip.example'>${disco}</iq>`)
  const answer = () => at.xmpp.stanzas.find(({ name, attrs }) => name === 'iq' && attrs.id === 'd')
  await until(() => answer() !== undefined)
  expect(answer()?.attrs.type).toBe(admitted ? 'result' : 'error')

  // Out, a level is no bar; who blocks does not speak either.
  at.home.send(messageText(at.home.port, { body: 'out' }), at.port)
  expect(statusOf(await at.home.next())).toBe(list === 'block' ? 403 : 200)
})
