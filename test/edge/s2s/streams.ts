import type { StreamView } from '../../../src/edge/s2s/view.ts'

/** A stream as the gateway tells of it. */
export const stream = (parts: Partial<StreamView> = {}): StreamView => ({
  id: '1',
  peer: 'xmpp.example',
  own: ['sip.example'],
  direction: 'in',
  bidi: false,
  address: '192.0.2.1:5269',
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  auth: 'certificate',
  state: 'open',
  ageSeconds: 65,
  idleSeconds: 5,
  stanzasIn: 3,
  stanzasOut: 4,
  bytesIn: 500,
  bytesOut: 600,
  streamManagement: false,
  lastError: undefined,
  ...parts,
})
