"""The product for other programs' agents, by the Model Context Protocol: the API's own calls as tools.

Every call goes through the API with the caller's own key, so that rights, strictness and log entries are those of the
API. What changes data answers its impact first and needs the token of that preview, and a key has a daily budget.
https://modelcontextprotocol.io/specification
"""
