"""What ESPs tell by webhook: events about our messages, and incoming mail."""
