"""Upkeep of the tables: retention, repair, restore."""
