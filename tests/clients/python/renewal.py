"""Python's gql, by both of its WebSocket transports, with tokens that live a second; sgqlc with an emoji in a literal."""

import asyncio
import os
from pathlib import Path

from gql import Client, gql
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportClosed, TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport
from sgqlc.endpoint.http import HTTPEndpoint
from sgqlc.operation import Operation
from sgqlc.types import Arg, Field, Input, String, Type, non_null

ENDPOINT = os.environ["HERALD_URL"] + "/graphql"
RENEWALS = int(os.environ.get("HERALD_TEST_RENEWALS", 4))
# The first event is the present state: one comes for each connection.
STATE = gql("subscription { serverUpdated { isSimulated } }")


def bearer() -> dict:
    return {"Authorization": "Bearer " + Path(os.environ["HERALD_TOKEN_FILE"]).read_text()}


async def follow(transport_class):
    told = 0
    # Some connections end before they have said anything: their token had ended on the way.
    for _ in range(4 * RENEWALS):
        transport = transport_class(url=ENDPOINT.replace("http", "ws", 1), init_payload=bearer())
        try:
            async with Client(transport=transport) as session:
                async for event in session.subscribe(STATE):
                    assert event["serverUpdated"]["isSimulated"] is True, event
                    told += 1
        except (TransportClosed, TransportConnectionFailed):
            pass
        if told > RENEWALS:
            return
    raise AssertionError(f"{transport_class.__name__} was told {told} times only")


class CreateTemplateInput(Input):
    name = non_null(String)
    content = non_null(String)


class Template(Type):
    content = Field(String)


class CreateTemplatePayload(Type):
    template = Field(Template)


class Mutation(Type):
    create_template = Field(CreateTemplatePayload, args={"input": Arg(non_null(CreateTemplateInput))})


def emoji():
    # sgqlc writes literals as JSON does: the emoji as two halves.
    operation = Operation(Mutation)
    text = "a\U0001f600b \"\"\" \\"
    operation.create_template(input={"name": "emoji", "content": text}).template.content()
    assert "\\ud83d\\ude00" in str(operation), operation
    answer = HTTPEndpoint(ENDPOINT, bearer())(operation)
    assert answer["data"]["createTemplate"]["template"]["content"] == text, answer


async def main():
    await asyncio.gather(follow(WebsocketsTransport), follow(AIOHTTPWebsocketsTransport))


asyncio.run(main())
emoji()
