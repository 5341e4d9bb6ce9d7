#!/usr/bin/env bash
# Makes .venv from the locked requirements and sees to the system packages that napari needs.
# Safe to run again: what is there already is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
venv=.venv
lock=requirements.lock

say() { printf '%s\n' "herntrack: $*" >&2; }

"$python" - <<'PY' || { say "Python 3.11 or newer is needed (set PYTHON to its path)"; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
PY

# Debian's Python comes without venv; napari needs OpenGL and X libraries, its tests a display.
packages=(
  libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4
  libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0
  libxcb-xinerama0 libxcb-xkb1 libx11-xcb1 xvfb xauth libgl1-mesa-dri
)
"$python" -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)

missing=()
if command -v dpkg-query >/dev/null; then
  for package in "${packages[@]}"; do
    # libglib2.0-0 is called libglib2.0-0t64 from Debian 13 and Ubuntu 24.04 on; asking for the one that
    # is not known fails, which says nothing about the other.
    state=$(dpkg-query -W -f='${Status}\n' "$package" "${package}t64" 2>/dev/null || true)
    [[ $state == *'install ok installed'* ]] || missing+=("$package")
  done
fi
if ((${#missing[@]})); then
  as_root=()
  can_install=$(command -v apt-get || true)
  if [[ $(id -u) -ne 0 ]]; then
    as_root=(sudo -n)
    sudo -n true 2>/dev/null || can_install=
  fi
  install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" >/dev/null
  }
  if [[ -z $can_install ]] || ! {
    say "installing system packages: ${missing[*]}"
    { install update -q || true; } && install install -y -q --no-install-recommends "${missing[@]}"
  }; then
    say "these system packages are missing; the napari window and its tests need them:"
    say "  apt-get install ${missing[*]}"
  fi
fi

stamp="$venv/.requirements.sha256"
wanted=$(sha256sum <"$lock" | cut -d' ' -f1)
if [[ ! -x $venv/bin/python || $(cat "$stamp" 2>/dev/null) != "$wanted" ]]; then
  say "making $venv from $lock"
  [[ -x $venv/bin/python ]] || "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  printf '%s\n' "$wanted" >"$stamp"
fi
# Editable, without its dependencies (the lock has them) and without fetching a build backend (the same).
if ! "$venv/bin/python" -c 'import herntrack, napari_herntrack' 2>/dev/null || [[ ! -x $venv/bin/herntrack ]]; then
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
fi
