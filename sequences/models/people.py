"""Companies and the people at them."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower

from common.addresses import ADDRESS_FORM, DOMAIN_FORM
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace, validate_timezone

LONGEST_EXTERNAL_ID = 200


def validate_external_id(value: str) -> None:
    """Raises `ValidationError` for what two systems would read differently: control characters, spare blanks."""
    if value != " ".join(value.split()) or not value.isprintable():
        raise ValidationError("It holds control characters or spare blanks: remove them.")


class Account(models.Model):
    """A company that contacts belong to."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="accounts")
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=253, blank=True)
    timezone = models.CharField(max_length=64, blank=True, validators=[validate_timezone])
    engagement_score = models.IntegerField(
        default=0, db_default=0, editable=False, help_text="The sum of its contacts' scores, at most 100."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                "workspace", Lower("domain"), name="account_domain_once", condition=~models.Q(domain="")
            ),
            models.CheckConstraint(
                condition=models.Q(domain="") | models.Q(domain__regex=DOMAIN_FORM), name="account_domain_form"
            ),
        ]
        indexes = [models.Index(fields=["workspace", "updated_at", "id"], name="account_updated")]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """A person who can be enrolled. `fields` holds the merge fields beyond the known columns."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="contacts")
    account = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, blank=True, related_name="contacts")
    email = models.EmailField(max_length=254)
    external_id = models.CharField(  # noqa: DJ001 - unique where it is known
        "external ID",
        max_length=LONGEST_EXTERNAL_ID,
        null=True,
        blank=True,
        validators=[validate_external_id],
        help_text="The contact's id in another system, such as a CRM. Compared as it is written.",
    )
    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=64, blank=True)
    timezone = models.CharField(max_length=64, blank=True, validators=[validate_timezone])
    fields = models.JSONField(default=dict, blank=True)
    engagement_score = models.IntegerField(default=0)
    score_due_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When it is computed again.")
    erased_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the person's data was erased."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["email", "id"]
        constraints = [
            models.UniqueConstraint("workspace", Lower("email"), name="contact_email_once"),
            # an expression, so that serializers leave the check to the database
            models.UniqueConstraint(
                "workspace",
                models.F("external_id"),
                name="contact_external_id_once",
                condition=models.Q(external_id__isnull=False),
                violation_error_message="Another contact of the workspace has this external ID.",
            ),
            models.CheckConstraint(condition=models.Q(email__regex=ADDRESS_FORM), name="contact_email_form"),
        ]
        indexes = [
            models.Index(fields=["workspace", "updated_at", "id"], name="contact_updated"),
            models.Index(fields=["workspace", "-engagement_score", "-id"], name="contact_score"),
            models.Index(
                fields=["score_due_at"], name="contact_score_due", condition=models.Q(score_due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()
