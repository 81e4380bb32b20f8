"""Tenancy and roles: which rows a user sees and what a user may do."""
