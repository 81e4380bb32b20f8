"""Bodies that the reference of the API shows, one for every address that takes JSON; a test holds them so."""

from __future__ import annotations

from typing import Any

_REASON = {"reason": "customer now"}
_UNTIL = {"until": "2031-03-16T09:00:00Z", "reason": "wants to wait"}
_STEP = {
    "type": "email",
    "name": "Nudge",
    "subject": "",
    "body": "Any thoughts?",
    "delay_days": 2,
    "skip_weekends": True,
}
_SEQUENCE = {
    "name": "Warm intro",
    "window": {"timezone": "contact", "mon-fri": ["09:00-17:00"]},
    "steps": [
        {
            "type": "email",
            "name": "Intro",
            "subject": "Hello",
            "body": "Hi {{ contact.first_name | default: 'there' }}",
        },
        {
            "type": "conditional_split",
            "condition_type": "email_opened",
            "condition_config": {"wait_hours": 48},
            "if_true_goto": "call",
        },
        {"type": "task", "key": "call", "name": "Call", "task_type": "call", "delay_days": 1},
    ],
}
_CONTACT = {"email": "bob@prospect.com", "first_name": "Bob", "title": "CTO", "fields": {"plan": "pro"}}
_ACCOUNT = {"name": "Prospect", "domain": "prospect.com", "timezone": "Europe/Berlin"}
_MAILBOX = {
    "address": "ada@example.com",
    "smtp_host": "smtp.example.com",
    "smtp_username": "ada@example.com",
    "credentials": {"password": "…"},
    "daily_limit": 50,
    "hourly_limit": 10,
}
_WEBHOOK = {"url": "https://crm.example.com/hook", "events": ["email.replied", "enrollment.exited"]}

_RULE = {
    "name": "New prospects",
    "filter": {"domain": "prospect.com", "score_at_least": 20},
    "sequence": "Warm intro",
    "mailbox": "ada@example.com",
    "daily_maximum": 20,
}
_POOL = {"name": "West", "mailboxes": [1, "ada@example.com"]}
_SNIPPET = {
    "kind": "snippet",
    "name": "Meeting link",
    "body": "Does [Tuesday at ten](https://cal.example/ada) suit you?",
}

_TIME_OFF = {"from": "2031-05-04", "to": "2031-05-12"}

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/api/accounts"): _ACCOUNT,
    ("put", "/api/accounts/{id}"): _ACCOUNT,
    ("patch", "/api/accounts/{id}"): {"timezone": "Europe/Berlin"},
    ("post", "/api/accounts/{id}/release"): {"reason": "another team"},
    ("post", "/api/api-keys"): {"name": "nightly import", "expires_at": "2031-12-31T00:00:00Z"},
    ("post", "/api/contacts"): _CONTACT,
    ("put", "/api/contacts"): {"external_id": "crm-4711", **_CONTACT},
    ("put", "/api/contacts/{id}"): _CONTACT,
    ("patch", "/api/contacts/{id}"): {"title": "CTO"},
    ("post", "/api/contacts/{id}/erase"): {"reason": "request of 3 March, ticket 812"},
    ("post", "/api/snippets"): _SNIPPET,
    ("put", "/api/snippets/{id}"): _SNIPPET,
    ("patch", "/api/snippets/{id}"): {"name": "Calendar"},
    ("post", "/api/time-off"): _TIME_OFF,
    ("put", "/api/time-off/{id}"): _TIME_OFF,
    ("patch", "/api/time-off/{id}"): {"to": "2031-05-09"},
    ("post", "/api/dead-letters/bulk"): {"action": "replay", "similar_to": 31, "dry_run": True},
    ("post", "/api/dead-letters/{id}/discard"): {"reason": "left the company"},
    ("post", "/api/dead-letters/{id}/replay"): {"reason": "the field is filled in"},
    ("post", "/api/enroll-rules"): _RULE,
    ("put", "/api/enroll-rules/{id}"): _RULE,
    ("patch", "/api/enroll-rules/{id}"): {"is_active": False},
    ("post", "/api/address-verdicts"): {
        "email": "bob@prospect.com",
        "state": "bad",
        "detail": "the mailbox does not exist",
        "provider": "ZeroBounce",
    },
    ("post", "/api/external-events"): {
        "id": "crm-4711",
        "type": "meeting_booked",
        "email": "bob@prospect.com",
        "occurred_at": "2026-03-02T09:00:00Z",
    },
    ("post", "/api/invitations"): {"email": "grace@example.com", "role": "sdr"},
    ("patch", "/api/me"): {"reply_notices": "daily"},
    ("post", "/api/replies/{id}/answer"): {"body": "Gladly. Does **Tuesday at ten** suit you?"},
    ("post", "/api/replies/{id}/classify"): {"intent": "not_now", "until": "2031-06-01"},
    ("post", "/api/replies/{id}/handled"): {"is_handled": True},
    ("post", "/api/mailboxes"): _MAILBOX,
    ("put", "/api/mailboxes/{id}"): {**_MAILBOX, "workspace": 1, "gap_seconds": 120},
    ("patch", "/api/mailboxes/{id}"): {"daily_limit": 80},
    ("post", "/api/mailboxes/{id}/pause"): {"reason": "on leave"},
    ("post", "/api/mailboxes/{id}/resume"): {"reason": "back again"},
    ("post", "/api/mailboxes/discover"): {"address": "ada@example.com"},
    ("post", "/api/mailboxes/{id}/test-send"): {"to": "ada@example.com"},
    ("post", "/api/mailboxes/{id}/read-back"): {"test": "WyIxIiwi…"},
    ("post", "/api/mailbox-pools"): _POOL,
    ("put", "/api/mailbox-pools/{id}"): _POOL,
    ("patch", "/api/mailbox-pools/{id}"): {"mailboxes": [1, 2, 5]},
    ("post", "/api/mailbox-pools/{id}/rehome"): {"from": "ada@example.com", "reason": "left the team", "dry_run": True},
    ("post", "/api/messages/bulk"): {"action": "approve", "messages": [{"id": 31, "hash": "9f2c…"}]},
    ("post", "/api/messages/{id}/approve"): {"hash": "9f2c…"},
    ("post", "/api/messages/{id}/edit"): {
        "subject": "A question",
        "body": "Hello {{ contact.first_name }}, one line more.",
    },
    ("post", "/api/messages/{id}/reject"): {"reason": "wrong person", "then": "exit"},
    ("post", "/api/messages/{id}/resolve"): {"as": "sent", "reason": "it is in the Sent folder"},
    ("post", "/api/send-limits"): {"scope": "mailbox", "key": "ada@example.com", "window": "day", "maximum": 50},
    ("put", "/api/send-limits/{id}"): {"scope": "recipient_domain", "key": "acme.com", "window": "hour", "maximum": 5},
    ("patch", "/api/send-limits/{id}"): {"maximum": 80},
    ("post", "/api/sequence-enrollments"): {"sequence": 3, "emails": ["bob@prospect.com"], "mailbox": 1},
    ("post", "/api/sequence-enrollments/bulk"): {
        "action": "pause",
        "filter": {"sequence": 3, "status": "active"},
        "reason": "legal review",
        "dry_run": True,
    },
    ("post", "/api/sequence-enrollments/{id}/exit"): _REASON,
    ("post", "/api/sequence-enrollments/{id}/move"): {"step": 9, "reason": "requested"},
    ("post", "/api/sequence-enrollments/{id}/pause"): {"reason": "wants to wait", "resume_at": "2031-03-16T09:00:00Z"},
    ("post", "/api/sequence-enrollments/{id}/resume"): _REASON,
    ("post", "/api/sequence-enrollments/{id}/retry"): {"reason": "the address is corrected"},
    ("post", "/api/sequence-enrollments/{id}/skip-step"): {"reason": "already called"},
    ("post", "/api/sequence-enrollments/{id}/snooze"): _UNTIL,
    ("post", "/api/sequence-executor/pause"): {"reason": "maintenance"},
    ("post", "/api/sequence-executor/resume"): {"reason": "maintenance is over"},
    ("post", "/api/sequences"): _SEQUENCE,
    ("post", "/api/sequences/import"): {"yaml": "name: Warm intro\nsteps:\n  - delay: {days: 1}\n", "activate": False},
    ("put", "/api/sequences/{id}"): _SEQUENCE,
    ("patch", "/api/sequences/{id}"): {"priority": 10},
    ("post", "/api/sequences/{id}/archive"): {"reason": "replaced"},
    ("post", "/api/sequences/{id}/duplicate"): {"name": "Warm intro, spring"},
    ("post", "/api/sequences/{id}/activate"): {"reason": "approved"},
    ("post", "/api/sequences/{id}/pause"): {"reason": "legal review"},
    ("post", "/api/sequences/{id}/resume"): {"reason": "approved"},
    ("post", "/api/sequences/{id}/preview"): {"email": "bob@prospect.com", "start_at": "2031-03-02T09:00:00Z"},
    ("post", "/api/sequences/{id}/steps"): {**_STEP, "position": 2, "send_to_past": False},
    ("patch", "/api/steps/{id}"): {"delay_days": 3},
    ("post", "/api/steps/{id}/move"): {"position": 1},
    ("post", "/api/steps/{id}/render"): {"email": "bob@prospect.com", "mailbox": 1},
    ("post", "/api/steps/{id}/test-send"): {"email": "bob@prospect.com", "mailbox": 1},
    ("post", "/api/suppressions"): {"email": "jo@prospect.com", "reason": "manual", "note": "phoned"},
    ("post", "/api/tasks/{id}/complete"): {"outcome": "will call back"},
    ("post", "/api/tasks/{id}/reassign"): {"assignee": 12, "reason": "she knows them"},
    ("post", "/api/tasks/{id}/snooze"): _UNTIL,
    ("patch", "/api/users/{id}"): {"role": "manager"},
    ("post", "/api/webhooks"): _WEBHOOK,
    ("patch", "/api/webhooks/{id}"): {"events": ["*"]},
    ("post", "/api/webhooks/{id}/replay"): {"since": "2026-01-01T00:00:00Z", "events": ["email.replied"]},
    ("post", "/api/workspaces/{id}/pause"): {"reason": "rebranding"},
    ("post", "/api/workspaces/{id}/resume"): {"reason": "the new domain is set up"},
    ("patch", "/api/workspaces/{id}"): {"cool_down_days": 14, "timezone": "Europe/Berlin"},
}
