"""Outgoing webhooks: facts become deliveries, which are signed, posted and retried."""
