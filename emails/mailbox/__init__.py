"""Setting up a mailbox: login test, secrets, DNS records."""
