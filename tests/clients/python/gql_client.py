"""Python's gql against a running Herald: the published operations fit the published schema, and a campaign is followed."""

import asyncio
import os
from pathlib import Path

from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportQueryError

SCHEMA = Path(__file__).parents[3] / "schema"
ENDPOINT = os.environ["HERALD_URL"] + "/graphql"
CAMPAIGN = os.environ["HERALD_CAMPAIGN"]


def operation(name: str, **variables) -> GraphQLRequest:
    return GraphQLRequest((SCHEMA / f"operations/{name}.graphql").read_text(), variable_values=variables)


def client(transport) -> Client:
    """Checks each operation against the published schema before it is sent."""
    return Client(schema=(SCHEMA / "schema.graphql").read_text(), transport=transport)


async def main():
    credentials = {"username": "admin", "password": os.environ["HERALD_PASSWORD"]}
    http = client(AIOHTTPTransport(url=ENDPOINT))
    for file in (SCHEMA / "operations").iterdir():
        http.validate(operation(file.stem))
    async with http as session:
        login = await session.execute(operation("login", input=credentials))
        try:
            await session.execute(operation("campaign-with-progress", id=CAMPAIGN))
            raise AssertionError("nobody may read")
        except TransportQueryError as error:
            assert error.errors[0]["extensions"]["code"] == "UNAUTHENTICATED", error
    bearer = {"Authorization": "Bearer " + login["login"]["accessToken"]}

    socket = AIOHTTPWebsocketsTransport(url=ENDPOINT.replace("http", "ws", 1), init_payload=bearer)
    async with client(AIOHTTPTransport(url=ENDPOINT, headers=bearer)) as session, client(socket) as live:
        await session.execute(operation("start-broadcast-campaign", input={"id": CAMPAIGN}))
        events = live.subscribe(operation("broadcast-campaign-progress", id=CAMPAIGN))
        told = [event["broadcastCampaignProgress"] async for event in events]
        versions = [event["version"] for event in told]
        assert len(versions) >= 2 and versions == sorted(set(versions)), versions
        assert told[-1]["status"] == "COMPLETED", told[-1]
        shown = await session.execute(operation("campaign-with-jobs", id=CAMPAIGN, statuses=["SENT"]))
        assert shown["broadcastCampaign"]["jobs"]["totalCount"] == told[-1]["totalJobs"], shown


asyncio.run(main())
