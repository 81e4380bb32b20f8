"""Messages out, facts in."""

from emails.models.address import AddressVerdict, MailDomain
from emails.models.approval import Approval
from emails.models.event import EmailEvent
from emails.models.executor import DURABLE_COMMIT, EXECUTOR_RUNS, SERVER, ExecutorState
from emails.models.external_event import ExternalEvent
from emails.models.hook import HookRecord
from emails.models.inbox import InboxState
from emails.models.limit import SendLimit
from emails.models.mailbox import Mailbox
from emails.models.message import EmailMessage, status_of
from emails.models.outcome import EmailOutcome
from emails.models.pool import MailboxPool
from emails.models.reply import Answer, Reply, ReplyCorrection
from emails.models.suppression import Suppression, SuppressionChange

__all__ = [
    "DURABLE_COMMIT",
    "EXECUTOR_RUNS",
    "SERVER",
    "AddressVerdict",
    "Answer",
    "Approval",
    "EmailEvent",
    "EmailMessage",
    "EmailOutcome",
    "ExecutorState",
    "ExternalEvent",
    "HookRecord",
    "InboxState",
    "MailDomain",
    "Mailbox",
    "MailboxPool",
    "Reply",
    "ReplyCorrection",
    "SendLimit",
    "Suppression",
    "SuppressionChange",
    "status_of",
]
