"""Starts the AWS emulator, with what it leaves out of WebSocket APIs.

The function of a `$connect` route chooses a subprotocol by a header of its answer. The emulator drops the header, and
a browser that has offered subprotocols hangs up when none is chosen.
"""

import contextvars

from ministack.app import main
from ministack.services import apigateway

HEADER = "sec-websocket-protocol"

chosen = contextvars.ContextVar("chosen", default=None)
invoke_function = apigateway._invoke_ws_lambda
serve_connection = apigateway.handle_websocket


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


apigateway._invoke_ws_lambda = invoke_and_note
apigateway.handle_websocket = serve_with_subprotocol

main()
