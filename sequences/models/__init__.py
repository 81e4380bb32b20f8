"""WHAT is sent and WHO is in it."""

from sequences.models.column_choice import ColumnChoice
from sequences.models.contact_import import ContactImport, ContactImportBatch
from sequences.models.enroll_rule import EnrollRule
from sequences.models.enrollment import Enrollment
from sequences.models.erased import ErasedAddress, ErasureKey
from sequences.models.invitation import Invitation
from sequences.models.login_failure import LoginFailure
from sequences.models.people import Account, Contact
from sequences.models.saved_view import SavedView
from sequences.models.second_factor import SecondFactor
from sequences.models.security_event import SecurityEvent
from sequences.models.sequence import Sequence, Step
from sequences.models.snippet import Snippet
from sequences.models.time_off import TimeOff
from sequences.models.user_settings import UserSettings
from sequences.models.workspace import Membership, Workspace

__all__ = [
    "Account",
    "ColumnChoice",
    "Contact",
    "ContactImport",
    "ContactImportBatch",
    "EnrollRule",
    "Enrollment",
    "ErasedAddress",
    "ErasureKey",
    "Invitation",
    "LoginFailure",
    "Membership",
    "SavedView",
    "SecondFactor",
    "SecurityEvent",
    "Sequence",
    "Snippet",
    "Step",
    "TimeOff",
    "UserSettings",
    "Workspace",
]
