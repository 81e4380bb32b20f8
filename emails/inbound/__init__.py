def poll_due_inboxes(now, mailbox_ids=None): return 0
def resolve_unknown_by_evidence(now): return 0
