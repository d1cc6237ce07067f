#!/bin/sh
# Once, when the server's folder is made: a role and a database for each region, with the password from its secret.
set -eu
for region in 440000 310000; do
  password=$(cat "/run/secrets/postgres-$region")
  psql --set ON_ERROR_STOP=1 --set "name=ecert_$region" --set "password=$password" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
