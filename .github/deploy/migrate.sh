#!/usr/bin/env bash
# Applies the migrations, by the project in the database's network, before functions that need them. The first deployment makes the project,
# and is followed by this script once more.
source "$(dirname "$0")/common.sh"

project=$(output MigrationsName)
if [ -z "$project" ]; then
    echo "there is no project that migrates yet, or the database is the operator's own"
    exit 0
fi

zip -qr migrations.zip infra/migrations infra/migrate.sh
aws s3 cp --quiet migrations.zip "s3://$(output MigrationsBucketName)/migrations.zip"
build=$(aws codebuild start-build --project-name "$project" --query build.id --output text)

for _ in $(seq 360); do
    status=$(aws codebuild batch-get-builds --ids "$build" --query 'builds[0].buildStatus' --output text)
    [ "$status" = IN_PROGRESS ] || break
    sleep 10
done
echo "migrations: $status"
[ "$status" = SUCCEEDED ]
