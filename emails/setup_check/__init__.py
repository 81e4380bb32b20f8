"""Whether the world will believe a mailbox: logins, and what DNS says about its domain. Asked for, never by itself."""
