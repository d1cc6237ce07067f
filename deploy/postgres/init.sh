#!/bin/sh
# Once, when the server's folder is made, for each region: a database, the role that owns its tables, and the one that the
# services log in with, which can change nothing that is on record. Their passwords come from their secrets.
set -eu
for region in 440000 310000; do
  owner=$(cat "/run/secrets/postgres-owner-$region")
  password=$(cat "/run/secrets/postgres-$region")
  psql --set ON_ERROR_STOP=1 --set "name=ecert_$region" --set "password=$password" \
    --set "owner=ecert_${region}_owner" --set "owner_password=$owner" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"owner" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO :"name";
SQL
done
