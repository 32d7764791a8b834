#!/usr/bin/env bash
# Brings a database to the schema of infra/migrations with nothing but psql, and keeps the same notes as `sqlx migrate run`, so either may
# go on where the other has stopped. Then it makes the functions' user, who may change rows, and no table.
#
#   PGHOST, PGDATABASE, PGUSER, PGPASSWORD, …   the database, and an administrator of it, as psql reads them
#   FUNCTIONS_USER                              by default wenzhen
#   FUNCTIONS_LOGIN                             how it logs in: password, iam (on Amazon RDS), or kept, as it is. By default password if
#                                               USER_PASSWORD is set; else iam where the server is RDS and the user is new or logs in
#                                               by IAM already; else kept
#   USER_PASSWORD                               the user's password, for a login by one; psql (14 or later) reads it by itself, so that
#                                               it is in no list of processes
set -euo pipefail
cd "$(dirname "$0")/migrations"

# Without them psql would ask a server on this machine, as the user who runs this.
if [ -z "${PGSERVICE:-}" ]; then
    : "${PGHOST:?is the host of the database, or the folder of its socket}"
    : "${PGDATABASE:?is the database, such as wenzhen}"
    : "${PGUSER:?is an administrator of it, with PGPASSWORD or a file that psql reads}"
fi

user=${FUNCTIONS_USER:-wenzhen}
login=${FUNCTIONS_LOGIN:-}
if [ -z "$login" ] && [ -n "${USER_PASSWORD:-}" ]; then
    login=password
fi
case $login in
    '' | iam | kept) ;;
    password)
        if [ -z "${USER_PASSWORD:-}" ]; then
            echo "FUNCTIONS_LOGIN=password needs USER_PASSWORD" >&2
            exit 1
        fi
        ;;
    *)
        echo "FUNCTIONS_LOGIN is password, iam or kept, and not $login" >&2
        exit 1
        ;;
esac
export USER_PASSWORD="${USER_PASSWORD:-}"

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

# A user with a password of its own would lose it by IAM.
if [ -z "$login" ]; then
    login=$(run --tuples-only --no-align --set user="$user" <<'SQL'
SELECT CASE WHEN EXISTS (
    SELECT FROM pg_roles iam
    WHERE iam.rolname = 'rds_iam' AND (
        NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user')
        OR EXISTS (
            SELECT FROM pg_auth_members
            JOIN pg_roles member ON member.oid = pg_auth_members.member
            WHERE pg_auth_members.roleid = iam.oid AND member.rolname = :'user'
        )
    )
) THEN 'iam' ELSE 'kept' END;
SQL
    )
fi

run --output /dev/null --set user="$user" --set login="$login" <<'SQL'
\getenv password USER_PASSWORD
SELECT set_config('wenzhen.functions_user', :'user', false),
       set_config('wenzhen.user_login', :'login', false),
       set_config('wenzhen.user_password', :'password', false);
\i ../functions_user.sql
SQL
echo "the schema is that of $(ls ./*.sql | wc -l) migrations"
