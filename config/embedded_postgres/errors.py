"""The one error of the embedded server."""

from django.db.utils import OperationalError


class EmbeddedPostgresError(OperationalError):
    """The server cannot be made, started or stopped. The message is one line with the remedy."""
