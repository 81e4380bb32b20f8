"""Plumbing that knows no model: set-based SQL, notifications, encrypted fields, text and addresses."""
