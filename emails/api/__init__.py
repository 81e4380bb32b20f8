"""The HTTP API of mailboxes, messages and suppressions."""
