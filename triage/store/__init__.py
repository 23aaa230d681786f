"""Everything the service remembers, and the only home of SQL: one schema, one chain of migrations.

`open_store(url)` gives a `SqlTriageStore` on SQLite (`sqlite:///city.db`) or PostgreSQL (`postgresql://…`);
both behave alike, and one suite of tests runs on both.
"""

from triage.store.opening import open_store
from triage.store.records import Action, Actor, Counts, Status, StoredContact, StoredDecision, StoredTriage
from triage.store.sql_store import SqlTriageStore
from triage.store.upgrading import upgrade

__all__ = [
    "Action",
    "Actor",
    "Counts",
    "SqlTriageStore",
    "Status",
    "StoredContact",
    "StoredDecision",
    "StoredTriage",
    "open_store",
    "upgrade",
]
