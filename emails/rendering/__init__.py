"""From an author's templates and a contact's fields to the bytes that leave."""
