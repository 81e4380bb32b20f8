"""Replies in the words of real servers, and the error class of each."""

from __future__ import annotations

import pytest

from emails.choices import ErrorClass
from emails.transport.errors import Stage, classify_http, classify_smtp, read_enhanced_status, tidy_error
from emails.transport.reasons.cause import find_cause
from emails.transport.reasons.rule import Outcome

PERMANENT = ErrorClass.RECIPIENT_PERMANENT
TEMPORARY = ErrorClass.RECIPIENT_TEMPORARY
CONTENT = ErrorClass.CONTENT
MAILBOX = ErrorClass.MAILBOX
SERVER = ErrorClass.SERVER
UNCLASSIFIED = ErrorClass.UNCLASSIFIED

REPLIES: list[tuple[Stage, int, str, ErrorClass]] = [
    # Gmail
    (Stage.RCPT, 550, "5.1.1 The email account that you tried to reach does not exist. - gsmtp", PERMANENT),
    (Stage.RCPT, 550, "5.2.1 The email account that you tried to reach is inactive. - gsmtp", PERMANENT),
    (Stage.RCPT, 452, "4.2.2 The recipient's inbox is out of storage space. - gsmtp", TEMPORARY),
    (Stage.RCPT, 552, "5.2.2 The recipient's inbox is out of storage space and inactive. - gsmtp", TEMPORARY),
    (Stage.RCPT, 450, "4.2.1 The user you are trying to contact is receiving mail at a rate that is high", TEMPORARY),
    (Stage.MAIL, 550, "5.4.5 Daily user sending limit exceeded. For more information go to support", SERVER),
    (Stage.BODY, 550, "5.4.5 Daily user sending limit exceeded. - gsmtp", SERVER),
    (Stage.LOGIN, 535, "5.7.8 Username and Password not accepted. - gsmtp", MAILBOX),
    (Stage.LOGIN, 534, "5.7.9 Application-specific password required. - gsmtp", MAILBOX),
    (Stage.LOGIN, 534, "5.7.14 Please log in via your web browser and then try again.", MAILBOX),
    (Stage.LOGIN, 454, "4.7.0 Too many login attempts, please try again later. - gsmtp", SERVER),
    (Stage.MAIL, 530, "5.7.0 Authentication Required. - gsmtp", MAILBOX),
    (Stage.MAIL, 530, "5.5.1 Authentication Required. - gsmtp", MAILBOX),
    (Stage.BODY, 552, "5.7.0 This message was blocked because its content presents a potential issue", CONTENT),
    (Stage.BODY, 552, "5.3.4 Your message exceeded Google's message size limits. - gsmtp", CONTENT),
    (Stage.BODY, 550, "5.7.1 Our system has detected that this message is likely unsolicited mail.", CONTENT),
    (Stage.BODY, 550, "5.7.26 Unauthenticated email from x.example is not accepted due to domain's DMARC", MAILBOX),
    (Stage.BODY, 421, "4.7.0 Try again later, closing connection. (EHLO) - gsmtp", SERVER),
    (Stage.MAIL, 421, "4.7.28 Gmail has detected an unusual rate of mail.", SERVER),
    # Microsoft 365
    (Stage.RCPT, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", PERMANENT),
    (Stage.RCPT, 550, "5.4.1 Recipient address rejected: Access denied. [AM1.eop.protection.outlook.com]", PERMANENT),
    (Stage.RCPT, 550, "5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", PERMANENT),
    (Stage.BODY, 554, "5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException", TEMPORARY),
    (Stage.LOGIN, 535, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled", MAILBOX),
    (Stage.LOGIN, 535, "5.7.3 Authentication unsuccessful [AM0PR01CA0001.eurprd01.prod.exchangelabs.com]", MAILBOX),
    (Stage.MAIL, 530, "5.7.57 Client not authenticated to send mail.", MAILBOX),
    (Stage.BODY, 554, "5.2.252 SendAsDenied; ada@x.example not allowed to send as bob@x.example", MAILBOX),
    (Stage.BODY, 550, "5.7.60 SMTP; Client does not have permissions to send as this sender", MAILBOX),
    (Stage.BODY, 550, "5.1.90 Your message can't be sent because you've reached your daily limit", SERVER),
    (Stage.BODY, 550, "5.1.8 Access denied, bad outbound sender AS(42004)", MAILBOX),
    (Stage.BODY, 550, "5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.", MAILBOX),
    (Stage.BODY, 550, "5.7.705 Access denied, tenant has exceeded threshold", MAILBOX),
    (Stage.RCPT, 550, "5.7.501 Access denied, spam abuse detected", MAILBOX),
    (Stage.RCPT, 550, "5.7.606 Access denied, banned sending IP [192.0.2.1]", MAILBOX),
    (Stage.RCPT, 550, "5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", CONTENT),
    (Stage.BODY, 550, "5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant", CONTENT),
    (Stage.RCPT, 451, "4.7.500 Server busy. Please try again later from [192.0.2.1].", SERVER),
    (Stage.BODY, 432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", SERVER),
    (Stage.MAIL, 452, "4.3.1 Insufficient system resources", SERVER),
    (Stage.CONNECT, 421, "4.3.2 Service not available", SERVER),
    # Yahoo
    (Stage.BODY, 554, "delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]", PERMANENT),
    (Stage.RCPT, 550, "5.1.1 <x@yahoo.com>: user does not exist", PERMANENT),
    (Stage.RCPT, 552, "1 Requested mail action aborted, mailbox not found or over quota", TEMPORARY),
    (Stage.BODY, 554, "5.7.9 Message not accepted for policy reasons.", CONTENT),
    (Stage.CONNECT, 421, "4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", SERVER),
    (Stage.CONNECT, 553, "5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, your IP is blocked", MAILBOX),
    # Postfix
    (
        Stage.RCPT,
        550,
        "5.1.1 <x@y.example>: Recipient address rejected: User unknown in virtual mailbox table",
        PERMANENT,
    ),
    (Stage.RCPT, 450, "4.1.1 <x@y.example>: Recipient address rejected: unverified address", TEMPORARY),
    (Stage.RCPT, 450, "4.2.0 <x@y.example>: Recipient address rejected: Greylisted", TEMPORARY),
    (Stage.RCPT, 553, "5.7.1 <a@b.example>: Sender address rejected: not owned by user ada", MAILBOX),
    (Stage.RCPT, 554, "5.7.1 <x@y.example>: Relay access denied", MAILBOX),
    (Stage.RCPT, 554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", MAILBOX),
    (Stage.RCPT, 450, "4.1.8 <a@b.example>: Sender address rejected: Domain not found", SERVER),
    (Stage.RCPT, 450, "4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]", SERVER),
    (Stage.RCPT, 452, "4.3.1 Insufficient system storage", SERVER),
    (Stage.RCPT, 451, "4.3.5 Server configuration problem", SERVER),
    (Stage.MAIL, 552, "5.3.4 Message size exceeds fixed limit", CONTENT),
    (Stage.RCPT, 552, "5.2.2 <x@y.example>: Recipient mailbox is full", TEMPORARY),
    (Stage.BODY, 554, "5.7.1 Spam message rejected", CONTENT),
    (Stage.DATA, 554, "5.5.1 Error: no valid recipients", UNCLASSIFIED),
    (Stage.MAIL, 555, "5.5.4 Unsupported option: SMTPUTF8", UNCLASSIFIED),
    # Exim
    (Stage.RCPT, 550, "Unrouteable address", PERMANENT),
    (Stage.RCPT, 550, "No such user here", PERMANENT),
    (Stage.RCPT, 550, "Sender verify failed", MAILBOX),
    (Stage.RCPT, 550, "relay not permitted", MAILBOX),
    (Stage.RCPT, 451, "Temporary local problem - please try later", TEMPORARY),
    (Stage.RCPT, 550, "Administrative prohibition", CONTENT),
    (Stage.BODY, 552, "Message size exceeds maximum permitted", CONTENT),
    (Stage.BODY, 550, "This message contains a virus (Eicar-Test-Signature).", CONTENT),
    # Proofpoint, Mimecast, Cisco
    (Stage.RCPT, 550, "5.1.1 User Unknown - https://www.proofpoint.com", PERMANENT),
    (Stage.CONNECT, 554, "Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", MAILBOX),
    (Stage.BODY, 550, "5.7.0 Message considered spam by Proofpoint", CONTENT),
    (Stage.RCPT, 550, "Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550", PERMANENT),
    (Stage.BODY, 550, "Rejected by header based Anti-Spoofing policy: a@b.example", CONTENT),
    (Stage.RCPT, 451, "Internal resources are temporarily unavailable - https://community.mimecast.com", TEMPORARY),
    (Stage.RCPT, 550, "#5.1.0 Address rejected.", PERMANENT),
    (Stage.BODY, 554, "5.6.0 Lone CR or LF in body", CONTENT),
    # Amazon SES
    (Stage.BODY, 554, "Message rejected: Email address is not verified. The following identities failed", MAILBOX),
    (Stage.BODY, 454, "Throttling failure: Maximum sending rate exceeded.", SERVER),
    (Stage.BODY, 454, "Throttling failure: Daily message quota exceeded.", SERVER),
    # the sender's authentication and reputation stop the lane
    (Stage.BODY, 550, "5.7.25 The IP address sending this message does not have a PTR record setup", MAILBOX),
    (Stage.BODY, 550, "5.7.27 The sender did not pass SPF checks", MAILBOX),
    (Stage.BODY, 550, "5.7.30 This mail has been blocked because DKIM does not pass", MAILBOX),
    (Stage.BODY, 550, "5.7.515 Access denied, sending domain x.example does not meet the required level", MAILBOX),
    (Stage.RCPT, 554, "5.7.1 Your IP 192.0.2.1 is listed at bl.spamcop.net", MAILBOX),
    (Stage.RCPT, 550, "Reverse DNS lookup failed for host 192.0.2.1", MAILBOX),
    # a limit of the provider defers the lane
    (Stage.BODY, 450, "4.7.28 Gmail has detected an unusual rate of unsolicited mail", SERVER),
    (Stage.RCPT, 450, "4.2.0 Rate limit exceeded, too many messages from this sender", SERVER),
    (Stage.RCPT, 550, "Hourly sending limit of 100 messages reached", SERVER),
    # a bounce of the same words is soft
    (Stage.RCPT, 550, "5.1.0 Something else", TEMPORARY),
    (Stage.RCPT, 550, "5.1.1 Mailbox quota exceeded", TEMPORARY),
    (Stage.RCPT, 550, "5.1.1 Blocked by Spamhaus", MAILBOX),
    # nothing to go by
    (Stage.RCPT, 550, "", UNCLASSIFIED),
    (Stage.BODY, 554, "Transaction failed", UNCLASSIFIED),
    (Stage.BODY, 550, "Requested action not taken", UNCLASSIFIED),
    (Stage.RCPT, 503, "5.5.1 Bad sequence of commands", UNCLASSIFIED),
    (Stage.RCPT, 450, "", TEMPORARY),
    (Stage.BODY, 451, "", TEMPORARY),
    (Stage.RCPT, 452, "", TEMPORARY),
    (Stage.RCPT, 551, "User not local; please try <x@z.example>", PERMANENT),
    (Stage.RCPT, 553, "5.1.2 The recipient address is not a valid RFC 5321 address", PERMANENT),
    (Stage.RCPT, 554, "5.4.4 Recipient domain not found", PERMANENT),
    (Stage.CONNECT, 554, "No SMTP service here", SERVER),
    (Stage.CONNECT, -1, "SSH-2.0-OpenSSH_9.6", SERVER),
]


@pytest.mark.parametrize(("stage", "code", "text", "expected"), REPLIES)
def test_each_refusal_has_its_error_class(stage: Stage, code: int, text: str, expected: ErrorClass) -> None:
    assert classify_smtp(code, text, stage).error_class is expected


@pytest.mark.parametrize(
    ("code", "text", "seconds"),
    [
        (550, "5.4.5 Daily user sending limit exceeded.", 3_600),
        (450, "4.7.28 Gmail has detected an unusual rate of mail", 900),
        (421, "4.7.28 Gmail has detected an unusual rate of mail", 900),
        (451, "4.3.0 Try later", None),
        (550, "5.1.1 No such user", None),
    ],
)
def test_a_providers_limit_says_how_long_the_lane_waits(code: int, text: str, seconds: int | None) -> None:
    assert classify_smtp(code, text, Stage.BODY).retry_after_seconds == seconds


@pytest.mark.parametrize(("code", "text"), [(code, text) for _, code, text, _ in REPLIES if code >= 500])
def test_a_refusal_is_permanent_only_where_a_report_of_it_is_hard(code: int, text: str) -> None:
    is_hard = find_cause("", f"{code} {text}").outcome is Outcome.HARD
    assert not (classify_smtp(code, text, Stage.RCPT).error_class is PERMANENT and not is_hard)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("code", [421, 450, 451, 452, 454, 500, 550, 552, 553, 554, 555])
def test_no_reply_without_words_about_a_recipient_is_ever_a_bounce(stage: Stage, code: int) -> None:
    assert classify_smtp(code, "Nope", stage).error_class is not PERMANENT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.1.1 No such user", (1, 1)),
        ("#5.1.0 Address rejected", (1, 0)),
        ("host said: 550 5.7.26 unauthenticated", (7, 26)),
        ("Connection from 5.1.1.8 refused", None),
        ("192.5.1.1 is blocked", None),
        ("version 15.1.2044", None),
        ("", None),
    ],
)
def test_an_enhanced_status_is_never_read_out_of_an_address(text: str, expected: tuple[int, int] | None) -> None:
    assert read_enhanced_status(text) == expected


def test_the_code_shows_both_statuses() -> None:
    assert classify_smtp(550, "5.1.1 No", Stage.RCPT).code == "550 5.1.1"
    assert classify_smtp(554, "No", Stage.BODY).code == "554"


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (429, "", SERVER),
        (500, "", SERVER),
        (503, "", SERVER),
        (401, "", MAILBOX),
        (403, "", MAILBOX),
        (413, "", CONTENT),
        (400, "Email address is not verified. The following identities failed", MAILBOX),
        (400, "Daily quota exceeded", SERVER),
        (422, "something", UNCLASSIFIED),
    ],
)
def test_http_answers(status: int, text: str, expected: ErrorClass) -> None:
    assert classify_http(status, text).error_class is expected


def test_errors_are_one_line_without_secrets() -> None:
    assert tidy_error("bad\r\n password\tsecret123\x00!", ("secret123",)) == "bad password *** !"
    assert len(tidy_error("x" * 1000)) == 300
