#!/usr/bin/env bash
# Builds the web client and brings it to the edge, if there is one: that of the stack, or EDGE_STACK, which stands by itself in us-east-1.
source "$(dirname "$0")/common.sh"

edge=("${EDGE_STACK:-$STACK}" "${EDGE_STACK:+us-east-1}")
export WEB_BUCKET DISTRIBUTION_ID WEBSOCKET_URL USER_POOL_ID USER_POOL_CLIENT_ID
WEB_BUCKET=$(output WebBucketName "${edge[@]}")
DISTRIBUTION_ID=$(output DistributionId "${edge[@]}")
if [ -z "$WEB_BUCKET" ]; then
    echo "${edge[0]} has no edge: there is nowhere to bring the web client"
    exit 0
fi

WEBSOCKET_URL=$(output WebSocketUrl)
USER_POOL_ID=$(output UserPoolId)
USER_POOL_CLIENT_ID=$(output UserPoolClientId)
bash infra/deploy-web.sh
