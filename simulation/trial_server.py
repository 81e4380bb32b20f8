"""The mail server of a trial: takes the mail, keeps the record, and behaves as badly as the faults say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from emails.choices import Security
from emails.models import Mailbox
from simulation.certificates import make_certificate
from simulation.mail_server import (
    Action,
    Drop,
    MailServer,
    Moment,
    ReceivedMessage,
    Reply,
    Rule,
    Situation,
    Stall,
)
from simulation.trial_cast import Persona, draw
from simulation.trial_faults import Fault, strikes_here
from simulation.trial_population import PASSWORD
from simulation.trial_truth import Truth

_NO_SUCH_USER = Reply("550 5.1.1 No such user here")
_TROUBLE: dict[str, tuple[Moment, Action]] = {
    "421": (Moment.MAIL, Reply("421 4.3.2 Service not available")),
    "452": (Moment.RCPT, Reply("452 4.3.1 Insufficient system storage")),
    "cut at mail": (Moment.MAIL, Drop()),
    "cut at data": (Moment.DATA, Drop()),
    "cut in body": (Moment.BODY, Drop()),
    "kept": (Moment.DOT, Drop(store=True)),
    "lost": (Moment.DOT, Drop()),
}
_OUTAGE = "421 4.3.2 Service not available, closing transmission channel"
_PER_ATTEMPT = (Fault.REFUSALS, Fault.LOST_ANSWERS)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came in; `at` is the trial's time."""

    order: int
    at: datetime
    message: ReceivedMessage


class TrialServer:
    """A real SMTP server on the loopback interface, with the script of the trial."""

    def __init__(self, truth: Truth, clock: Callable[[], datetime], seed: int, faults: Collection[Fault]) -> None:
        self._truth = truth
        self._clock = clock
        self._draw = partial(draw, seed)
        self._faults = [fault for fault in _PER_ATTEMPT if fault in faults]
        self._arrivals: list[Arrival] = []
        self._expired: MailServer | None = None
        self.smtp = MailServer(behaviour=self._behave, on_message=self._arrive, keep_messages=False)

    def let_in(self, addresses: Collection[str]) -> None:
        self.smtp.users = dict.fromkeys(addresses, PASSWORD)

    def lock_out(self, address: str) -> None:
        """Its password is refused until `let_in` again."""
        self.smtp.users[address] = "changed"

    def unlock(self, address: str) -> None:
        self.smtp.users[address] = PASSWORD

    def go_down(self) -> Rule:
        """Refuse all connections, until the rule is given to `come_back`."""
        return self.smtp.refuse_everything(_OUTAGE)

    def come_back(self, outage: Rule) -> None:
        self.smtp.rules.remove(outage)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Serve within it; a second server has an expired certificate and must see no login."""
        with TemporaryDirectory() as directory:
            context = make_certificate(Path(directory), expired=True).server_context()
            with MailServer(tls_context=context, implicit_tls=True) as self._expired, self.smtp:
                yield
            if self._expired.login_count:
                self._truth.troubles.append("a password was given to a server whose certificate has expired")

    def let_expire(self, address: str) -> None:
        """Have the certificate of its server expired, until `renew`."""
        assert self._expired is not None
        connection = {"smtp_port": self._expired.port, "smtp_security": Security.TLS.value}
        Mailbox.objects.filter(address=address).update(**connection)

    def renew(self, address: str) -> None:
        connection = {"smtp_port": self.smtp.port, "smtp_security": Security.NONE.value}
        Mailbox.objects.filter(address=address).update(**connection)

    @contextmanager
    def slow(self, moment: Moment, seconds: float) -> Iterator[None]:
        """The first answer at this moment comes after so many real seconds."""
        stall = Stall()
        rule = self.smtp.on(moment, stall)
        release = threading.Timer(seconds, stall.release)
        release.daemon = True
        release.start()
        try:
            yield
        finally:
            release.cancel()
            self.smtp.rules.remove(rule)
            stall.release()

    @contextmanager
    def silent(self, moment: Moment) -> Iterator[None]:
        """Within it the first dialogue that comes to this moment gets no answer."""
        stall = Stall()
        rule = self.smtp.on(moment, stall, times=1)
        try:
            yield
        finally:
            self.smtp.rules.remove(rule)
            stall.release()

    def take_arrivals(self) -> list[Arrival]:
        """The messages since the last call. Call while nothing is being sent."""
        arrivals, self._arrivals = self._arrivals, []
        return arrivals

    def _arrive(self, message: ReceivedMessage) -> None:
        self._arrivals.append(Arrival(self._truth.next_order(), self._clock(), message))

    def _behave(self, situation: Situation) -> Action | None:
        person = self._truth.people.get(situation.recipient)
        if person is not None and situation.moment is Moment.RCPT:
            if person.persona is Persona.GONE:
                return _NO_SUCH_USER
            if person.persona is Persona.BUSY_SERVER and situation.attempt == 1:
                return Reply("451 4.7.1 Greylisted, please try again later")
        for fault in self._faults:
            who = situation.recipient or situation.sender
            trouble = strikes_here(self._draw, fault, who, situation.attempt, situation.connection // 7)
            if trouble and _TROUBLE[trouble][0] is situation.moment:
                return _TROUBLE[trouble][1]
        return None
