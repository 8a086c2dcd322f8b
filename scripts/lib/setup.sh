# shellcheck shell=bash
# What the scripts need from the system: Node.js, the npm packages of the lock file, Debian or Ubuntu packages.
# Sourced by scripts/test and scripts/demo. The caller sets ASSUME_YES=1 for --yes.

readonly NODE_MINIMUM=20.19
readonly POLICY=/usr/sbin/policy-rc.d

say() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }
note() { printf '   %s\n' "$*" >&2; }
die() {
  printf '\n%s\n' "$*" >&2
  exit 1
}

# A missing or old Node.js is left to the reader: distributions and version managers differ too much.
need_node() {
  local found=''
  if command -v node >/dev/null; then found=$(node --version); fi
  if [ -z "$found" ] || ! at_least "${found#v}" "$NODE_MINIMUM"; then
    die "Dragoman needs Node.js $NODE_MINIMUM or later; found: ${found:-none}.
Debian 13: apt-get install nodejs npm. Debian 12 and Ubuntu 24.04: see https://nodejs.org/en/download"
  fi
  command -v npm >/dev/null || die "npm is missing: it comes with Node.js, or on Debian with: apt-get install npm"
}

at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# need_setup COMMAND:PACKAGE...: lists what is missing, asks, installs.
# A package without a command of its own, such as modules, is asked of the package manager: its command is "-".
is_there() {
  if [ "$1" = - ]; then dpkg-query -W -f='${Status}' "$2" 2>/dev/null | grep -q '^install ok installed'
  else command -v "$1" >/dev/null; fi
}

need_setup() {
  need_node
  PATH=$PATH:/usr/sbin # where Debian puts ejabberdctl, and where a plain user's PATH does not look
  local -a packages=()
  local pair
  for pair in "$@"; do
    is_there "${pair%%:*}" "${pair##*:}" || packages+=("${pair##*:}")
  done
  local npm=0
  npm_is_current || npm=1

  if [ ${#packages[@]} -eq 0 ] && [ "$npm" -eq 0 ]; then
    note "everything that is needed is installed"
    return
  fi
  say "to be installed"
  [ ${#packages[@]} -eq 0 ] || note "through apt:  ${packages[*]}"
  [ "$npm" -eq 0 ] || note "through npm:  the packages of package-lock.json, into node_modules/"
  if [ ${#packages[@]} -gt 0 ]; then can_install "${packages[@]}"; fi
  confirm
  if [ ${#packages[@]} -gt 0 ]; then install_packages "${packages[@]}"; fi
  if [ "$npm" -eq 1 ]; then
    say "npm ci"
    npm ci --include=dev --no-audit --no-fund
  fi
}

# npm writes node_modules/.package-lock.json at the end of an installation.
npm_is_current() { [ node_modules/.package-lock.json -nt package-lock.json ]; }

can_install() {
  local line="apt-get install --no-install-recommends -y $*"
  command -v apt-get >/dev/null || die "This system has no apt-get. Please install by its own means: $*"
  [ "$(id -u)" -eq 0 ] && return
  note "installing packages takes root; please run:"
  printf '\n  sudo %s\n' "$line" >&2
  local package
  for package in "$@"; do
    case "$package" in prosody | ejabberd | postgresql | kamailio)
      note ""
      note "and, unless you want Debian's own $package service to run:"
      printf '\n  sudo systemctl disable --now %s\n' "$package" >&2
      ;;
    esac
  done
  die "Then run this script again."
}

confirm() {
  [ "${ASSUME_YES:-0}" -eq 1 ] && return
  [ -t 0 ] || die "No terminal to ask on. To agree beforehand: $0 --yes"
  local answer
  read -r -p "   Install? [y/N] " answer
  case "$answer" in [yYjJ]*) ;; *) die "Nothing was installed." ;; esac
}

# Debian starts a service as it installs it. Here the programs are wanted, not the services: policy-rc.d forbids the
# start for the time of the installation, and a service that came with it is not started at the next boot either.
# A service that was there before stays as it is.
install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  if ! known_to_apt "$@"; then
    say "apt-get update"
    apt-get update
  fi
  say "apt-get install $*"
  trap allow_services EXIT
  forbid_services
  local status=0
  apt_install "$@" || status=$?
  allow_services
  trap - EXIT
  [ "$status" -eq 0 ] || die "apt-get could not install: $*
(On Ubuntu these are in the component universe: add-apt-repository universe)"
  local package
  for package in "$@"; do
    case "$package" in prosody | ejabberd | postgresql | kamailio) disable_service "$package" ;; esac
  done
}

forbid_services() {
  if [ -e "$POLICY" ]; then mv "$POLICY" "$POLICY.kept"; fi
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
}

allow_services() {
  rm -f "$POLICY"
  if [ -e "$POLICY.kept" ]; then mv "$POLICY.kept" "$POLICY"; fi
}

known_to_apt() {
  local package
  for package in "$@"; do
    apt-cache show "$package" >/dev/null 2>&1 || return 1
  done
}

# Lists that are old name versions that are gone: once more with fresh ones.
apt_install() {
  local -a install=(apt-get install --no-install-recommends -y "$@")
  "${install[@]}" </dev/null && return
  say "apt-get update, then once more"
  apt-get update && "${install[@]}" </dev/null
}

disable_service() {
  if command -v systemctl >/dev/null; then
    systemctl disable "$1.service" >/dev/null 2>&1 && return
  elif command -v update-rc.d >/dev/null; then
    update-rc.d "$1" disable >/dev/null 2>&1 && return
  else
    return 0
  fi
  note "could not disable the service $1: it may start at the next boot"
}
