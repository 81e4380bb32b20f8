"""The tools: a name for each call of the API that an agent may make, and what the agent is told about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

INSTRUCTIONS = """\
Sequence Executor sends outbound sales sequences: contacts are enrolled in a sequence of emails, tasks and delays.
Start with `search` to find ids. `why` says what holds an enrollment and until when. Times are ISO 8601 in UTC.
Tools that change data answer their impact first and change nothing. Show that impact to the person you work for, and
repeat the call with the same arguments and the `confirm` token of the preview once they agree."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A call of the API. Its arguments are those of the path, the query and the body of that call."""

    name: str
    method: str
    path: str
    """As in the reference of the API; what stands in braces is an argument."""
    purpose: str

    @property
    def changes_data(self) -> bool:
        return self.method != "GET"


def _by_name(tools: Iterable[Tool]) -> dict[str, Tool]:
    return {tool.name: tool for tool in tools}


_ENROLLMENT = "/api/sequence-enrollments/{id}"

TOOLS = _by_name(
    [
        Tool("who_am_i", "GET", "/api/me", "The user of this key, their workspaces and roles."),
        Tool("status", "GET", "/api/sequence-executor/status", "Whether the executor runs, and how much waits."),
        Tool("queue", "GET", "/api/sequence-executor/queue", "What is due, most overdue first, and why it waits."),
        Tool("list_contacts", "GET", "/api/contacts", "Contacts by address, account, score or text."),
        Tool("read_contact", "GET", "/api/contacts/{id}", "One contact with its merge fields."),
        Tool("list_sequences", "GET", "/api/sequences", "Sequences with their steps."),
        Tool("read_sequence", "GET", "/api/sequences/{id}", "One sequence with its steps and texts."),
        Tool("sequence_figures", "GET", "/api/sequences/{id}/stats", "How many people stand at each step."),
        Tool("preview", "GET", "/api/sequences/{id}/preview", "A contact's whole future in a sequence, with dates."),
        Tool("list_enrollments", "GET", "/api/sequence-enrollments", "Enrollments by status, sequence or contact."),
        Tool("why", "GET", f"{_ENROLLMENT}/why", "What holds an enrollment, and the time when each hold ends."),
        Tool("timeline", "GET", f"{_ENROLLMENT}/timeline", "Everything that happened to an enrollment."),
        Tool("list_messages", "GET", "/api/messages", "Emails by state, contact, mailbox, opened, clicked or replied."),
        Tool("read_message", "GET", "/api/messages/{id}", "One email as it is or will be sent, and what became of it."),
        Tool("list_replies", "GET", "/api/replies", "What contacts have answered, by intent and owner."),
        Tool("read_reply", "GET", "/api/replies/{id}", "One answer with its thread."),
        Tool("list_tasks", "GET", "/api/tasks", "Work for people: calls, LinkedIn, emails by hand."),
        Tool("list_mailboxes", "GET", "/api/mailboxes", "Sending mailboxes with their limits and health."),
        Tool("list_pools", "GET", "/api/mailbox-pools", "Sets of mailboxes that share the enrollments of a sequence."),
        Tool("list_time_off", "GET", "/api/time-off", "Who is away, and who covers: their emails wait."),
        Tool("list_external_events", "GET", "/api/external-events", "What other systems reported about contacts."),
        Tool("list_suppressions", "GET", "/api/suppressions", "Addresses and domains that must not be written to."),
        Tool("forecast", "GET", "/api/forecast", "What each mailbox will send on each of the next days."),
        Tool("report", "GET", "/api/reports/engagement", "Sent, opened, replied and more, grouped as you ask."),
        Tool("list_events", "GET", "/api/events", "Every fact and log entry in one order; follow `next`."),
        Tool("create_contact", "POST", "/api/contacts", "Add a contact."),
        Tool(
            "save_contact", "PUT", "/api/contacts", "Add a contact, or change the one with this email or external_id."
        ),
        Tool("record_event", "POST", "/api/external-events", "Report what happened elsewhere, as a meeting booked."),
        Tool("create_sequence", "POST", "/api/sequences", "Write a sequence, as a draft that a manager activates."),
        Tool("enroll", "POST", "/api/sequence-enrollments", "Put contacts into an active sequence."),
        Tool("pause_enrollment", "POST", f"{_ENROLLMENT}/pause", "Pause one person in one sequence."),
        Tool("resume_enrollment", "POST", f"{_ENROLLMENT}/resume", "Resume one person in one sequence."),
        Tool("skip_step", "POST", f"{_ENROLLMENT}/skip-step", "Leave out the step that is next."),
        Tool("snooze_enrollment", "POST", f"{_ENROLLMENT}/snooze", "Go on at a later time."),
        Tool("exit_enrollment", "POST", f"{_ENROLLMENT}/exit", "End the sequence for one person."),
        Tool("change_enrollments", "POST", "/api/sequence-enrollments/bulk", "One action on many enrollments."),
        Tool("classify_reply", "POST", "/api/replies/{id}/classify", "Correct what an answer means."),
        Tool("answer_reply", "POST", "/api/replies/{id}/answer", "Answer in the thread, from the same mailbox."),
        Tool("complete_task", "POST", "/api/tasks/{id}/complete", "Mark a task as done."),
        Tool("resolve_message", "POST", "/api/messages/{id}/resolve", "Say whether an email of unknown outcome left."),
        Tool("rehome", "POST", "/api/mailbox-pools/{id}/rehome", "Move who had no email yet to other mailboxes."),
        Tool("enter_time_off", "POST", "/api/time-off", "Enter days on which a member is away: their emails wait."),
        Tool("suppress", "POST", "/api/suppressions", "Never write to an address or a domain again."),
    ]
)

SEARCH = Tool("search", "GET", "", "Find contacts, accounts and sequences by a name, an address or a part of it.")
