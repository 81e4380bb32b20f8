"""Contacts and accounts: one by one and from files."""
