"""The arithmetic of the forecast: the next email of each enrollment, and when the mailboxes send it."""
