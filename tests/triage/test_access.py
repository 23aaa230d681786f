"""Roles and rights: the table says who may, scopes only narrow, wrong names are said with the right ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.access import LOCAL_ACTOR, MAY, Right, Role, read_roles, read_scopes, rights_of
from triage.errors import DataError


def test_every_role_has_its_row_and_every_right_a_holder_besides_the_administrator() -> None:
    assert set(MAY) == set(Role)
    held = {right for role in Role if role is not Role.ADMIN for right in MAY[role]}
    assert held == set(Right)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (Role.AGENT, Right.DECIDE, Right.MODELS_WRITE),
        (Role.LEAD, Right.NOTICES, Right.AUDIT),
        (Role.KB_EDITOR, Right.KB_WRITE, Right.CONTACTS_READ),
        (Role.ANALYST, Right.MODELS_WRITE, Right.DECIDE),
        (Role.AUDITOR, Right.AUDIT, Right.DECIDE),
        (Role.SERVICE, Right.TRIAGE, Right.DECIDE),
    ],
)
def test_a_role_may_do_its_work_and_no_other(role: Role, may: Right, may_not: Right) -> None:
    assert may in MAY[role]
    assert may_not not in MAY[role]


def test_an_auditor_changes_nothing() -> None:
    writing = {
        Right.TRIAGE,
        Right.DECIDE,
        Right.NOTICES,
        Right.LABEL,
        Right.KB_WRITE,
        Right.MODELS_WRITE,
    }
    assert MAY[Role.AUDITOR].isdisjoint(writing)


def test_the_administrator_and_the_local_agent_may_everything() -> None:
    assert MAY[Role.ADMIN] == LOCAL_ACTOR.rights == frozenset(Right)


@given(roles=st.sets(st.sampled_from(Role)), scopes=st.sets(st.sampled_from(Right)))
def test_scopes_narrow_and_never_widen(roles: set[Role], scopes: set[Right]) -> None:
    unscoped = frozenset(right for role in roles for right in MAY[role])
    assert rights_of(roles) == unscoped
    assert rights_of(roles, scopes) == (unscoped & scopes if scopes else unscoped)


def test_names_are_read_in_the_order_of_the_table_each_once() -> None:
    assert read_roles(["lead", "agent", "lead"]) == (Role.AGENT, Role.LEAD)
    assert read_scopes(["metrics", "triage"]) == (Right.TRIAGE, Right.METRICS)


def test_a_wrong_name_is_said_with_the_right_ones() -> None:
    with pytest.raises(DataError, match=r"^a role is one of agent, lead, kb-editor, .*, service, got boss$"):
        read_roles(["agent", "boss"])
    with pytest.raises(DataError, match=r"^a scope is one of triage, contacts:read, .*, metrics, got all$"):
        read_scopes(["all"])
