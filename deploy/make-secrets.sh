#!/usr/bin/env bash
# Makes what docker-compose.yml reads as secrets, each once: what is there is kept. 生成各项密钥,已有的保持不变。
#
#   deploy/make-secrets.sh [--webhook URL] [--kafka-host NAME] [--into FOLDER]
#
# --webhook URL      where Alertmanager sends what fires 告警推送地址 (default: nowhere 默认不推送)
# --kafka-host NAME  a name or address by which platforms reach Kafka; may be given twice 平台访问 Kafka 的主机名,可重复
# --into FOLDER      default: deploy/secrets
#
# The folder is for its owner only; the files in it can be read by anyone who is let in, because a container sees a
# single file of it, as a user of its own. 目录仅所有者可进入;容器只看到其中的单个文件。
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

folder=secrets
webhook=http://127.0.0.1:9/nowhere
names=DNS:kafka,DNS:localhost,IP:127.0.0.1
while [ $# -gt 0 ]; do
    case "$1" in
        --webhook) webhook=${2:?an address}; shift 2 ;;
        --into) folder=${2:?a folder}; shift 2 ;;
        --kafka-host)
            case "${2:?a name}" in
                *[!0-9.]*) names+=",DNS:$2" ;;
                *) names+=",IP:$2" ;;
            esac
            shift 2 ;;
        *) echo "unknown: $1 未知参数 (see the top of this file)" >&2; exit 2 ;;
    esac
done
command -v openssl >/dev/null || { echo "openssl is missing 缺少 openssl" >&2; exit 1; }

umask 022
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

# A name in the folder appears with its whole content or not at all.
keep() {
    if [ -e "$1" ]; then
        echo "kept 保留  $1"
    else
        cat >".$1.part" && [ -s ".$1.part" ] && mv ".$1.part" "$1"
        echo "made 生成  $1"
    fi
}

for name in postgres-password store-password kafka-password grafana-password; do
    keep "$name" < <(openssl rand -hex 24 | tr -d '\n')
done
keep alert-webhook < <(printf %s "$webhook")

# Kafka's certificate, by an authority of its own whose key is thrown away: both are made anew together.
if [ -e kafka-ca.pem ] && [ -e kafka-server.pem ]; then
    echo "kept 保留  kafka-ca.pem kafka-server.pem"
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    elliptic=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
    openssl req -x509 "${elliptic[@]}" -keyout "$work/ca.key" -out "$work/ca.pem" -days 3650 \
        -subj "/CN=early-warning Kafka authority" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
    openssl req "${elliptic[@]}" -keyout "$work/server.key" -out "$work/server.csr" -subj "/CN=kafka" 2>/dev/null
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$names" >"$work/extensions"
    openssl x509 -req -in "$work/server.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 3650 \
        -extfile "$work/extensions" -out "$work/server.pem" 2>/dev/null
    rm -f kafka-ca.pem kafka-server.pem
    keep kafka-ca.pem <"$work/ca.pem"
    keep kafka-server.pem < <(cat "$work/server.key" "$work/server.pem" "$work/ca.pem")
fi
