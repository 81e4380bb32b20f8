"""Why messages are refused: the table of phrases and codes of mail servers, and how it is applied. Pure."""
