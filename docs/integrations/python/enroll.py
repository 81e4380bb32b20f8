"""Enroll contacts of a CRM in a sequence, and say why nothing has left yet.

    enroll.py "Warm intro" me@acme.example ada@customer.example …

Needs the client that `make client` builds, and the environment variables SEQUENCE_EXECUTOR_URL (such as
http://localhost:8000) and SEQUENCE_EXECUTOR_TOKEN (an API key).
"""

from __future__ import annotations

import os
import sys
from typing import TypeVar

from sequence_executor_client import AuthenticatedClient
from sequence_executor_client.api.contacts import contacts_create, contacts_list
from sequence_executor_client.api.sequence_enrollments import sequence_enrollments_create, sequence_enrollments_why
from sequence_executor_client.models import ContactRequest, EnrollAnswer, EnrollRequest, Problem

Answer = TypeVar("Answer")


def expect(answer: Answer | Problem | None) -> Answer:
    """The answer, or the one line of the problem."""
    if isinstance(answer, Problem):
        raise SystemExit(f"{answer.status} {answer.code}: {answer.detail}")
    if answer is None:
        raise SystemExit("The server gave an answer that this client does not know.")
    return answer


def main(sequence: str, mailbox: str, *emails: str) -> None:
    url, token = os.environ["SEQUENCE_EXECUTOR_URL"], os.environ["SEQUENCE_EXECUTOR_TOKEN"]
    with AuthenticatedClient(base_url=url, token=token, prefix="Token") as client:
        for email in emails:
            if not expect(contacts_list.sync(client=client, email=email)).results:
                expect(contacts_create.sync(client=client, body=ContactRequest(email=email)))

        # The same key answers the same once more: a script that is run again after a crash enrolls no contact twice.
        wanted = EnrollRequest(sequence=sequence, mailbox=mailbox, emails=list(emails))
        key = f"enroll {sequence} {' '.join(sorted(emails))}"[:255]
        answer = expect(sequence_enrollments_create.sync(client=client, body=wanted, idempotency_key=key))
        assert isinstance(answer, EnrollAnswer)
        for skipped in answer.skipped:
            print(f"{skipped.contact}: skipped, {skipped.reason}")
        for enrollment in answer.enrolled:
            holds = expect(sequence_enrollments_why.sync(enrollment, client=client)).why
            print(f"enrollment {enrollment}: {'; '.join(hold.detail for hold in holds) or 'runs in the next cycle'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
