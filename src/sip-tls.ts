import type { Config } from './config/config.ts'
import { Credentials } from './net/tls/credentials.ts'
import type { ListenerOptions } from './sip/transport/place.ts'

/** The certificates of the SIP side as the configuration names them, and the listeners that show them. */
export class SipTls {
  readonly #credentials: Credentials | undefined
  /** As they run. */
  readonly #listeners: Config['sip']['listeners']

  constructor(config: Config) {
    const { sip, tlsMaterial } = config
    this.#listeners = sip.listeners
    this.#credentials = tlsMaterial === undefined ? undefined : new Credentials(tlsMaterial)
  }

  listeners({ sip }: Config): readonly ListenerOptions[] {
    const credentials = this.#credentials
    return sip.listeners.map(({ certificates, clientCertificate, advertise, ...listener }) => ({
      ...listener,
      ...(advertise === undefined ? {} : { advertise }),
      ...(listener.transport !== 'tls' || credentials === undefined
        ? {}
        : {
            tls: {
              credentials,
              ...(certificates === undefined ? {} : { certificates }),
              demand: clientCertificate === 'required',
              sipPurposeOnly: sip.tls?.sipPurposeOnly === true,
            },
          }),
    }))
  }

  /**
   * Handshakes from now on use what the files hold now. Listeners keep the names with which they were started: where one
   * would have nothing to show any more, all stays as it was, and that listener's name is returned.
   */
  reload({ tlsMaterial }: Config): string | undefined {
    if (tlsMaterial === undefined) return undefined
    const names = new Set(tlsMaterial.certificates.map(({ name }) => name))
    const bare = this.#listeners.find(
      ({ certificates }) => certificates !== undefined && !certificates.some((name) => names.has(name)),
    )
    if (bare !== undefined) return bare.name
    this.#credentials?.replace(tlsMaterial)
    return undefined
  }
}
