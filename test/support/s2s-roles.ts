import type { TlsIdentity } from './identity.ts'
import type { S2sStream } from './s2s-stream.ts'

/** How a domain was proved on a stream, as the two servers on it see it. */
export type Way = 'sasl-tls' | 'tls-dialback' | 'tcp-dialback'

export type Outcome =
  | {
      readonly kind: 'established'
      readonly way: Way
      /** The domain of the other side, as it was proved. */
      readonly peer: string
      readonly bidi: boolean
      /** Did the other side's certificate name it, and come from our authority? */
      readonly certificate: boolean
      readonly stream: S2sStream
    }
  | {
      readonly kind: 'refused'
      readonly by: 'us' | 'them'
      /** Of the stream error, SASL failure or dialback error; else a word for what happened. */
      readonly condition: string
      readonly stream: S2sStream
    }

/** What a server has, whatever the stream. */
export interface Host {
  readonly domain: string
  /** Without, there is no TLS. Its `ca` is the one authority that it believes. */
  readonly identity?: TlsIdentity
  /** Of its dialback keys. */
  readonly secret: string
  /** Asks the server that is authoritative for `originating`. */
  verify(question: KeyQuestion): Promise<Verdict>
}

export interface KeyQuestion {
  readonly receiving: string
  readonly originating: string
  readonly id: string
  readonly key: string
}

export type Verdict = 'valid' | 'invalid' | { readonly error: string }

/** What a scripted server offers on a stream that it takes, and how it behaves. */
export interface Receiving {
  /** Has its header a version, and do features follow? Yes unless told. */
  readonly version?: boolean
  /**
   * `offered` unless told, where the host has an identity. `secret`: not offered, but done. `failure`: offered, then refused.
   * Where it is `required`, everything else in clear ends the stream.
   */
  readonly starttls?: 'absent' | 'offered' | 'required' | 'secret' | 'failure'
  /** Whether it asks for a certificate in TLS; yes unless told. */
  readonly requestCert?: boolean
  /** `if-proved` unless told: to whom showed a certificate for the domain of its header. `failure`: offered, then refused. */
  readonly external?: 'absent' | 'if-proved' | 'always' | 'failure'
  /** Where it does dialback: both unless told. */
  readonly dialback?: readonly ('tls' | 'clear')[]
  /** Whether it says so in its features: `with-errors` unless told. */
  readonly dialbackFeature?: 'absent' | 'plain' | 'with-errors'
  /** What comes of a key: `ask` the authoritative server unless told. `silent`: nothing. */
  readonly verdict?: 'ask' | 'silent' | Verdict
  /** What it says as the authoritative server: `honest` unless told. */
  readonly authority?: 'honest' | 'silent' | Verdict
  readonly bidi?: boolean
  /** `silent`: it is switched on, and no stanza is ever acknowledged. */
  readonly sm?: boolean | 'silent'
}

/** How a scripted server goes about a stream that it opens. */
export interface Initiating {
  /** `from` of its header: its domain unless told. */
  readonly from?: string
  /** Has its header a version? Yes unless told. */
  readonly version?: boolean
  /** `if-offered` unless told. */
  readonly starttls?: 'if-offered' | 'always' | 'never'
  /** It goes no further without TLS. */
  readonly requiresTls?: boolean
  /** It goes no further where the other's certificate does not name its domain. */
  readonly requiresCertificate?: boolean
  /** Does it show its certificate? Yes unless told. */
  readonly showsCertificate?: boolean
  /** `if-offered` unless told. */
  readonly external?: 'if-offered' | 'always' | 'never'
  /** Whom it says it is in SASL: `from` unless told; the empty text: nobody, which is written `=`. */
  readonly authzid?: string
  /** Where it does dialback, when SASL did not do: both unless told. */
  readonly dialback?: readonly ('tls' | 'clear')[]
  /** Domain for which the key is: `from` unless told. */
  readonly keyFrom?: string
  /** Instead of the right key. */
  readonly key?: string
  /** Asks for it where it is offered. */
  readonly bidi?: boolean
}
