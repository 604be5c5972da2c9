"""The site's own certificate authority, what it issues, and the TLS of both ends.

The hub makes the authority on its first start. A collector is who its certificate says: the name stands in it as
`urn:tocsin:collector:NAME`, and counts while the hub's folder `pki/issued` holds that very certificate; to take it away
or to put another there is to revoke it. Collectors check the hub by a fixed name, whatever address they reach it at.

This is the front of it; the parts are in `common.edge`:

    pem             files and keys                      certificate     what a certificate says
    authority       the one that signs                  registry        which certificates count
    requests        what a collector asks for           tokens          what lets it ask for the first time
    collectorfiles  the three files of a collector      tls             options for both ends
"""

from __future__ import annotations

from common.edge.authority import CA_DAYS, COLLECTOR_DAYS, HUB_DAYS, Site, WallTime, ensure_site, fingerprint
from common.edge.certificate import (
    BACKDATE_S,
    COLLECTOR_URN,
    RENEW_DAYS,
    check_collector_name,
    check_new_collector_name,
    collector_in,
    days_left,
    due_at,
    ends_at,
)
from common.edge.names import HUB_NAME
from common.edge.registry import (
    check_standing,
    collector_name,
    enrol_collector,
    ensure_collector,
    issue_collector,
    note_login,
    registered,
    registered_names,
    renew_collector,
    revoke_collector,
    revoked_at,
)
from common.edge.tls import (
    Renewable,
    check_hub,
    collector_tls_options,
    hub_tls_options,
    open_tls_options,
    with_tls,
)

__all__ = [
    "BACKDATE_S",
    "CA_DAYS",
    "COLLECTOR_DAYS",
    "COLLECTOR_URN",
    "HUB_DAYS",
    "HUB_NAME",
    "RENEW_DAYS",
    "Renewable",
    "Site",
    "WallTime",
    "check_collector_name",
    "check_hub",
    "check_new_collector_name",
    "check_standing",
    "collector_in",
    "collector_name",
    "collector_tls_options",
    "days_left",
    "due_at",
    "ends_at",
    "enrol_collector",
    "ensure_collector",
    "ensure_site",
    "fingerprint",
    "hub_tls_options",
    "issue_collector",
    "note_login",
    "open_tls_options",
    "registered",
    "registered_names",
    "renew_collector",
    "revoke_collector",
    "revoked_at",
    "with_tls",
]
