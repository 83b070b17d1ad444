#!/usr/bin/env bash
# The Debian packages that tests/services drives: a browser, a LaTeX, a PDF reader, a database.
# Installs what is missing where it may; where it may not, lists it and exits 2.
set -euo pipefail

declare -A NEEDED=(
  [chromium]="chromium"
  [pdflatex]="texlive-latex-base"
  [pdftotext]="poppler-utils"
)
missing=()
for command in "${!NEEDED[@]}"; do
  command -v "$command" > /dev/null || missing+=("${NEEDED[$command]}")
done
kpsewhich booktabs.sty > /dev/null 2>&1 || missing+=(texlive-latex-recommended)
compgen -G "/usr/lib/postgresql/*/bin/initdb" > /dev/null || command -v initdb > /dev/null || missing+=(postgresql)
# Where this runs as root, the database runs as nobody.
[ "$(id -u)" -ne 0 ] || command -v setpriv > /dev/null || missing+=(util-linux)

[ "${#missing[@]}" -gt 0 ] || exit 0
if [ "$(id -u)" -eq 0 ]; then
  become=()
elif sudo -n true 2> /dev/null; then
  become=(sudo -n)
else
  become=(false)
fi
install() { "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; }
log=$(mktemp)
if [ "${become[0]:-}" != false ] && command -v apt-get > /dev/null; then
  echo "installing ${missing[*]}"
  # The lists of packages may be old, or absent on a fresh machine.
  install > "$log" 2>&1 || { "${become[@]}" apt-get update -qq >> "$log" 2>&1 && install >> "$log" 2>&1; } && exit 0
  tail -n 5 "$log" >&2
fi
echo "make test-services needs these Debian packages, and couldn't install them: ${missing[*]}" >&2
echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
exit 2
