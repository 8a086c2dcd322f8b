import { join } from 'node:path'
import type { KamailioOptions } from './kamailio.ts'

export interface KamailioPlace {
  readonly directory: string
  readonly port: number
  readonly tlsPort: number
}

/** The line that says that a worker runs; and how the line of a request begins. */
export const READY = 'worker ready'
export const PASSED = 'passed\t'

const MODULES = [
  ...['kex', 'corex', 'tm', 'tmx', 'sl', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'xlog'],
  ...['usrloc', 'registrar', 'htable', 'auth'],
]

/** kamailio.cfg: registrar and proxy of one domain, with Dragoman as the way to every other. */
export function kamailioConfig(options: KamailioOptions, place: KamailioPlace): string {
  const { domain, tls, presence } = options
  const gateway = `sip:127.0.0.1:${options.gateway.port};transport=${options.gateway.transport}`
  return [
    '#!KAMAILIO',
    'debug=1',
    'log_stderror=yes',
    ...(presence === 'rules' ? ['tcp_accept_no_cl=yes'] : []),
    'children=1',
    'tcp_children=1',
    'auto_aliases=no',
    `alias=${quoted(domain)}`,
    `listen=udp:127.0.0.1:${place.port}`,
    `listen=tcp:127.0.0.1:${place.port}`,
    ...(tls
      ? [
          'enable_tls=yes',
          // RFC 5923 §5: a connection is used for requests the other way where its Via says "alias".
          'tcp_accept_aliases=yes',
          `listen=tls:127.0.0.1:${place.tlsPort}`,
          `alias=${quoted(tls.name)}`,
        ]
      : []),
    ...[
      ...MODULES,
      ...(tls ? ['tls'] : []),
      ...(presence ? ['db_text', 'presence', 'presence_xml'] : []),
      ...(presence === 'rules' ? ['xhttp', 'xcap_server'] : []),
    ].map((name) => `loadmodule "${name}.so"`),
    'modparam("usrloc", "db_mode", 0)',
    `modparam("auth", "algorithm", ${quoted(options.challenges?.algorithm ?? 'MD5')})`,
    'modparam("htable", "htable", "passwords=>size=8")',
    ...(tls ? [`modparam("tls", "config", ${quoted(join(place.directory, 'tls.cfg'))})`] : []),
    ...(presence ? presenceParameters(options, place) : []),
    'event_route[htable:mod-init] {',
    ...(options.users ?? []).map(
      ({ name, password }) => `  $sht(passwords=>${name}) = ${quoted(password ?? '')};`,
    ),
    '  return;',
    '}',
    `event_route[core:worker-one-init] { xlog("L_NOTICE", "${READY}\\n"); }`,
    ...(presence === 'rules' ? [XCAP_ROUTE] : []),
    requestRoute(options),
    recordRoute(options, place),
    routes(options, gateway),
    '',
  ].join('\n')
}

function requestRoute({ domain, challenges, presence }: KamailioOptions): string {
  const challenge = challenges
    ? `
  if ($fd != ${quoted(domain)} && !is_method("ACK")) {
    if (!pv_proxy_authenticate(${quoted(domain)}, ${quoted(challenges.password)}, "0") || $au != ${quoted(challenges.username)}) {
      proxy_challenge(${quoted(domain)}, "0");
      exit;
    }
    consume_credentials();
  }`
    : ''
  const state = presence
    ? `
  if (is_method("SUBSCRIBE") && uri == myself) {
    if (!t_newtran()) exit;
    handle_subscribe();
    exit;
  }
  if (is_method("PUBLISH") && uri == myself) {
    if (!t_newtran()) exit;
    handle_publish();
    exit;
  }`
    : ''
  return `
request_route {
  route(LOG);
  if (!mf_process_maxfwd_header("70")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  if (is_method("CANCEL")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (!is_method("ACK")) {
    if (t_precheck_trans()) {
      t_check_trans();
      exit;
    }
    t_check_trans();
  }
${challenge}
  if (has_totag()) {
    if (loose_route()) {
      # A GRUU of a user of ours: only the registrar knows where that device is (RFC 5627 §5.1).
      if (uri == myself && $(ru{uri.param,gr}) != "" && !lookup("location")) {
        sl_send_reply("480", "Temporarily Unavailable");
        exit;
      }
      route(RELAY);
    }
    if (is_method("ACK")) {
      if (t_check_trans()) t_relay();
      exit;
    }
${state}
    if (uri != myself) route(RELAY);
    sl_send_reply("404", "Not Here");
    exit;
  }
  remove_hf("Route");
  if (is_method("REGISTER")) route(REGISTER);
  if (uri != myself) route(GATEWAY);
${state}
  if ($rU == $null && is_method("OPTIONS")) {
    sl_send_reply("200", "Keepalive");
    exit;
  }
  if (!lookup("location")) {
    if ($sht(passwords=>$rU) == $null) send_reply("404", "Not Found");
    else send_reply("480", "Temporarily Unavailable");
    exit;
  }
  route(RELAY);
}`
}

/**
 * Over TLS it is known by the name in its certificate (`advertise` would want that name in DNS): of the two fields of
 * a change of transport, the topmost names the way out.
 */
function recordRoute({ tls }: KamailioOptions, { port, tlsPort }: KamailioPlace): string {
  const inside = `127.0.0.1:${port};r2=on`
  const outside = `${tls?.name}:${tlsPort};transport=tls;r2=on`
  const named = tls
    ? `
  if ($proto == "tls") {
    record_route_preset("${inside}", "${outside}");
    return;
  }
  if ($nh(P) == "tls") {
    set_advertised_address("${tls.name}");
    record_route_preset("${outside}", "${inside}");
    return;
  }`
    : ''
  return `
route[RECORD] {${named}
  record_route();
}`
}

function routes({ domain, asserts, tls }: KamailioOptions, gateway: string): string {
  const header = asserts?.slice(0, asserts.indexOf(':'))
  const assertion = asserts
    ? `
  if (!is_method("ACK|CANCEL")) {
    remove_hf(${quoted(header ?? '')});
    if ($fd == ${quoted(domain)}) append_hf("${escaped(asserts)}\\r\\n");
  }`
    : ''
  const certificate = tls
    ? `
  if ($proto == "tls") {
    $var(name) = $tls_peer_subject_cn;
    $var(names) = $tls_peer_san_hostname;
  }`
    : ''
  return `
route[LOG] {
  $var(name) = "";
  $var(names) = "";
${certificate}
  xlog("L_NOTICE", "${PASSED}$rm\\t$ru\\t$fu\\t$tu\\t$ci\\t$proto\\t$sp\\t$var(name)\\t$var(names)\\n");
}

route[REGISTER] {
  if ($td != ${quoted(domain)} || $sht(passwords=>$tU) == $null) {
    sl_send_reply("404", "Not Found");
    exit;
  }
  if ($sht(passwords=>$tU) != "") {
    if (!pv_www_authenticate(${quoted(domain)}, "$sht(passwords=>$tU)", "0") || $au != $tU) {
      www_challenge(${quoted(domain)}, "0");
      exit;
    }
  }
  if (!save("location")) sl_reply_error();
  exit;
}

route[GATEWAY] {
  $du = ${quoted(gateway)};
  route(RELAY);
}

route[RELAY] {
  # There is no DNS here: what goes to a name goes to Dragoman.
  if (!($nh(d) =~ "^[0-9.]+$")) $du = ${quoted(gateway)};
  if (is_method("INVITE|SUBSCRIBE|NOTIFY|REFER")) route(RECORD);
${assertion}
  if (!t_relay()) sl_reply_error();
  exit;
}`
}

function presenceParameters(
  { domain, presence }: KamailioOptions,
  { directory, port }: KamailioPlace,
): readonly string[] {
  const database = quoted(`text://${join(directory, 'presence')}`)
  return [
    `modparam("presence", "db_url", ${database})`,
    `modparam("presence_xml", "db_url", ${database})`,
    `modparam("presence", "server_address", "sip:presence.${domain}@127.0.0.1:${port}")`,
    'modparam("presence", "subs_db_mode", 0)',
    ...(presence === 'rules'
      ? [
          'modparam("presence_xml", "force_active", 0)',
          'modparam("presence_xml", "integrated_xcap_server", 1)',
          `modparam("xcap_server", "db_url", ${database})`,
          'modparam("xcap_server", "xcap_root", "/xcap-root/")',
          'modparam("xhttp", "url_match", "^/xcap-root/")',
        ]
      : ['modparam("presence_xml", "force_active", 1)']),
  ]
}

/** XCAP (RFC 4825) as far as rules need it: PUT of a whole document, which acts at once on who watches. */
const XCAP_ROUTE = `
event_route[xhttp:request] {
  $xcapuri(u=>data) = $hu;
  if ($rm != "PUT" || $xcapuri(u=>auid) != "pres-rules") {
    xhttp_reply("404", "Not Found", "", "");
    exit;
  }
  $var(who) = $xcapuri(u=>xuid);
  xcaps_put("$var(who)", "$hu", "$rb");
  pres_update_watchers("$var(who)", "presence");
  pres_refresh_watchers("$var(who)", "presence", 1);
  exit;
}`

/** tls.cfg: who connects must show a certificate of the authority, and so must who is connected to. */
export function kamailioTlsConfig(options: KamailioOptions, { directory, tlsPort }: KamailioPlace): string {
  const common = [
    'method = TLSv1.2+',
    `certificate = ${join(directory, 'certificate.pem')}`,
    `private_key = ${join(directory, 'key.pem')}`,
    `ca_list = ${join(directory, 'authorities.pem')}`,
    'verify_certificate = yes',
    'verify_depth = 5',
  ]
  return [
    `[server:127.0.0.1:${tlsPort}]`,
    ...common,
    'require_certificate = yes',
    '[server:default]',
    ...common,
    'require_certificate = yes',
    '[client:default]',
    ...common,
    'require_certificate = yes',
    ...(options.gateway.name === undefined ? [] : [`server_name = ${options.gateway.name}`]),
    '',
  ].join('\n')
}

const quoted = (text: string): string => `"${escaped(text)}"`

function escaped(text: string): string {
  return text.replace(/["\\]/g, '\\$&')
}
