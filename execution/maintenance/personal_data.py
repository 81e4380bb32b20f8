"""Where a person's data is: every table with rows of a contact, found from the models, and what is blanked in each.

A table that is added with a foreign key to a contact, an enrollment or a message is covered without a change here: its
texts are blanked by type. What caps and reports count (rows, times, states, ids, the recipient's domain) stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from emails.models import EmailMessage
from sequences.models import Contact, Enrollment

# Of a log entry's details: what reports and timelines read, and no text of a person.
_KEPT_DETAILS = "('message', 'condition', 'answer', 'goto', 'reason', 'code', 'resume_at', 'until', 'variant')"
# Statements call the row `o`.
_BLANK = {
    "sequences_contact": "email = 'erased-' || o.id || '@erased.invalid', first_name = '', last_name = '', title = '', "
    "external_id = NULL, phone = '', timezone = '', fields = '{}', account_id = NULL, engagement_score = 0, "
    "score_due_at = NULL, erased_at = %(now)s, updated_at = %(now)s",
    "sequences_enrollment": "last_error = '', pause_reason = '', "
    "again_reason = CASE WHEN o.again_reason = '' THEN '' ELSE 'erased' END",
    "emails_emailmessage": "recipient = 'erased-' || o.contact_id || '@erased.invalid', subject = '', text = '', "
    "html = '', error = '', error_trace = '', held_by = '', in_reply_to = ''",
    "emails_reply": "sender = 'erased-' || o.contact_id || '@erased.invalid', sender_name = '', subject = '', "
    "header_id = '', answered_ids = '{}', header_date = '', text = '', quoted = '', html_text = '', "
    "attachments = '[]', authentication = '{}', intent_reason = '', referral = ''",
    "emails_externalevent": "event_key = 'erased-' || o.id",
    "emails_emailevent": "detail = '', payload = '{}', verdict_reason = ''",
    "execution_executionlog": "message = '', error = '', details = (SELECT coalesce(jsonb_object_agg(d.key, d.value), "
    f"'{{}}') FROM jsonb_each(o.details) d WHERE d.key IN {_KEPT_DETAILS})",
    "execution_deadletter": "error = 'erased', error_trace = '', facts = '{}'",
    "tasks_app_task": "title = 'Erased', instructions = '', outcome = ''",
}
_LINKS: tuple[tuple[type[models.Model], str], ...] = (
    (Contact, "{column} = %(contact)s"),
    (Enrollment, "{column} = ANY(%(enrollments)s::bigint[])"),
    (EmailMessage, "{column} = ANY(%(messages)s::bigint[])"),
)
# Configuration of a workspace: its texts were written by members and are about no contact.
_CONFIGURATION = frozenset(
    {
        "emails_mailbox", "emails_sendlimit", "execution_webhooksubscription", "sequences_account",
        "sequences_erasedaddress", "sequences_erasurekey", "sequences_membership", "sequences_sequence",
        "sequences_snippet", "sequences_step", "sequences_columnchoice",
    }
)  # fmt: skip
_KEPT_WORDS = ("actor", "status", "state", "type", "provider", "code", "_by", "_id", "_key", "domain")


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """Rows of one person: `where` takes `contact`, `enrollments` and `messages`; `blank` is the SET of an update.

    `label` is what the rows are called in an export, `key` their primary key.
    """

    name: str
    label: str
    key: str
    where: str
    blank: str


@dataclass(frozen=True, slots=True)
class SearchedTable:
    """A table in which the person may be named by others: its columns by kind, all of rows with a workspace."""

    name: str
    texts: tuple[str, ...]
    documents: tuple[str, ...]


def _label_of(model_name: str) -> str:
    """The plural of a model's name in snake case: words on the screen may change, keys of an export may not."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", model_name).lower()
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


@lru_cache(maxsize=1)
def list_personal_tables() -> tuple[PersonalTable, ...]:
    """Tables with rows that belong to a contact, the contact's own last: the others are found by it."""
    found = [PersonalTable("sequences_contact", "contacts", "id", "o.id = %(contact)s", _BLANK["sequences_contact"])]
    for model in _models():
        links = [
            link.format(column=f"o.{field.column}")
            for target, link in _LINKS
            for field in model._meta.concrete_fields
            if field.is_relation and field.related_model is target
        ]
        if links and model is not Contact:
            opts = model._meta
            blank = _BLANK.get(opts.db_table) or _blank_by_type(model)
            label = _label_of(opts.object_name)
            where = f"({' OR '.join(links)})"
            found.append(PersonalTable(opts.db_table, label, opts.pk.column, where, blank))
    return tuple(reversed(found))


@lru_cache(maxsize=1)
def list_searched_tables() -> tuple[SearchedTable, ...]:
    """Tables of a workspace whose texts may name the person, also in rows of other contacts."""
    found = []
    for model in _models():
        fields = model._meta.concrete_fields
        if "workspace_id" not in {field.column for field in fields} or model._meta.db_table in _CONFIGURATION:
            continue
        texts = [str(field.column) for field in fields if _is_free_text(field)]
        documents = [str(field.column) for field in fields if isinstance(field, models.JSONField)]
        if texts or documents:
            found.append(SearchedTable(model._meta.db_table, tuple(texts), tuple(documents)))
    return tuple(found)


def _models() -> Iterator[Any]:
    return (model for model in apps.get_models() if model._meta.managed and not model._meta.proxy)


def _is_free_text(field: Any) -> bool:
    is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
    return is_text and type(field).__name__ != "SecretsField"


def _blank_by_type(model: Any) -> str:
    """For tables that are not in `_BLANK`: texts and documents are emptied, words that say what a row is stay."""
    parts = []
    for field in model._meta.concrete_fields:
        if isinstance(field, models.JSONField):
            parts.append(f"{field.column} = '{'[]' if field.default is list else '{}'}'")
        elif isinstance(field, ArrayField) and isinstance(field.base_field, models.CharField | models.TextField):
            parts.append(f"{field.column} = '{{}}'")
        elif _is_free_text(field) and not field.unique and not field.column.endswith(_KEPT_WORDS):
            parts.append(f"{field.column} = ''")
    return ", ".join(parts)
