#!/bin/sh
# On the first start: the services' own user, who owns one database and is no superuser. 首次启动:建立专用用户与数据库。
set -eu

psql --set ON_ERROR_STOP=1 --set password="$(cat "${STORE_PASSWORD_FILE:-/run/secrets/store-password}")" \
    --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE early_warning LOGIN PASSWORD :'password';
CREATE DATABASE early_warning OWNER early_warning;
REVOKE ALL ON DATABASE early_warning FROM PUBLIC;
SQL
