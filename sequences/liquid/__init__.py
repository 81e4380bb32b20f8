"""The template language of emails and tasks: what authors may write, and how values enter it."""
