"""What keeps the tables right and small: retention, repair, restore."""
