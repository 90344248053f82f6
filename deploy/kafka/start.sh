#!/bin/sh
# Formats the broker's storage on its first start, with the services' user in it, and starts it. 首次启动时格式化存储。
set -eu

kafka=${KAFKA_HOME:-/opt/kafka}
source=${SERVER_PROPERTIES:-/etc/early-warning/server.properties}
password=${KAFKA_PASSWORD_FILE:-/run/secrets/kafka-password}
work=${TMPDIR:-/tmp}

umask 077
sed "s|@EXTERNAL@|${KAFKA_EXTERNAL:-localhost:9094}|" "$source" >"$work/server.properties"
# From a file: what stands on a command line can be read by others.
{
    echo format
    echo --ignore-formatted
    echo --cluster-id
    echo "$KAFKA_CLUSTER_ID"
    echo --config
    echo "$work/server.properties"
    echo --add-scram
    echo "SCRAM-SHA-512=[name=early-warning,password=$(cat "$password")]"
} >"$work/format"
"$kafka/bin/kafka-storage.sh" "@$work/format"
rm "$work/format"
exec "$kafka/bin/kafka-server-start.sh" "$work/server.properties"
