import { SIP_DOMAIN } from '../load/run.ts'
import { SEQUENCE, Template } from '../load/template.ts'
import { XmppServer } from '../load/xmpp-server.ts'
import { followed, follower, indexAfter, RESOURCES, watched, watcher } from './people.ts'

export interface XmppUsersEvents {
  /** The gateway has attached itself. */
  up(): void
  /** A follower sees its contact. */
  seen(follower: number): void
}

/** The users of the XMPP server: whoever is asked says yes, whoever is probed is there. */
export class XmppUsers {
  /** Stanzas that came, by type. */
  readonly came: Record<string, number> = {}
  /** The number that each device of each watched user has said last. */
  readonly said: Float64Array
  readonly #server: XmppServer
  readonly #events: XmppUsersEvents
  #next = 0

  constructor(pairs: number, events: XmppUsersEvents) {
    this.said = new Float64Array(pairs * RESOURCES.length).fill(-1)
    this.#events = events
    this.#server = new XmppServer(SIP_DOMAIN, {
      up: () => events.up(),
      message() {},
      presence: (text, from, to) => this.#came(text.slice(from, to)),
    })
  }

  listen(): Promise<number> {
    return this.#server.listen()
  }

  close(): void {
    this.#server.close()
  }

  flush(): void {
    this.#server.flush()
  }

  follow(i: number): void {
    this.#send(`<presence from='${follower(i)}' to='${followed(i)}' type='subscribe'/>`)
  }

  /** A device of a watched user says something new. */
  change(i: number, device: number): void {
    this.#say(i, device, this.#next++)
  }

  #say(i: number, device: number, number: number): void {
    this.said[i * RESOURCES.length + device] = number
    this.#server.send(
      new Template(
        `<presence from='${watched(i)}/${RESOURCES[device]}' to='${watcher(i)}'><show>${number % 2 === 0 ? 'away' : 'dnd'}</show>` +
          `<status>~~${SEQUENCE} in the garden, until the moon is up</status><priority>${5 - device}</priority>` +
          `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='m5/UHSVF4uBXoQQqGwGnFvSWMVE='/></presence>`,
      ).stamp(number),
    )
  }

  #send(stanza: string): void {
    this.#server.send(Buffer.from(stanza, 'latin1'))
  }

  #came(stanza: string): void {
    const tag = stanza.slice(0, stanza.indexOf('>') + 1)
    const type = /\stype=["']([^"']+)["']/.exec(tag)?.[1] ?? 'available'
    this.came[type] = (this.came[type] ?? 0) + 1
    const follower = indexAfter('benvolio', tag)
    if (follower >= 0) {
      if (type === 'available') this.#events.seen(follower)
      return
    }
    const i = indexAfter('juliet', tag)
    if (i < 0 || (type !== 'subscribe' && type !== 'probe')) return
    if (type === 'subscribe')
      this.#send(`<presence from='${watched(i)}' to='${watcher(i)}' type='subscribed'/>`)
    for (let device = 0; device < RESOURCES.length; device++) {
      const last = this.said[i * RESOURCES.length + device] as number
      this.#say(i, device, last < 0 ? this.#next++ : last)
    }
    this.#server.flush()
  }
}
