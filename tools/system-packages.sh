#!/bin/sh
# Make sure that Debian packages are there, given as NAME=TEST pairs: where the shell test TEST fails, package
# NAME is installed if this user may (root or passwordless sudo). Otherwise one line says what to install.
set -u
missing=""
for pair in "$@"; do
    sh -c "${pair#*=}" >/dev/null 2>&1 || missing="$missing ${pair%%=*}"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "memductance needs$missing (Debian names): install them with this system's package manager, then run make again" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    sudo=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true >/dev/null 2>&1; then
    sudo="sudo -n"
else
    echo "memductance needs$missing: run 'sudo apt-get install$missing', then run make again" >&2
    exit 1
fi
echo "installing$missing from the system's packages"
# A fresh machine has no package lists yet; an old list may name files that are gone.
$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq $missing >/dev/null || {
    echo "could not install$missing: run 'apt-get install$missing' by hand to see why" >&2
    exit 1
}
