"""Starts the AWS emulator, with what it leaves out of WebSocket and REST APIs.

WebSocket: the function of a `$connect` route chooses a subprotocol by a header of its answer. The emulator drops the
header, and a browser that has offered subprotocols hangs up when none is chosen.

REST: an integration that streams names another action of Lambda, and its function answers with a prelude of status and
headers. The emulator knows neither there, only at function URLs; the answer still arrives all at once. Of an API's OpenAPI
body it leaves out the gateway's own answers, and those of integrations that ask no function, such as preflights.
"""

import contextvars

from ministack.app import main
from ministack.services import apigateway, apigateway_v1, lambda_svc

HEADER = "sec-websocket-protocol"
STREAMED = "/response-streaming-invocations"

chosen = contextvars.ContextVar("chosen", default=None)
invoke_function = apigateway._invoke_ws_lambda
serve_connection = apigateway.handle_websocket
function_of_uri = apigateway_v1._extract_lambda_ref_from_integration_uri
answer_of = apigateway_v1._lambda_proxy_response
import_api = apigateway_v1._import_rest_api
import_operation = apigateway_v1._import_operation


async def invoke_and_note(api, account, region, route, stage, connection, event, *rest, **named):
    answer = await invoke_function(api, account, region, route, stage, connection, event, *rest, **named)
    if event == "CONNECT":
        headers = (answer or {}).get("headers") or {}
        chosen.set(next((value for name, value in headers.items() if name.lower() == HEADER), None))
    return answer


async def serve_with_subprotocol(scope, receive, send, *rest, **named):
    async def send_chosen(message):
        if message["type"] == "websocket.accept" and chosen.get():
            message = {**message, "subprotocol": chosen.get()}
        await send(message)

    await serve_connection(scope, receive, send_chosen, *rest, **named)


def function_of_any_uri(uri):
    return function_of_uri(uri).removesuffix(STREAMED)


def answer_of_any_kind(result):
    body = result.get("body")
    if isinstance(body, str) and not result.get("error"):
        prelude, streamed = lambda_svc._split_stream_prelude(body.encode())
        if prelude:
            return {**prelude, "body": streamed.decode()}, None
    return answer_of(result)


def import_whole_api(spec, base_data=None):
    api = import_api(spec, base_data)
    for kind, response in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
        apigateway_v1._put_gateway_response(api, kind, response)
    return api


def import_whole_operation(api, resource, method, operation, *rest, **named):
    import_operation(api, resource, method, operation, *rest, **named)
    integration = (operation or {}).get("x-amazon-apigateway-integration") or {}
    for pattern, response in (integration.get("responses") or {}).items():
        status = str(response.get("statusCode", 200))
        response = {**response, "selectionPattern": "" if pattern == "default" else pattern}
        apigateway_v1._put_integration_response(api, resource, method, status, response)


apigateway._invoke_ws_lambda = invoke_and_note
apigateway.handle_websocket = serve_with_subprotocol
apigateway_v1._extract_lambda_ref_from_integration_uri = function_of_any_uri
apigateway_v1._lambda_proxy_response = answer_of_any_kind
apigateway_v1._import_rest_api = import_whole_api
apigateway_v1._import_operation = import_whole_operation

main()
