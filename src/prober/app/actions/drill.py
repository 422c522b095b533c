"""The drill: a marked test mail that goes the whole way of an alert, from the outbox over the branch to the server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from prober.adapters.store import outbox
from prober.adapters.store.outbox import Queued
from prober.app.role import our_role
from prober.core import gate
from prober.core.alerts import AlertFacts, AlertKind
from prober.core.delivery import message_id

if TYPE_CHECKING:
    from prober.adapters.store.db import Store
    from prober.app.place import Place
    from prober.core.settings import Config


def queue_drill(store: Store, config: Config, place: Place, now_ms: int) -> int:
    """Queue a test mail for everyone, and return to how many."""
    channels = {channel.id: channel for channel in config.channels}
    drill = f"drill {secrets.token_hex(8)}"
    with store.transaction():
        return len(
            outbox.queue(
                store,
                [
                    Queued(
                        event=None,
                        incident=None,
                        kind=AlertKind.TEST,
                        channel=channel_id,
                        recipient=recipient,
                        facts=AlertFacts(
                            kind=AlertKind.TEST,
                            queued_at_ms=now_ms,
                            location=config.location,
                            origin=place.origin,
                            role=our_role(store, config),
                            relay=f"{channels[channel_id].server}:{channels[channel_id].port}",
                            sender=channels[channel_id].sender,
                            recipients=(recipient,),
                        ).to_json(),
                        queued_at_ms=now_ms,
                        message_id=message_id(
                            store.installation,
                            drill,
                            f"{channel_id} {recipient}",
                            domain=channels[channel_id].domain,
                        ),
                    )
                    for channel_id, recipient in gate.everyone(config.channels)
                ],
            )
        )
