import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type S2sSettings, writeS2sFiles } from './s2s-settings.ts'

export interface S2sPorts {
  readonly s2s: number
  readonly direct: number
}

/** What Prosody's configuration says about S2S. */
export interface ProsodyS2s {
  readonly modules: readonly string[]
  readonly lines: readonly string[]
}

/** @param directory of this Prosody; files are written below it */
export async function prosodyS2s(
  directory: string,
  domain: string,
  settings: S2sSettings,
  ports: S2sPorts,
): Promise<ProsodyS2s> {
  const { dns, secure = 'certificate', directTls = false, bidi = false } = settings
  const files = await writeS2sFiles(directory, domain, settings)
  // SSL_CTX_load_verify_locations would believe the system's roots besides ours.
  await mkdir(join(directory, 'no-roots'), { recursive: true })
  await mkdir(join(directory, 'plugins'), { recursive: true })
  await writeFile(join(directory, 'plugins', 'mod_plain_c2s.lua'), PLAIN_C2S)
  const tls = files !== undefined
  return {
    modules: ['dialback', 'smacks', 'plain_c2s', ...(tls ? ['tls'] : []), ...(bidi ? ['s2s_bidi'] : [])],
    lines: [
      `plugin_paths = { ${text(join(directory, 'plugins'))} }`,
      `s2s_ports = { ${ports.s2s} }`,
      `s2s_direct_tls_ports = { ${directTls ? ports.direct : ''} }`,
      `s2s_require_encryption = ${tls}`,
      `s2s_secure_auth = ${secure === 'certificate'}`,
      ...(tls
        ? [
            `certificates = ${text(join(directory, 'certs'))}`,
            `ssl = { cafile = ${text(files.roots)}, capath = ${text(join(directory, 'no-roots'))} }`,
          ]
        : []),
      // libunbound asks nobody on loopback unless told.
      `unbound = { resolvconf = false, hoststxt = false, forward = ${text(`${dns.address}@${dns.port}`)}, ` +
        'options = { ["do-not-query-localhost:"] = "no" } }',
    ],
  }
}

/**
 * The tests' clients would take up STARTTLS, and do not know the authority. COMPAT(@xmpp/client 0.14): it counts a stanza too many
 * (XEP-0198), and Prosody closes its stream.
 */
const PLAIN_C2S = `module:hook("stream-features", function (event)
	event.features:maptags(function (tag) if tag.name ~= "starttls" and tag.name ~= "sm" then return tag end end);
end, -1000);
`

const text = (value: string): string => JSON.stringify(value)
