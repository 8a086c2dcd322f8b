import type { Issued } from '../../support/certificates.ts'
import type { RawPeer, Script } from './raw-server.ts'

/** How a receiving server behaves; what is not given is as most of them do. */
export interface Traits {
  /** Its header has a version, and features follow. */
  readonly version?: boolean
  /** It declares the namespace of dialback. */
  readonly db?: boolean
  readonly id?: string
  readonly starttls?: 'absent' | 'offered' | 'required'
  /** What it says to `<starttls/>`: `closes` is by a stream error. */
  readonly tls?: 'proceeds' | 'fails' | 'closes' | 'no-handshake'
  /** TLS from the first octet. */
  readonly direct?: boolean
  /** What it shows. */
  readonly shows?: Issued
  readonly external?: boolean
  readonly sasl?: 'success' | 'failure' | 'failure-and-end'
  /** Announced as a feature. */
  readonly dialback?: boolean
  readonly verdict?: 'valid' | 'invalid' | 'error' | 'silent'
  readonly bidi?: boolean
  /** XEP-0198: `failed` offers it and then does not do it. */
  readonly sm?: 'absent' | 'enabled' | 'failed'
  /** So many times it answers `<r/>`; always unless given. */
  readonly acknowledges?: number
  /** Octets behind the features of every stream. */
  readonly behind?: string
  /** Written once stanzas may go. */
  readonly greets?: string
}

const HEADER = /<stream:stream[^>]*>/
const SAYS =
  /<starttls [^>]*>|<auth [^>]*>[^<]*<\/auth>|<db:result [^>]*>[^<]*<\/db:result>|<db:verify [^>]*>[^<]*<\/db:verify>|<enable [^>]*>|<r [^>]*>|<(?:message|presence|iq)[ >]|<\/stream:stream>/
const attribute = (text: string, name: string): string =>
  new RegExp(` ${name}="([^"]*)"`).exec(text)?.[1] ?? ''

export const headerOf = ({ version = true, db = true, id = 'id-1' }: Traits, extra = ''): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'` +
  `${db ? " xmlns:db='jabber:server:dialback'" : ''} from='montague.example' to='capulet.example' id='${id}'` +
  `${version ? " version='1.0'" : ''}${extra}>`

export function featuresOf(traits: Traits, tls: boolean, authenticated: boolean): string {
  const { starttls = 'offered', external = true, dialback = true, bidi = false, sm = 'absent' } = traits
  const required = starttls === 'required' ? '<required/>' : ''
  return [
    '<stream:features>',
    !tls && starttls !== 'absent'
      ? `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>${required}</starttls>`
      : '',
    tls && external && !authenticated
      ? "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>"
      : '',
    dialback && !authenticated ? "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>" : '',
    bidi && !authenticated ? "<bidi xmlns='urn:xmpp:features:bidi'/>" : '',
    sm !== 'absent' ? "<sm xmlns='urn:xmpp:sm:3'/>" : '',
    '</stream:features>',
  ].join('')
}

/** A receiving server that does all that is asked of it, as its traits allow. */
export const politePeer =
  (traits: Traits): Script =>
  async (peer) => {
    let tls = traits.direct === true
    let authenticated = false
    if (tls) await peer.secure(traits.shows as Issued)
    const opens = async (): Promise<void> => {
      await peer.until(HEADER)
      peer.write(headerOf(traits))
      if (traits.version !== false) peer.write(featuresOf(traits, tls, authenticated))
      if (traits.behind !== undefined) peer.write(traits.behind)
      if (authenticated && traits.greets !== undefined) peer.write(traits.greets)
    }
    await opens()
    let stanzas = 0
    let answers = traits.acknowledges ?? Number.POSITIVE_INFINITY
    for (;;) {
      const [said] = await peer.until(SAYS)
      const name = /<([\w:/]+)/.exec(said)?.[1]
      switch (name) {
        case 'starttls':
          if (!(await startTls(peer, traits))) return
          tls = true
          await opens()
          break
        case 'auth':
          if (traits.sasl === undefined || traits.sasl === 'success') {
            authenticated = true
            peer.write("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
            await opens()
          } else {
            peer.write("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
            if (traits.sasl === 'failure-and-end') peer.end('</stream:stream>')
          }
          break
        case 'db:result':
          answerKey(peer, traits, said)
          break
        case 'db:verify':
          peer.write(
            `<db:verify from='${attribute(said, 'to')}' to='${attribute(said, 'from')}' id='${attribute(said, 'id')}' type='valid'/>`,
          )
          break
        case 'enable':
          peer.write(
            traits.sm === 'failed' ? "<failed xmlns='urn:xmpp:sm:3'/>" : "<enabled xmlns='urn:xmpp:sm:3'/>",
          )
          break
        case 'r':
          if (answers-- > 0) peer.write(`<a xmlns='urn:xmpp:sm:3' h='${stanzas}'/>`)
          break
        case '/stream:stream':
          peer.end('</stream:stream>')
          return
        default:
          stanzas++
      }
    }
  }

async function startTls(peer: RawPeer, { tls = 'proceeds', shows }: Traits): Promise<boolean> {
  const TLS = "xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
  if (tls === 'fails') peer.end(`<failure ${TLS}/></stream:stream>`)
  else if (tls === 'closes')
    peer.end(
      "<stream:error><unsupported-stanza-type xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
    )
  else if (tls === 'no-handshake') {
    peer.write(`<proceed ${TLS}/>`)
    await peer.until(/[\s\S]/)
    peer.end('this is no TLS')
  } else {
    peer.write(`<proceed ${TLS}/>`)
    await peer.secure(shows as Issued)
    return true
  }
  return false
}

function answerKey(peer: RawPeer, { verdict = 'valid', greets }: Traits, said: string): void {
  const addresses = `from='${attribute(said, 'to')}' to='${attribute(said, 'from')}'`
  if (verdict === 'silent') return
  if (verdict === 'error')
    peer.write(
      `<db:result ${addresses} type='error'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>`,
    )
  else peer.write(`<db:result ${addresses} type='${verdict}'/>`)
  if (verdict === 'valid' && greets !== undefined) peer.write(greets)
}
