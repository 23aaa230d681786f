"""People, notices, policy, incidents, feedback, labels, gaps, articles' usage and models."""

import sqlalchemy as sa
from alembic import op

from triage.errors import StoreError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables of people and of learning."""
    _create_people()
    _create_operations()
    _create_articles()
    _create_models()


def downgrade() -> None:
    """Refuse: records of a city are not dropped by a command."""
    raise StoreError("the store has no way down from 0003: restore the back-up taken before the upgrade")


def _create_people() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "audit",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_created_at", "audit", ["created_at"])
    op.create_table(
        "notices",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("service_types", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("contradicts", sa.Text(), nullable=False),
        sa.Column("pinned_by", sa.Text(), nullable=False),
        sa.Column("valid_from", MOMENT, nullable=False),
        sa.Column("valid_until", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_valid_until", "notices", ["valid_until"])


def _create_operations() -> None:
    op.create_table(
        "policy_cells",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("service_type", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_cells"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_policy_cells_service_type_channel_language_id",
        "policy_cells",
        ["service_type", "channel", "language", "id"],
    )
    op.create_table(
        "incidents",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("service_type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incidents_closed_at_service_type", "incidents", ["closed_at", "service_type"])
    op.create_table(
        "incident_contacts",
        sa.Column("contact_id", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("incident_id", ROW_NUMBER, nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_incident_contacts"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_incident_contacts_contact_id"),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_incident_contacts_incident_id"),
    )
    op.create_index("ix_incident_contacts_incident_id", "incident_contacts", ["incident_id"])


def _create_articles() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=True),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_feedback_contact_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_article_id", "feedback", ["article_id"])
    op.create_index("ix_feedback_contact_id", "feedback", ["contact_id"])
    op.create_table(
        "article_usage",
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("usage", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "day", "usage", name="pk_article_usage"),
    )
    op.create_table(
        "article_versions",
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("article_id", "version", name="pk_article_versions"),
    )
    op.create_table(
        "proposals",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("reviewed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_proposals"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_proposals_article_id", "proposals", ["article_id"])
    op.create_table(
        "gaps",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("article_id", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_gaps_closed_at", "gaps", ["closed_at"])
    op.create_table(
        "gap_queries",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("gap_id", ROW_NUMBER, nullable=True),
        sa.Column("contact_id", ROW_NUMBER, nullable=True),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gap_queries"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_gap_queries_contact_id"),
        sa.ForeignKeyConstraint(["gap_id"], ["gaps.id"], name="fk_gap_queries_gap_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_gap_queries_contact_id", "gap_queries", ["contact_id"])
    op.create_index("ix_gap_queries_created_at", "gap_queries", ["created_at"])
    op.create_index("ix_gap_queries_gap_id", "gap_queries", ["gap_id"])


def _create_models() -> None:
    op.create_table(
        "labels",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("labelled_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_labels"),
        sa.ForeignKeyConstraint(
            ["contact_id", "revision"],
            ["messages.contact_id", "messages.revision"],
            name="fk_labels_contact_id_revision",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_labels_contact_id_revision", "labels", ["contact_id", "revision"])
    op.create_table(
        "disagreements",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("triage_id", ROW_NUMBER, nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("active_label", sa.Text(), nullable=False),
        sa.Column("active_probability", sa.Float(), nullable=False),
        sa.Column("candidate_label", sa.Text(), nullable=False),
        sa.Column("candidate_probability", sa.Float(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_disagreements"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_disagreements_contact_id"),
        sa.ForeignKeyConstraint(["triage_id"], ["triages.id"], name="fk_disagreements_triage_id"),
        sa.UniqueConstraint("triage_id", "candidate", name="uq_disagreements_triage_id_candidate"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_disagreements_contact_id", "disagreements", ["contact_id"])
    op.create_table(
        "models",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("meta", sa.Text(), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
    )
    op.create_table(
        "activations",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("activated_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_activations"),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_activations_model_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_activations_kind_id", "activations", ["kind", "id"])
