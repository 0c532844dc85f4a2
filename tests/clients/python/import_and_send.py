"""Imports a list of channels, sends a message to those of a category, and follows it to its end: to be copied.

    pip install 'gql[aiohttp]'
    HERALD_URL=https://herald.example.org HERALD_TOKEN=herald_... python import_and_send.py channels.jsonl news

The token is of `herald user token nightly --role operator`. Without `--live` it is a test: only the sending account itself gets the
messages. Whoever runs it again on the same day and with the same name gets the answers of the first run, and nothing goes out twice.
It ends with 0 when the campaign is completed, and with 1 and a reason when it is not.
"""

import argparse
import asyncio
import datetime
import json
import os
import sys
import urllib.request
from pathlib import Path

from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport

IMPORT = "mutation($input: ImportChannelsInput!) { importChannels(input: $input) { import { id } } }"
IMPORTED = """subscription($id: ID!) { channelImportProgress(id: $id) {
    status inserted duplicates invalid errorMessage } }"""
BATCH = "mutation($input: CreateBatchInput!) { createBatch(input: $input) { batch { id channelCount } task { id } } }"
FILLED = "subscription($id: ID!) { taskUpdated(id: $id) { status done total error } }"
TEMPLATE = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template { id } } }"
CAMPAIGN = "mutation($input: CreateBroadcastCampaignInput!) { createBroadcastCampaign(input: $input) { campaign { id } } }"
START = "mutation($input: StartBroadcastCampaignInput!) { startBroadcastCampaign(input: $input) { campaign { id } } }"
PROGRESS = """subscription($id: ID!) { broadcastCampaignProgress(id: $id) {
    status totalJobs sent failed unknown campaign { pauseReason } } }"""


def upload(url: str, token: str, file: Path) -> str:
    """Sends the file as it is; returns what the import calls it by."""
    request = urllib.request.Request(url + "/uploads", file.read_bytes(), {"Authorization": "Bearer " + token})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["id"]


async def main(arguments: argparse.Namespace) -> str | None:
    """What went wrong, or nothing."""
    url, token = os.environ["HERALD_URL"].rstrip("/"), os.environ["HERALD_TOKEN"]
    bearer = {"Authorization": "Bearer " + token}
    socket = AIOHTTPWebsocketsTransport(url=url.replace("http", "ws", 1) + "/graphql", init_payload=bearer)
    async with Client(transport=AIOHTTPTransport(url=url + "/graphql", headers=bearer)) as herald, Client(transport=socket) as live:

        async def do(operation: str, **input) -> dict:
            answer = await herald.execute(GraphQLRequest(operation, variable_values={"input": input}))
            return next(iter(answer.values()))

        async def last(operation: str, id: str) -> dict:
            """The last event of a subscription, which ends by itself."""
            async for event in live.subscribe(GraphQLRequest(operation, variable_values={"id": id})):
                event = next(iter(event.values()))
                print(event, flush=True)
                if event["status"] == "PAUSED":  # it waits for somebody
                    break
            return event

        found = await do(IMPORT, uploadId=upload(url, token, arguments.file))
        imported = await last(IMPORTED, found["import"]["id"])
        if imported["status"] != "COMPLETED":
            return f"the import is {imported['status']}: {imported['errorMessage']}"

        run = arguments.name
        key = lambda step: f"{run}/{step}"
        made = await do(BATCH, name=run, filter={"category": arguments.category}, idempotencyKey=key("batch"))
        if made["task"]:  # many channels go in one after the other
            filled = await last(FILLED, made["task"]["id"])
            if filled["status"] != "COMPLETED":
                return f"the batch is not whole: {filled['error']}"
        text = await do(TEMPLATE, name=run, content=arguments.text, idempotencyKey=key("template"))
        campaign = await do(
            CAMPAIGN,
            name=run,
            batchId=made["batch"]["id"],
            templateId=text["template"]["id"],
            mode="LIVE" if arguments.live else "TEST",
            deliveryRate=arguments.rate,
            idempotencyKey=key("campaign"),
        )
        id = campaign["campaign"]["id"]
        await do(START, id=id, idempotencyKey=key("start"))
        ended = await last(PROGRESS, id)
        return None if ended["status"] == "COMPLETED" else f"the campaign is {ended['status']}: {ended['campaign']['pauseReason']}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Imports channels, sends to a category of them, and follows it.")
    parser.add_argument("file", type=Path, help="channels, as JSON Lines or CSV")
    parser.add_argument("category", help="the channels of this category get the message")
    parser.add_argument("--text", default="Hello, {{ channel_name }}!", help="the message, with placeholders")
    parser.add_argument("--name", default=f"{datetime.date.today()}-{Path(sys.argv[0]).stem}", help="of this run")
    parser.add_argument("--rate", type=int, default=20, help="messages a minute")
    parser.add_argument("--live", action="store_true", help="to the channels, instead of to the sending account itself")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
