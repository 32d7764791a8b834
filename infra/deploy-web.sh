#!/usr/bin/env bash
# Builds the web client and brings it to the edge's bucket. It takes npm, and the AWS CLI with credentials.
#
#   WEB_BUCKET, DISTRIBUTION_ID                     the edge's outputs WebBucketName and DistributionId
#   WEBSOCKET_URL, USER_POOL_ID, USER_POOL_CLIENT_ID  the application's outputs WebSocketUrl, UserPoolId and UserPoolClientId
#   UPLOAD_MAX_BYTES                                by default the template's, 104857600
#   WEB_IS_BUILT                                    whether web/dist is there already, as npm run build has made it
#   EMERGENCY_NUMBERS                               JSON, by default {"zh": ["120"], "en": ["112"]}
set -euo pipefail
cd "$(dirname "$0")/../web"

: "${WEB_BUCKET:?is the output WebBucketName of the edge}"
: "${DISTRIBUTION_ID:?is the output DistributionId of the edge}"
: "${WEBSOCKET_URL:?is the output WebSocketUrl of the application}"
: "${USER_POOL_ID:?is the output UserPoolId of the application}"
: "${USER_POOL_CLIENT_ID:?is the output UserPoolClientId of the application}"
numbers=${EMERGENCY_NUMBERS:-'{"zh": ["120"], "en": ["112"]}'}

if [ -z "${WEB_IS_BUILT:-}" ]; then
    npm ci --no-audit --no-fund
    npm run build
fi
# It is for the measure of sizes, which the build has taken, and names every source.
rm -rf dist/.vite

cat >dist/config.json <<JSON
{ "apiUrl": "", "websocketUrl": "$WEBSOCKET_URL", "userPoolId": "$USER_POOL_ID", "userPoolClientId": "$USER_POOL_CLIENT_ID",
  "uploadMaxBytes": ${UPLOAD_MAX_BYTES:-104857600}, "emergencyNumbers": $numbers }
JSON
node -e 'JSON.parse(require("fs").readFileSync("dist/config.json", "utf8"))'

# What is new is there before a page names it. What is old stays: a page that was opened before may still ask for it.
aws s3 cp dist/assets "s3://$WEB_BUCKET/assets" --recursive --cache-control 'public, max-age=31536000, immutable'
aws s3 cp dist "s3://$WEB_BUCKET" --recursive --exclude 'assets/*' --cache-control no-cache
aws cloudfront create-invalidation --distribution-id "$DISTRIBUTION_ID" --paths / /index.html /config.json
