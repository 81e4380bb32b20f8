"""Reads the reports of mail servers about messages that were not delivered, or are late. Pure.

Delivery status notifications (RFC 3464) by their fields, all other forms by their words. A report that says neither
that a recipient does not exist nor that the sender is refused is a soft bounce; `transport.reasons` has the rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from emails.inbound.delivery_status import DELIVERY_STATUS, Fields, list_groups, list_groups_in_text
from emails.inbound.explanation import Explanation, read_explanation
from emails.inbound.findings import Finding, MailKind
from emails.inbound.parse import InboundMail, find_addresses, list_children, read_address, walk_parts
from emails.transport.reasons.cause import find_cause, list_quotes, without_own_words
from emails.transport.reasons.matching import Cause, find_reply_class, find_status, match_status, match_words
from emails.transport.reasons.rule import Outcome

MOST_RECIPIENTS = 20
_DAEMON = re.compile(
    r"^(?:mailer-?daemon|mail-?daemon|postmaster|mdaemon|mailsystem|mail-system|microsoftexchange[0-9a-f]*|"
    r"bounces?|bounced|mail[._-]?delivery\S*|mailserver|mailmaster|smtp-?daemon)(?:[+=.-][^@]*)?(?:@|$)",
    re.IGNORECASE,
)
_DAEMON_NAME = re.compile(
    r"mail(?:er)?[ -]?(?:delivery|daemon|system|administrator|deliver)|system[ -]?administrator|systemadministrator|"
    r"postmaster|delivery (?:sub)?system|administrateur système|administrador del sistema|"
    r"amministratore (?:di )?sistema",
    re.IGNORECASE,
)
_FAILURE_SUBJECT = re.compile(
    r"undeliver|delivery[ _-](?:status|failure|has failed|failed|error|problem|report)|failure notice|returned mail|"
    r"mail delivery|(?:message|mail|e-?mail) (?:could )?not (?:be )?delivered|could not be delivered|mail system error|"
    r"non[ -]delivery|delivery notification|notification of (?:failed|undeliver)|returned to sender|nondeliver|"
    r"failed mail|"
    r"unzustellbar|nicht (?:zugestellt|zustellbar)|zustell\w*|non remis|échec de (?:la )?(?:remise|distribution)|"
    r"no se (?:puede|pudo|ha podido) entregar|no entregado|devuelto|mancat[oa] (?:recapito|consegna)|non recapitato|"
    r"não (?:foi )?entregue|niet bezorgd|onbestelbaar|olevererbar|kunde inte levereras|ikke leveret|"
    r"nie (?:został[oa]?|dostarczon)|"
    r"не доставлен|недоставлен|не удалось доставить|配信|配達|送信できません|エラーメール|退信|投递失败|배달",
    re.IGNORECASE,
)
_FAILURE_TEXT = re.compile(
    r"(?:could|can|was|were|has|have)(?:n['’]t| ?not)?(?: been| be)? (?:un)?(?:delivered|able to deliver)|undeliver|"
    r"(?:not|n['’]t) (?:be )?(?:deliver|reach)|did not reach|unable to (?:deliver|send)|(?:delivery|"
    r"address\(?e?s?\)?|recipients?) (?:\S+ ){0,4}(?:failed|failure|error)|"
    r"(?:permanent|fatal|delivery) (?:\S+ )?error|returned (?:to|mail|message)|mail delivery|mail ?er-?daemon|"
    r"bounced|wasn['’]t delivered|"
    r"(?:was|has been|were) (?:rejected|returned)|failed (?:recipient|address)|failed to deliver|was aborted|"
    r"message not delivered|^\s*<?\S+@\S+>?:? +5\d\d[ -]|unzustellbar|nicht (?:\S+ )?(?:zugestellt|zustell|"
    r"ausgeliefert)|"
    r"abgewiesen|zurückgewiesen|(?:n['’]a pas|pas) (?:\S+ )?(?:pu|été) .{0,30}(?:remis|distribu|livr|délivr)|"
    r"non (?:remis|distribu)|no (?:\S+ ){0,3}(?:entreg|envi)|"
    r"non (?:è stato |è stata |può essere )?(?:recapit|consegn)|não (?:\S+ ){0,3}(?:entreg|envi)|"
    r"niet (?:\S+ ){0,3}(?:bezorg|afgelever)|"
    r"kunde inte (?:\S+ )?lever|kunne ikke (?:\S+ )?lever|nie (?:\S+ ){0,3}dostarcz|не (?:\S+ ){0,3}доставл|"
    r"送信できません|お届けできません|配信できません|配送できません|未能(?:送达|投递)|无法(?:送达|投递)|投递失败|退信|반송|전송.{0,6}실패",
    re.IGNORECASE | re.MULTILINE,
)
# "Re: Returned mail" is a person talking about it.
_ANSWERS = re.compile(
    r"^\W*(?:re|aw|antw|sv|vs|rv|res|rif|odp|fwd?|wg|tr|enc|doorst|i)\s*(?:\[\d+\])?\s*:", re.IGNORECASE
)
_DELAY = re.compile(
    r"\(delay\)|\bdelayed\b|delivery delay|warning message only|will be retried|"
    r"(?:will|to|shall) (?:keep|continue|go on) (?:on )?(?:trying|to try|retrying|attempt)|"  # codespell:ignore shall
    r"(?:attempts?|retries|trying) (?:\S+ ){0,2}(?:will|shall|to) continue|"  # codespell:ignore shall
    r"(?:has|have) not yet been delivered|"
    r"not yet been (?:able to be )?delivered|"
    r"(?:could|can) ?not be delivered (?:yet|so far)|(?:do|need) not (?:need to )?(?:re-?send|send it again)|"
    r"you need not|still (?:being )?(?:trying|retr|queued|in the queue)|"
    r"no action is (?:required|needed)|will (?:be )?(?:try|retry|attempted)|verzögert|verzögerung|"
    r"noch nicht zugestellt|retardé|retard de|retrasad|demorad|ritard|atrasad|vertraag|"
    r"försen|forsink|opóźni|zpožd|задерж|遅延|遅れて|延迟|지연",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"permanent|giving up|gave up|given up|\bfailed\b|fatal|returned|final|will not be (?:re)?tried|no (?:more|"
    r"further) (?:attempts|retries)|too long|endgültig|définitiv|definitiv",
    re.IGNORECASE,
)
_KINDS = {
    Outcome.HARD: MailKind.HARD_BOUNCE,
    Outcome.SOFT: MailKind.SOFT_BOUNCE,
    Outcome.BLOCKED: MailKind.BLOCKED,
}
_OWN_HEADERS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "Apparently-To")


def read_bounce(mail: InboundMail, own: frozenset[str] = frozenset()) -> tuple[Finding, ...] | None:
    """What a delivery report says, one finding per recipient, at most 20; None when the mail is no report.

    `own`: further addresses of the sender; a report is never about them.
    """
    groups = _find_groups(mail)
    if groups:
        explanation = read_explanation(mail)
        addresses = _own_addresses(mail, explanation) | own
        found = _read_groups(groups, explanation, addresses) or _read_words(mail, explanation, addresses)
        return tuple(found[:MOST_RECIPIENTS])
    if not _may_be_report(mail):
        return None
    explanation = read_explanation(mail)
    if not _says_failure(mail, explanation):
        return None
    return tuple(_read_words(mail, explanation, _own_addresses(mail, explanation) | own)[:MOST_RECIPIENTS])


def is_from_machine(mail: InboundMail) -> bool:
    """Whether a mail server wrote it: by its address, or an empty envelope sender with the name of one."""
    return bool(_DAEMON.match(mail.sender)) or (
        _has_null_sender(mail) and bool(_DAEMON_NAME.search(mail.header("From")))
    )


def _has_null_sender(mail: InboundMail) -> bool:
    return mail.header("Return-Path").replace(" ", "") in {"<>", "<MAILER-DAEMON>"}


def _find_groups(mail: InboundMail) -> list[Fields]:
    """The groups of fields of the report itself; of one that is only attached, if a machine sent it on."""
    attached: list[Fields] = []
    direct: list[Fields] = []
    inside = {id(child) for child in _attached_parts(mail)}
    for kind, part in walk_parts(mail.message):
        if kind in DELIVERY_STATUS:
            (attached if id(part) in inside else direct).extend(list_groups(part))
    if direct and (mail.message.get_content_type() != "multipart/mixed" or not _is_persons(mail)):
        return direct
    if (direct or attached) and not _is_persons(mail):
        return direct or attached
    if _may_be_report(mail) and not _is_persons(mail):
        return list_groups_in_text(read_explanation(mail).whole)
    return []


def _is_persons(mail: InboundMail) -> bool:
    """A person who forwards a report, or answers with one attached, is no mail server."""
    if is_from_machine(mail) or _has_null_sender(mail) or mail.has("X-Failed-Recipients"):
        return False
    if mail.header("Auto-Submitted").lower().startswith("auto-"):
        return False
    return bool(mail.named_ids) or bool(_ANSWERS.match(mail.subject)) or not _FAILURE_SUBJECT.search(mail.subject)


def _attached_parts(mail: InboundMail) -> Iterable[object]:
    """Every part of the mails that this one carries."""
    for kind, part in walk_parts(mail.message):
        if kind in {"message/rfc822", "message/global"} and part is not mail.message:
            for child in list_children(part):
                yield from (found for _, found in walk_parts(child))


def _may_be_report(mail: InboundMail) -> bool:
    if mail.has("X-Failed-Recipients") or is_from_machine(mail):
        return True
    if mail.message.get_content_type() == "multipart/report":
        kind = str(mail.message.get_param("report-type") or "").lower()
        return "delivery-status" in kind or (not kind and bool(_FAILURE_SUBJECT.search(mail.subject)))
    if _ANSWERS.match(mail.subject):
        return False
    is_named = bool(_DAEMON_NAME.search(mail.header("From")) or _FAILURE_SUBJECT.search(mail.subject))
    # a person who answers us about a delivery that failed is no mail server
    return is_named and (_has_null_sender(mail) or not mail.named_ids)


def _says_failure(mail: InboundMail, explanation: Explanation) -> bool:
    if mail.has("X-Failed-Recipients"):
        return True
    text = explanation.text[:6_000]
    is_machines = is_from_machine(mail) or _has_null_sender(mail) or bool(_DAEMON_NAME.search(mail.header("From")))
    if not is_machines and not (explanation.original_to or explanation.failed_addresses):
        # a person writes about a parcel; a report names a recipient
        return False
    if _FAILURE_TEXT.search(text) or _DELAY.search(text[:2_000]):
        return True
    # only a machine may be that terse
    if not (is_from_machine(mail) or _has_null_sender(mail)):
        return False
    return bool(_FAILURE_SUBJECT.search(mail.subject) or find_reply_class(text) or match_words(text, enough=False))


def _own_addresses(mail: InboundMail, explanation: Explanation) -> frozenset[str]:
    own = {address for name in _OWN_HEADERS for address in find_addresses(mail.header(name))}
    return frozenset(own - set(explanation.original_to) | set(explanation.original_from) | {mail.sender})


def _read_groups(groups: Sequence[Fields], explanation: Explanation, own: frozenset[str]) -> list[Finding]:
    named = [(fields, _recipient(fields, own)) for fields in groups if _is_recipients(fields)]
    recipients = [recipient for _, recipient in named if recipient]
    found: list[Finding] = []
    for fields, recipient in named[:MOST_RECIPIENTS]:
        # a recipient that the report gives no address of is the one that the message went to
        address = recipient or (explanation.original_to[0] if len(explanation.original_to) == 1 else "")
        finding = _read_recipient(fields, address, explanation.about(recipient, recipients))
        if finding not in found:
            found.append(finding)
    return found


def _is_recipients(fields: Fields) -> bool:
    return any(name in fields for name in ("final-recipient", "original-recipient", "action", "status"))


def _recipient(fields: Fields, own: frozenset[str]) -> str:
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        value = fields.get(name, "")
        address = read_address(value.partition(";")[2].strip() or value)
        if address and address not in own:
            return address
    return ""


def _read_recipient(fields: Fields, recipient: str, human: str) -> Finding:
    """One recipient's fields (RFC 3464 section 2.3)."""
    action = fields.get("action", "").partition(";")[0].split("(")[0].strip().lower()
    status = find_status(fields.get("status", "")) or ""
    if action in {"delivered", "relayed", "expanded"}:
        reason = f"delivery report: {action}"
        return Finding(MailKind.OTHER, reason, recipient, True, status, is_delivery=action == "delivered")
    diagnostic = _diagnostic(fields)
    if action == "delayed":
        return Finding(MailKind.DELAYED, "the report's action is delayed", recipient, True, status)
    return _finding(find_cause(status, diagnostic, human), recipient)


def _diagnostic(fields: Mapping[str, str]) -> str:
    found = []
    for name in (
        "diagnostic-code",
        "x-display-name",
        "x-smtp-diagnostic",
        "x-supplementary-info",
        "x-mailer-diagnostic",
    ):
        value = fields.get(name, "")
        kind, separator, rest = value.partition(";")
        found.append(rest.strip() if separator and len(kind) <= 20 and " " not in kind.strip() else value)
    return " ".join(filter(None, found)).strip()


def _find_human_cause(text: str) -> Cause | None:
    text = without_own_words(text)
    quoted = list_quotes(text)
    if not (quoted or text.strip()):
        return None
    return find_cause("", quoted, text) if quoted else find_cause("", "", text)


def _finding(cause: Cause, recipient: str) -> Finding:
    return Finding(_KINDS[cause.outcome], cause.reason, recipient, True, cause.status)


def _read_words(mail: InboundMail, explanation: Explanation, own: frozenset[str]) -> list[Finding]:
    """A report without fields: recipients and reasons from its words."""
    recipients = _find_recipients(mail, explanation, own)
    start = explanation.text[:3_000]
    is_delay = bool(_DELAY.search(start)) and not _FINAL.search(start)
    found = []
    for recipient in recipients or [""]:
        cause = _find_human_cause(explanation.about(recipient, recipients)) or match_status("")
        if is_delay and cause.outcome is not Outcome.HARD:
            reason = "the text says that delivery is still tried"
            found.append(Finding(MailKind.DELAYED, reason, recipient, True, cause.status))
        else:
            found.append(_finding(cause, recipient))
    return found


def _find_recipients(mail: InboundMail, explanation: Explanation, own: frozenset[str]) -> list[str]:
    named = [each for each in find_addresses(mail.header("X-Failed-Recipients")) if each not in own]
    if named:
        return named
    original = [each for each in explanation.original_to if each not in own]
    in_text = [each for each in explanation.failed_addresses if each not in own and not _DAEMON.match(each)]
    return [each for each in in_text if each in original] or in_text[:MOST_RECIPIENTS] or original[:1]
