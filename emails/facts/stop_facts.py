"""Load the stop facts of a batch of enrollments in one statement. Call after their rows are locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from common.db import Row, fetch_all
from emails.facts.stops import OUT_OF_OFFICE_DAYS, Resting, StopFacts
from sequences.choices import AccountReplyPolicy

# Addresses at these domains do not belong to one company.
FREE_MAIL_DOMAINS = frozenset(
    {
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com",
        "aol.com", "icloud.com", "me.com", "mac.com", "gmx.com", "gmx.de", "gmx.net", "web.de", "proton.me",
        "protonmail.com", "mail.com", "yandex.com", "yandex.ru", "zoho.com", "qq.com", "163.com", "126.com",
    }
)  # fmt: skip

# Soft bounces in a row: any event that shows that mail arrives ends the row. An absence may have begun before the
# contact was enrolled, and lasts all the same.
_FACTS = """
SELECT r.id, s.replied_at, s.unsubscribed_at, s.complained_at, s.bounced_at, s.soft_bounces,
       s.left_company_at, s.successor, s.possible_opt_out_at,
       o.occurred_at AS out_of_office_at, o.until_at AS out_of_office_until, p.reason AS suppressed_for,
       k.account_replied_at, k.colleague_replied_at, h.occurred_at AS hand_written_at
FROM unnest(%(ids)s::bigint[], %(workspaces)s::bigint[], %(contacts)s::bigint[], %(accounts)s::bigint[],
            %(emails)s::text[], %(domains)s::text[], %(enrolled)s::timestamptz[], %(resumed)s::timestamptz[])
     AS r(id, workspace, contact, account, email, domain, enrolled_at, resumed_at)
CROSS JOIN LATERAL (
    SELECT min(v.occurred_at) FILTER (WHERE v.type = 'replied') AS replied_at,
           min(v.occurred_at) FILTER (WHERE v.type = 'unsubscribed') AS unsubscribed_at,
           min(v.occurred_at) FILTER (WHERE v.type = 'complained') AS complained_at,
           min(v.occurred_at) FILTER (WHERE v.type = 'bounced' AND v.bounce_type = 'hard') AS bounced_at,
           min(v.occurred_at) FILTER (WHERE v.type = 'left_company') AS left_company_at,
           min(v.occurred_at) FILTER (WHERE v.type = 'replied' AND v.payload->>'intent' = 'possible_opt_out')
               AS possible_opt_out_at,
           max(v.payload->>'successor') FILTER (WHERE v.type = 'left_company') AS successor,
           count(*) FILTER (WHERE v.type = 'bounced' AND v.bounce_type = 'soft'
                              AND (r.resumed_at IS NULL OR v.recorded_at > r.resumed_at)
                              AND NOT EXISTS (
                                  SELECT 1 FROM emails_emailevent a
                                  WHERE a.contact_id = r.contact AND a.type IN ('delivered', 'opened', 'clicked')
                                    AND a.occurred_at > v.occurred_at)) AS soft_bounces
    FROM emails_emailevent v
    WHERE v.contact_id = r.contact AND v.type IN ('replied', 'unsubscribed', 'complained', 'bounced', 'left_company')
      AND (v.verdict = 'human' OR v.type = 'left_company')
      AND (v.occurred_at >= r.enrolled_at OR v.enrollment_id = r.id)
) s
LEFT JOIN LATERAL (
    SELECT v.occurred_at, v.until_at FROM emails_emailevent v
    WHERE v.contact_id = r.contact AND v.type = 'auto_replied'
      AND (v.occurred_at >= r.enrolled_at
           OR coalesce(v.until_at, v.occurred_at + %(absence)s::interval) > r.enrolled_at)
      AND (r.resumed_at IS NULL OR v.recorded_at > r.resumed_at)
    ORDER BY v.occurred_at DESC LIMIT 1
) o ON true
LEFT JOIN LATERAL (
    SELECT x.reason FROM emails_suppression x WHERE x.workspace_id = r.workspace AND x.email = r.email AND x.email <> ''
    UNION ALL
    SELECT x.reason FROM emails_suppression x
    WHERE x.workspace_id = r.workspace AND x.domain = r.domain AND x.domain <> ''
    LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT max(v.occurred_at) AS account_replied_at,
           max(v.occurred_at) FILTER (WHERE r.resumed_at IS NULL OR v.recorded_at > r.resumed_at)
               AS colleague_replied_at
    FROM sequences_contact c JOIN emails_emailevent v ON v.contact_id = c.id
    WHERE c.account_id = r.account AND c.id <> r.contact AND v.type = 'replied' AND v.verdict = 'human'
      AND v.occurred_at >= r.enrolled_at
) k ON r.account IS NOT NULL
LEFT JOIN LATERAL (
    SELECT max(v.occurred_at) AS occurred_at FROM emails_emailevent v
    WHERE v.contact_id = r.contact AND v.type = 'hand_written' AND v.occurred_at >= r.enrolled_at
      AND (r.resumed_at IS NULL OR v.recorded_at > r.resumed_at)
) h ON EXISTS (SELECT 1 FROM sequences_workspace w WHERE w.id = r.workspace AND w.hand_written_policy = 'pause')
WHERE s.replied_at IS NOT NULL OR s.unsubscribed_at IS NOT NULL OR s.complained_at IS NOT NULL
   OR s.bounced_at IS NOT NULL OR s.left_company_at IS NOT NULL OR s.soft_bounces > 0
   OR o.occurred_at IS NOT NULL OR p.reason IS NOT NULL
   OR k.account_replied_at IS NOT NULL OR h.occurred_at IS NOT NULL
"""
_NOTHING = (StopFacts(), Resting())


def load_stop_facts(rows: Sequence[Row]) -> dict[int, tuple[StopFacts, Resting]]:
    """By enrollment id.

    Rows need id, workspace_id, contact_id, account_id, account_domain, account_reply_policy, email, enrolled_at and
    resumed_at.
    """
    ids = [row["id"] for row in rows]
    domains = [row["email"].rpartition("@")[2].lower() for row in rows]
    found = fetch_all(
        _FACTS,
        {
            "ids": ids,
            "workspaces": [row["workspace_id"] for row in rows],
            "contacts": [row["contact_id"] for row in rows],
            "accounts": [_watched_account(row, domain) for row, domain in zip(rows, domains, strict=True)],
            "emails": [row["email"].lower() for row in rows],
            "domains": domains,
            "enrolled": [row["enrolled_at"] for row in rows],
            "resumed": [row["resumed_at"] for row in rows],
            "absence": timedelta(days=OUT_OF_OFFICE_DAYS),
        },
    )
    return dict.fromkeys(ids, _NOTHING) | {row["id"]: (_stops(row), _resting(row)) for row in found}


def _watched_account(row: Row, domain: str) -> int | None:
    shared = (row["account_domain"] or domain).lower() in FREE_MAIL_DOMAINS
    return None if shared or row["account_reply_policy"] == AccountReplyPolicy.IGNORE else row["account_id"]


def _stops(row: Row) -> StopFacts:
    return StopFacts(
        replied_at=row["replied_at"],
        possible_opt_out_at=row["possible_opt_out_at"],
        unsubscribed_at=row["unsubscribed_at"],
        complained_at=row["complained_at"],
        bounced_at=row["bounced_at"],
        suppressed_for=row["suppressed_for"],
        account_replied_at=row["account_replied_at"],
        left_company_at=row["left_company_at"],
        successor=row["successor"] or "",
    )


def _resting(row: Row) -> Resting:
    return Resting(
        out_of_office_at=row["out_of_office_at"],
        out_of_office_until=row["out_of_office_until"],
        soft_bounces=row["soft_bounces"],
        hand_written_at=row["hand_written_at"],
        colleague_replied_at=row["colleague_replied_at"],
    )
