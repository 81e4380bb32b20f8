"""Why messages are not delivered: the table of phrases and codes of mail servers, and how it is applied. Pure."""
