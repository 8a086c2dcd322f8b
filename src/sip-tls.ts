import type { Config } from './config/config.ts'
import { Credentials } from './net/tls/credentials.ts'
import type { ListenerOptions } from './sip/transport/place.ts'

/** The certificates of the SIP side as the configuration names them, and the listeners that show them. */
export class SipTls {
  readonly #credentials: Credentials | undefined

  constructor(config: Config) {
    const { tlsMaterial } = config
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

  /** Handshakes from now on use what the files hold now. */
  reload({ tlsMaterial }: Config): void {
    if (tlsMaterial !== undefined) this.#credentials?.replace(tlsMaterial)
  }
}
