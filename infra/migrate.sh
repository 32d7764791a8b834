#!/usr/bin/env bash
# Brings a database to the schema of infra/migrations with nothing but psql, and keeps the same notes as `sqlx migrate run`, so either may
# go on where the other has stopped. Then it makes the functions' user, who may change rows, and no table.
#
#   PGHOST, PGDATABASE, PGUSER, PGPASSWORD, …   the database, and an administrator of it, as psql reads them
#   FUNCTIONS_USER                              by default wenzhen
#   USER_PASSWORD                               the user's password; without it, on Amazon RDS, the user logs in by IAM
set -euo pipefail
cd "$(dirname "$0")/migrations"

user=${FUNCTIONS_USER:-wenzhen}
run() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$@"; }

run <<'SQL'
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version bigint PRIMARY KEY,
    description text NOT NULL,
    installed_on timestamptz NOT NULL DEFAULT now(),
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
SQL

# Older code may not know what newer migrations have made of the tables.
newest=$(ls *.sql | tail -n 1)
newer=$(run --tuples-only --no-align --command "SELECT max(version) FROM _sqlx_migrations WHERE version > $((10#${newest%%_*}))")
if [ -n "$newer" ]; then
    echo "the database is at migration $newer, and these files end with $newest: there is no way back" >&2
    exit 1
fi

for file in *.sql; do
    version=$((10#${file%%_*}))
    description=${file#*_}
    description=${description%.sql}
    checksum=$(sha384sum "$file" | cut -d ' ' -f 1)

    noted=$(run --tuples-only --no-align --command "SELECT encode(checksum, 'hex') FROM _sqlx_migrations WHERE version = $version")
    if [ "$noted" = "$checksum" ]; then
        continue
    elif [ -n "$noted" ]; then
        echo "$file is not the file that was applied: a migration is never changed" >&2
        exit 1
    fi

    # The migration and its note commit together. A second run beside this one waits, then fails and changes nothing.
    echo "$file"
    note="INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
          VALUES ($version, '${description//_/ }', true, '\\x$checksum', 0)"
    run --single-transaction \
        --command "LOCK TABLE _sqlx_migrations IN SHARE ROW EXCLUSIVE MODE" \
        --file "$file" --command "$note"
done

login=iam
[ -z "${USER_PASSWORD:-}" ] || login=password
run --output /dev/null --set user="$user" --set login="$login" --set password="${USER_PASSWORD:-}" <<'SQL'
SELECT set_config('wenzhen.functions_user', :'user', false),
       set_config('wenzhen.user_login', :'login', false),
       set_config('wenzhen.user_password', :'password', false);
\i ../functions_user.sql
SQL
echo "the schema is that of $(ls ./*.sql | wc -l) migrations"
